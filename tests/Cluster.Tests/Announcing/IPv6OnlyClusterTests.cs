using System.Text.Json.Nodes;
using LoadBalancer.LocalCluster;
using LoadBalancer.LocalCluster.Network;
using LoadBalancer.LocalCluster.Probes;
using LocalClusterOf = LoadBalancer.LocalCluster.Cluster;

namespace LoadBalancer.Cluster.Tests.Announcing;

/// <summary>A cluster whose nodes, pods, Services and API server have no IPv4 address at all.</summary>
public sealed class IPv6OnlyClusterTests(ClusterFixture fixture, ITestOutputHelper output) : IAsyncLifetime
{
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(15);
    private LocalClusterOf? _cluster;

    private LocalClusterOf Cluster => _cluster!;

    public async ValueTask InitializeAsync()
    {
        await fixture.CloseAsync();
        _cluster = await LocalClusterOf.StartAsync(families: LanFamilies.IPv6Only);
    }

    public async ValueTask DisposeAsync()
    {
        if (_cluster is null)
        {
            return;
        }

        if (TestContext.Current.TestState?.Result == TestResult.Failed)
        {
            output.WriteLine(Cluster.Programs.Tails(60));
        }

        await Cluster.DisposeAsync();
    }

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
        await Cluster.Api.CreateAsync("/api/v1/namespaces/default/services", new JsonObject
        {
            ["apiVersion"] = "v1",
            ["kind"] = "Service",
            ["metadata"] = new JsonObject { ["name"] = "web", ["namespace"] = "default" },
            ["spec"] = new JsonObject
            {
                ["type"] = "LoadBalancer",
                ["selector"] = new JsonObject { ["app"] = "web" },
                ["ports"] = new JsonArray(new JsonObject { ["port"] = 80, ["targetPort"] = 8080 }),
            },
        });

        string address = await Cluster.WaitForAddressAsync("web", within: Soon);
        Assert.StartsWith("fd00:96::1:", address, StringComparison.Ordinal);
        Node owner = await NdpOwner.FindAsync(Cluster, address, Soon);
        await using ConnectProbe probe = ConnectProbe.Start(Cluster.Client, address);
        await Eventually.TrueAsync(() => probe.SucceededSince(default), Soon, "a connection");
        using (HttpClient http = Cluster.Client.Http(Soon))
        {
            Assert.StartsWith("hello from web-", await http.GetStringAsync(new Uri($"http://[{address}]/"), TestContext.Current.CancellationToken), StringComparison.Ordinal);
        }

        TimeSpan before = probe.Now;
        owner.Host.Unplug();
        // An attempt begun before now may still have reached the lost node.
        TimeSpan cut = probe.Now;
        await Eventually.TrueAsync(() => probe.SucceededSince(cut), Soon, "a connection elsewhere", () => Cluster.Programs.Tails());

        TimeSpan gap = probe.LongestGap(before);
        output.WriteLine($"IPv6 only, cable pulled: longest time without a connect {gap.TotalMilliseconds:0} ms");
        Assert.InRange(gap, TimeSpan.Zero, TimeSpan.FromSeconds(2));
        Assert.NotEqual(owner.Name, (await NdpOwner.FindAsync(Cluster, address, Soon)).Name);
    }
}
