using LoadBalancer.LocalCluster;
using LoadBalancer.LocalCluster.Isolation;
using LoadBalancer.LocalCluster.Network;
using LoadBalancer.LocalCluster.Probes;

namespace LoadBalancer.Cluster.Tests.Stage;

/// <summary>The measuring instruments, held against faults of known size.</summary>
public sealed class ProbeTests(ClusterFixture fixture, ITestOutputHelper output) : ClusterTest(fixture, output)
{
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(5);

    [Fact]
    public async Task ArpProbe_OneHostHasTheAddress_HearsOneMac()
    {
        await using ArpProbe probe = ArpProbe.Start(Cluster.Client, Lan.Node(2));
        await Eventually.TrueAsync(() => probe.Answers.Count > 20, Soon, "answers");
        Assert.Equal([Cluster.Nodes[1].Host.Mac], probe.Macs());
    }

    [Fact]
    public async Task ArpProbe_TwoHostsHaveTheAddress_HearsBoth()
    {
        const string Address = "192.168.96.210";
        await using ArpProbe probe = ArpProbe.Start(Cluster.Client, Address);
        Host[] rivals = [Cluster.Nodes[0].Host, Cluster.Nodes[1].Host];
        try
        {
            Array.ForEach(rivals, host => host.AddAddress(Address));
            await Eventually.TrueAsync(() => probe.Macs().Count == 2, Soon, "two hardware addresses");
        }
        finally
        {
            Array.ForEach(rivals, host => host.RemoveAddress(Address));
        }
    }

    [Fact]
    public async Task ConnectProbe_CableOutForAWhile_SeesAGapOfThatLength()
    {
        Node node = Cluster.Nodes[0];
        await using ConnectProbe probe = ConnectProbe.Start(Cluster.Client, node.Host.Address, await NodePortAsync());
        await Eventually.TrueAsync(() => probe.SucceededSince(default), Soon, "a connection");
        TimeSpan cut = probe.Now;
        node.Host.Unplug();
        await Eventually.TrueAsync(() => probe.Now - cut > TimeSpan.FromMilliseconds(300), Soon, "300 ms");
        node.Host.Plug();
        TimeSpan back = probe.Now;
        await Eventually.TrueAsync(() => probe.SucceededSince(back), Soon, "a connection again");

        TimeSpan gap = probe.LongestGap(cut - TimeSpan.FromMilliseconds(50));
        Figure($"cable out for {(back - cut).TotalMilliseconds:0} ms, seen as {gap.TotalMilliseconds:0} ms");
        Assert.InRange(gap, back - cut - TimeSpan.FromMilliseconds(30), back - cut + TimeSpan.FromMilliseconds(1500));
    }

    [Fact]
    public async Task UnpluggedNode_HasNoCarrier_BlockedNodeHas()
    {
        Host host = Cluster.Nodes[2].Host;
        host.Unplug();
        await Eventually.TrueAsync(() => !HasCarrier(host), Soon, "no carrier");
        host.Plug();
        await Eventually.TrueAsync(() => HasCarrier(host), Soon, "carrier");

        host.Block();
        await using ArpProbe probe = ArpProbe.Start(Cluster.Client, host.Address);
        await Eventually.TrueAsync(() => probe.Now > TimeSpan.FromMilliseconds(300), Soon, "300 ms");
        Assert.Empty(probe.Answers);
        Assert.True(HasCarrier(host));
        host.Unblock();
        await Eventually.TrueAsync(() => probe.Answers.Count > 0, Soon, "answers again");
    }

    [Fact]
    public void PrivateRun_HoldsNothingOfTheMachine()
    {
        Assert.True(PrivateRun.IsInside);
        string[] interfaces = [.. Tool.Run("ip -o link show").Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => line.Split(": ")[1].Split('@')[0])];
        Assert.All(interfaces, name => Assert.True(name is "lo" or "lan" || name.StartsWith("port-", StringComparison.Ordinal) || name.StartsWith("ifb", StringComparison.Ordinal), name));
    }

    private static bool HasCarrier(Host host) =>
        Tool.Run("ip", ["-n", host.Network.Name, "-o", "link", "show", "eth0"]).Contains("LOWER_UP", StringComparison.Ordinal);

    private async Task<int> NodePortAsync()
    {
        string name = NewName();
        int port = (int)(await CreateServiceAsync(name, new() { ["type"] = "NodePort" }))["spec"]!["ports"]![0]!["nodePort"]!;
        await Eventually.GetAsync(
            async () =>
            {
                try
                {
                    return await GetPageAsync(Cluster.Client, Lan.Node(1), port);
                }
                catch (HttpRequestException)
                {
                    return null;
                }
            },
            Soon, "a page");
        return port;
    }
}
