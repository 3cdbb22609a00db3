using LoadBalancer.LocalCluster;
using LoadBalancer.LocalCluster.Network;
using LoadBalancer.LocalCluster.Probes;
using LoadBalancer.LocalCluster.Workloads;

namespace LoadBalancer.Cluster.Tests.Announcing;

/// <summary>A cluster whose nodes, pods, Services and API server have no IPv4 address at all.</summary>
public sealed class IPv6OnlyClusterTests(ClusterFixture fixture, ITestOutputHelper output) : OwnClusterTest(fixture, output, families: LanFamilies.IPv6Only)
{
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(15);

    [Fact]
    public async Task ClusterWithoutIPv4_AssignsAnnouncesServesAndFailsOver()
    {
        await Cluster.DeployAsync("web", Cluster.Nodes);
        await Cluster.SetConfigAsync(
            $"""
            address-pools:
            - name: default
              protocol: layer2
              addresses: ['{Lan.Pool6}']
            """);
        await Cluster.Programs.StartAllAsync();
        await Cluster.Api.CreateAsync("/api/v1/namespaces/default/services", ServiceObject.LoadBalancer("web"));

        string address = await Cluster.WaitForAddressAsync("web", within: Soon);
        Assert.StartsWith("fd00:96::1:", address, StringComparison.Ordinal);
        Node owner = await NdpOwner.FindAsync(Cluster, address, Soon);
        await using ConnectProbe probe = ConnectProbe.Start(Cluster.Client, address);
        await Eventually.TrueAsync(() => probe.SucceededSince(default), Soon, "a connection");
        using (HttpClient http = Cluster.Client.Http(Soon))
        {
            Assert.StartsWith("hello from web-", await http.GetStringAsync(new Uri($"http://[{address}]/"), Cancel), StringComparison.Ordinal);
        }

        TimeSpan before = probe.Now;
        owner.Host.Unplug();
        // An attempt begun before now may still have reached the lost node.
        TimeSpan cut = probe.Now;
        await Eventually.TrueAsync(() => probe.SucceededSince(cut), Soon, "a connection elsewhere", () => Cluster.Programs.Tails());

        TimeSpan gap = probe.LongestGap(before);
        Figure($"IPv6 only, cable pulled: longest time without a connect {gap.TotalMilliseconds:0} ms");
        Assert.InRange(gap, TimeSpan.Zero, TimeSpan.FromSeconds(2));
        Assert.NotEqual(owner.Name, (await NdpOwner.FindAsync(Cluster, address, Soon)).Name);
    }
}
