using System.Globalization;
using LoadBalancer.LocalCluster;
using LoadBalancer.LocalCluster.Network;
using LoadBalancer.LocalCluster.Programs;

namespace LoadBalancer.Cluster.Tests.Announcing;

/// <summary>What the programs' /metrics say of a Service before it is there, while it is reached, and after it is gone.</summary>
public sealed class MetricsTests(ClusterFixture fixture, ITestOutputHelper output) : ProgramTest(fixture, output)
{
    [Fact]
    public async Task Metrics_BeforeTraffic_AfterTraffic_AndAfterDeletion()
    {
        (string name, string address, Node owner) = await CreateAnnouncedServiceAsync();
        ProgramProcess speaker = Cluster.Programs.Speaker(owner);
        string series = $"loadbalancer_speaker_vip_owned{{link=\"eth0\",vip=\"{address}\",used_by=\"default/{name}\"}}";
        await BecomesAsync(async () => await ValueAsync(speaker, series) == 1, series);
        await BecomesAsync(async () => await ValueAsync(speaker, "loadbalancer_speaker_vips_owned{link=\"eth0\"}") >= 1, "an address owned");
        await BecomesAsync(async () => await ValueAsync(speaker, "loadbalancer_speaker_announcements_sent_total") >= 2, "both forms announced");
        await BecomesAsync(async () => await ValueAsync(speaker, "loadbalancer_speaker_members{link=\"eth0\",source=\"wire\"}") == 2, "two peers");
        Assert.Null(await ValueAsync(Cluster.Programs.Speaker(Cluster.Nodes.First(node => node != owner)), series));

        const string Answered = "loadbalancer_speaker_requests_answered_total{link=\"eth0\"}";
        double before = await ValueAsync(speaker, Answered) ?? 0;
        Cluster.Client.ForgetNeighbours();
        await GetPageAsync(Cluster.Client, address);
        await BecomesAsync(async () => await ValueAsync(speaker, Answered) > before, "one more request answered");

        ProgramProcess controller = Cluster.Programs.Controller(await WaitForLeaderAsync());
        const string InUse = "loadbalancer_pool_addresses_in_use{pool=\"default\"}";
        Assert.True(await ValueAsync(controller, InUse) >= 1);
        Assert.Equal(51, await ValueAsync(controller, "loadbalancer_pool_addresses{pool=\"default\"}"));
        Assert.Equal(1, await ValueAsync(controller, "loadbalancer_config_loaded"));

        await Cluster.Api.DeleteAsync(ServicePath(name));
        await BecomesAsync(async () => await ValueAsync(speaker, series) is null, "the Service's series is gone");
        await BecomesAsync(async () => await ValueAsync(controller, InUse) == 0, "no address in use");
    }

    private static async Task BecomesAsync(Func<Task<bool>> condition, string what) =>
        await Eventually.GetAsync(async () => await condition() ? what : null, Soon, what);

    private static async Task<double?> ValueAsync(ProgramProcess program, string series)
    {
        string? line = (await ClusterPrograms.FiguresAsync(program)).FirstOrDefault(line => line.StartsWith($"{series} ", StringComparison.Ordinal));
        return line is null ? null : double.Parse(line.AsSpan(series.Length + 1), CultureInfo.InvariantCulture);
    }
}
