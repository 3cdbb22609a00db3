using LoadBalancer.Core.Addressing;
using LoadBalancer.Core.Ownership;
using LoadBalancer.Testing;
using static LoadBalancer.Speaker.Tests.Simulation.LargeSegment;

namespace LoadBalancer.Speaker.Tests.Simulation;

/// <summary>A rollout of the speakers where there are more addresses than a node can tell of at once.</summary>
public sealed class RestartScenarios(ITestOutputHelper output)
{
    private const int Thousands = 9000;
    private static readonly IpAddress First = IpAddress.Parse("192.168.98.0");

    // As a rolling update does it: the next one as soon as the last one owns what it owned.
    [Theory]
    [InlineData(3, 0, false)]
    [InlineData(3, 50, true)]
    [InlineData(2, 0, true)]
    [Limit(300, "thousands of addresses in one process")]
    public void SpeakersRestartOneAfterTheOther_ThousandsOfAddresses_NoneMoves(int nodes, int lossPerMille, bool killed)
    {
        var cluster = new SimulatedCluster(Numbers("LB_SIMULATION_SEED", 1)[0], nodes).Settle();
        for (var i = 0; i < Thousands; i++)
        {
            cluster.Api.PutService($"f-{i}", IpAddress.FromUInt32(First.AsUInt32 + (uint)i), cluster.Nodes.Select(static node => node.Name));
        }

        // Each is announced six times, a thousand frames a second.
        cluster.Run(30_000);
        var before = Owners(cluster);
        Assert.Equal(Thousands + 1, before.Sum(static its => its.Count()));
        cluster.Watch.Reset();
        cluster.Wire.LossPerMille = lossPerMille;
        foreach (var node in cluster.Nodes)
        {
            cluster.Watch.Edge([node]);
            Stop(cluster, node, killed);
            cluster.Run(50);
            node.StartSpeaker();
            var (its, began) = (before[node.Name].Count(), cluster.Now);
            while (Owned(node) < its && cluster.Now - began < TimeSpan.FromSeconds(5))
            {
                cluster.Run(10);
            }

            output.WriteLine($"{node.Name} owns {Owned(node)} of {its} after {(cluster.Now - began).TotalMilliseconds:0} ms");
        }

        cluster.Run(5000);
        var after = Owners(cluster);
        Assert.All(cluster.Nodes, node => Assert.Equal(before[node.Name], after[node.Name]));
        Assert.Null(cluster.Watch.Violation);
    }

    // Until then it goes on; what it waits for besides, it waits for no more.
    [Fact]
    public void SpeakerLeaves_ItsPeerDoesNotAnswer_AndAnAddressWasLetGoHalfAMinuteBefore_ItsThreadsRest()
    {
        var cluster = new SimulatedCluster(1, nodes: 2, vips: 2, local: true).Settle();
        var (vip, other) = (cluster.Vips[0], cluster.Vips[1]);
        var leaves = cluster.OwnerOf(vip);
        var stays = cluster.Nodes.Single(node => node != leaves);
        cluster.MoveEndpoints(vip, leaves);
        cluster.MoveEndpoints(other, leaves);
        cluster.Run(3000);
        cluster.MoveEndpoints(other, stays);
        while (cluster.OwnerOf(other) != stays)
        {
            cluster.Run(10);
        }

        cluster.Run(29_900);
        Assert.Equal(leaves, cluster.OwnerOf(vip));
        Assert.Null(cluster.Watch.Violation);
        stays.Port.Mute = true;
        leaves.Speaker!.Terminate();
        cluster.Run(400);
        Assert.DoesNotContain("steps", cluster.Watch.Violation ?? "");
    }

    private static void Stop(SimulatedCluster cluster, SimulatedNode node, bool killed)
    {
        if (killed)
        {
            node.KillSpeaker();
            return;
        }

        node.Speaker!.Terminate();
        while (node.Speaker is not null)
        {
            cluster.Run(10);
        }
    }

    private static int Owned(SimulatedNode node) => node.Speaker!.Segments.Sum(static segment => segment.Ownership.Owned);

    private static ILookup<string, IpAddress> Owners(SimulatedCluster cluster) => cluster.Nodes
        .SelectMany(static node => node.Speaker!.Segments.SelectMany(static segment => segment.Ownership.All)
            .Where(static entry => entry.Value.Phase == OwnershipPhase.Owner).Select(entry => (entry.Key, node.Name)))
        .OrderBy(static entry => entry.Key).ToLookup(static entry => entry.Name, static entry => entry.Key);
}
