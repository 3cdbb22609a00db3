using System.Text;
using LoadBalancer.Core.Addressing;
using LoadBalancer.Core.Ownership;
using LoadBalancer.Core.Packets;
using LoadBalancer.Kubernetes.Resources;
using LoadBalancer.Speaker.Links;
using LoadBalancer.Speaker.Ownership;
using LoadBalancer.Speaker.Tests.Links;
using Prometheus;

namespace LoadBalancer.Speaker.Tests;

public sealed class VipMetricsTests : IDisposable
{
    private static readonly IpAddress Vip = IpAddress.Parse("192.168.96.100");

    private readonly CollectorRegistry registry = Metrics.NewCustomRegistry();
    private readonly LinkRunner runner = new(new FakeLink(FakeLink.FactsOf("eth0", 2)), new FakePeers(), null, (_, _) => { });
    private VipSnapshot snapshot = VipSnapshot.Empty;

    public VipMetricsTests() =>
        new VipMetrics(() => [runner], () => snapshot, Metrics.WithCustomRegistry(registry)).Register(registry);

    public void Dispose() => runner.Dispose();

    [Fact]
    public async Task Series_AreThoseOfTheServicesAnnouncedHere_AndEndWithThem()
    {
        snapshot = Of("dns-tcp", "dns-udp");
        Assert.Empty(await SeriesAsync());

        runner.Table = AnswerTable.Create([new(Vip, runner.Mac)]);
        Assert.Equal(
        [
            "loadbalancer_speaker_vip_owned{link=\"eth0\",vip=\"192.168.96.100\",used_by=\"default/dns-tcp\"} 1",
            "loadbalancer_speaker_vip_owned{link=\"eth0\",vip=\"192.168.96.100\",used_by=\"default/dns-udp\"} 1",
        ], await SeriesAsync());

        snapshot = Of("dns-udp");
        Assert.Contains("dns-udp", Assert.Single(await SeriesAsync()), StringComparison.Ordinal);

        runner.Table = AnswerTable.Empty;
        Assert.Empty(await SeriesAsync());
    }

    [Fact]
    public async Task AddressAnsweredInAnothersPlace_IsNotAnnouncedHere()
    {
        snapshot = Of("web");
        runner.Table = AnswerTable.Create([new(Vip, MacAddress.Parse("52:54:00:00:00:bb"))]);
        Assert.Empty(await SeriesAsync());
    }

    private static VipSnapshot Of(params string[] services) => new(
        new Dictionary<IpAddress, VipFacts>(),
        new Dictionary<IpAddress, IReadOnlyList<ServiceResource>>
        {
            [Vip] = [.. services.Select(name => new ServiceResource { Key = new ObjectKey("default", name) })],
        },
        new Dictionary<IpAddress, UnusableVip>());

    private async Task<string[]> SeriesAsync()
    {
        using var stream = new MemoryStream();
        await registry.CollectAndExportAsTextAsync(stream, TestContext.Current.CancellationToken);
        return [.. Encoding.UTF8.GetString(stream.ToArray()).Split('\n').Where(line => line.StartsWith("loadbalancer", StringComparison.Ordinal)).Order()];
    }
}
