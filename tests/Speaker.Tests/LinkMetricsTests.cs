using LoadBalancer.Core.Packets;
using LoadBalancer.Speaker.Announcing;
using LoadBalancer.Speaker.Links;
using LoadBalancer.Speaker.Tests.Links;
using Microsoft.Extensions.Time.Testing;

namespace LoadBalancer.Speaker.Tests;

public sealed class LinkMetricsTests
{
    [Fact]
    public async Task LinkThatIsGone_HasNoSeries()
    {
        using var runner = new LinkRunner(new FakeLink(FakeLink.FactsOf("gone9", 9)), new FakePeers(), null, (_, _) => { });
        using var announcer = new Announcer(new FakeTimeProvider());
        IReadOnlyList<LinkRunner> links = [runner];
        var metrics = new LinkMetrics(() => links, announcer);

        metrics.Collect();
        var shown = await ShownAsync();
        Assert.Contains("loadbalancer_speaker_requests_answered_total{link=\"gone9\"} 0", shown, StringComparison.Ordinal);
        Assert.Contains("loadbalancer_speaker_frames_received_total{link=\"gone9\"} 0", shown, StringComparison.Ordinal);
        Assert.Contains($"loadbalancer_speaker_frames_dropped_total{{link=\"gone9\",reason=\"{DropReason.TargetNotOurs.Label()}\"}} 0", shown, StringComparison.Ordinal);

        links = [];
        metrics.Collect();
        Assert.DoesNotContain("gone9", await ShownAsync(), StringComparison.Ordinal);
    }

    private static async Task<string> ShownAsync()
    {
        using var text = new MemoryStream();
        await Prometheus.Metrics.DefaultRegistry.CollectAndExportAsTextAsync(text, TestContext.Current.CancellationToken);
        return System.Text.Encoding.UTF8.GetString(text.ToArray());
    }
}
