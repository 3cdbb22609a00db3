using LoadBalancer.Testing;
using static LoadBalancer.Speaker.Tests.Simulation.LargeSegment;

namespace LoadBalancer.Speaker.Tests.Simulation;

/// <summary>What goes wrong on a segment of many nodes while something else does, and how much is said about it.</summary>
public sealed class LargeSegmentFaults(ITestOutputHelper output)
{
    // Of those that ask a kernel, one that has lost its question must not make the others think that the node is gone.
    [Fact]
    [Limit(300, "many nodes in one process")]
    public void SpeakersAreKilledWhileFramesAreLost_NobodyTakesTheirNodesForGone_AndNothingMoves()
    {
        var cluster = Settled(20);
        cluster.Watch.Edge(cluster.Nodes);
        cluster.Watch.Reset();
        cluster.Wire.LossPerMille = 50;
        foreach (var node in cluster.Nodes.Take(12))
        {
            node.KillSpeaker();
            cluster.Run(1500);
            Assert.All(cluster.Nodes.Where(other => other != node), other => Assert.Contains(node.Name, Members(cluster, other)));
            node.StartSpeaker();
            cluster.Run(2500);
        }

        Assert.Empty(cluster.Watch.Losses);
        Assert.All(cluster.Vips, vip => Assert.Equal(0, cluster.Watch.MovesOf(vip)));
        Agree(cluster);
    }

    // It misses everybody: that is said by nobody else, and not by it for long.
    [Theory]
    [InlineData(true, false)]
    [InlineData(false, true)]
    [InlineData(true, true)]
    [Limit(300, "many nodes in one process")]
    public void NodeHearsNothingOrCannotSpeak_LittleIsSaid(bool deaf, bool mute)
    {
        var cluster = Settled(20);
        var owner = cluster.OwnerOf(cluster.Vip);
        var others = cluster.Vips.Where(vip => cluster.OwnerOf(vip) != owner).ToList();
        Strike(cluster, owner);
        var traffic = new WireTraffic(cluster);
        owner.Port.Deaf = deaf;
        owner.Port.Mute = mute;
        cluster.Run(1000);
        Assert.InRange(traffic.Broadcasts, 0, 120);
        output.WriteLine($"the first second: {traffic}");
        cluster.Run(4000);
        Assert.InRange(traffic.MostPerNode, 0, 160);
        Assert.InRange(traffic.Broadcasts, 0, 40);
        output.WriteLine($"after it: {traffic}");
        Assert.Null(cluster.Watch.Violation);
        Assert.InRange(cluster.Watch.LongestSilence.TotalMilliseconds, 1, 500);
        Assert.All(others, vip => Assert.Equal(0, cluster.Watch.MovesOf(vip)));
        Strike(cluster, owner);
        owner.Port.Deaf = owner.Port.Mute = false;
        cluster.Run(3000);
        Agree(cluster);
    }

    // Each meets each of the others: two frames a pair, and what they claim.
    [Fact]
    [Limit(300, "many nodes in one process")]
    public void TwentyNodesJoinTen_EverybodyKnowsThemInASecondAndAHalf_NothingMoves_AndAllIsQuietAfterwards()
    {
        var cluster = Settled(10);
        var traffic = new WireTraffic(cluster);
        for (var i = 0; i < 20; i++)
        {
            cluster.AddNode().StartSpeaker();
        }

        cluster.Run(1000);
        Assert.InRange(traffic.MostPerNode, 0, 180);
        Assert.InRange(traffic.Broadcasts, 0, 150);
        output.WriteLine($"the first second: {traffic}");
        cluster.Run(500);
        Agree(cluster);
        _ = traffic.ToString();
        cluster.Run(2000);
        Assert.InRange(traffic.MostPerNode, 1, 100);
        output.WriteLine($"after it: {traffic}");
        Assert.Null(cluster.Watch.Violation);
        Assert.All(cluster.Vips, vip => Assert.Equal(0, cluster.Watch.MovesOf(vip)));
    }

    // With five and eight, those in the middle have no neighbour left on one side at least.
    [Theory]
    [InlineData(20, 5)]
    [InlineData(20, 8)]
    [InlineData(12, 8)]
    [Limit(300, "many nodes in one process")]
    public void ManyNeighboursLosePowerAtOnce_TheirAddressesAreAnsweredWithinHalfASecond(int nodes, int lost)
    {
        var cluster = Settled(nodes);
        var ring = Ring(cluster);
        var first = ring.IndexOf(cluster.OwnerOf(cluster.Vip)) - (lost / 2) + nodes;
        List<SimulatedNode> struck = [.. Enumerable.Range(first, lost).Select(i => ring[i % nodes])];
        Lose(cluster, struck, 500);
    }

    // Chance will have it that none of them has lost all its neighbours.
    [Fact]
    [Limit(300, "many nodes in one process")]
    public void HalfOfTheNodesLosePowerAtOnce_TheirAddressesAreAnsweredWithinHalfASecond()
    {
        var cluster = Settled(20);
        Lose(cluster, [.. cluster.Nodes.Take(10)], 500);
    }

    // All that would have missed the one in the middle died with it: those that become its neighbours do.
    [Fact]
    [Limit(300, "many nodes in one process")]
    public void NodeAndAllItsNeighboursLosePowerAtOnce_TheirAddressesAreAnsweredWithinASecond()
    {
        var cluster = Settled(30);
        var ring = Ring(cluster);
        var first = ring.IndexOf(cluster.OwnerOf(cluster.Vip)) - 4 + 30;
        Lose(cluster, [.. Enumerable.Range(first, 9).Select(i => ring[i % 30])], 900);
    }

    // Its speaker dies first, and then the node: the few that ask its kernel say so, with few nodes as with many.
    [Theory]
    [InlineData(3)]
    [InlineData(5)]
    [InlineData(9)]
    [InlineData(10)]
    [InlineData(20)]
    [Limit(300, "many nodes in one process")]
    public void NodeDiesWhileItsSpeakerIsAway_ItsAddressesAreTakenOverWithinHalfASecond(int nodes)
    {
        for (var i = 0; i < 3; i++)
        {
            var cluster = Settled(nodes);
            var owner = cluster.OwnerOf(cluster.Vips[i]);
            Strike(cluster, owner);
            owner.KillSpeaker();
            cluster.Run(3000 + (37 * i));
            Assert.Null(cluster.Watch.Violation);
            Strike(cluster, owner);
            owner.PowerOff();
            cluster.Run(2000);
            Assert.InRange(cluster.Watch.LongestSilence.TotalMilliseconds, 1, 500);
            Assert.Null(cluster.Watch.Violation);
            Agree(cluster);
        }
    }

    // Nobody that watches it would miss it, or it does not hear what they take from it, while all others hear it and it hears them: it gives way.
    [Theory]
    [InlineData(12, true, true)]
    [InlineData(20, true, true)]
    [InlineData(20, false, true)]
    [InlineData(20, true, false)]
    [InlineData(40, true, true)]
    [Limit(300, "many nodes in one process")]
    public void OwnerDoesNotHearItsNeighbours_OrTheyDoNotHearIt_AnotherAnswersWithinHalfASecond_AndNothingElseMoves(int nodes, bool toIt, bool fromIt)
    {
        var cluster = Settled(nodes);
        var ring = Ring(cluster);
        var owner = cluster.OwnerOf(cluster.Vip);
        var owned = cluster.Vips.Where(vip => cluster.OwnerOf(vip) == owner).ToHashSet();
        var at = ring.IndexOf(owner) + nodes;
        List<SimulatedNode> neighbours = [.. Enumerable.Range(at - 4, 9).Select(i => ring[i % nodes]).Where(node => node != owner)];
        Strike(cluster, [.. cluster.Nodes]);
        Part(true);
        var traffic = new WireTraffic(cluster);
        var since = cluster.Now;
        TimeSpan? taken = null;
        for (var i = 0; i < 1000; i++)
        {
            cluster.Run(10);
            taken ??= owned.All(vip => cluster.Answers(vip).Any(answer => answer.Node != owner)) ? cluster.Now - since : null;
            Assert.True(i < 62 || Contested(cluster) is null, $"{Contested(cluster)} after {10 * i} ms");
        }

        output.WriteLine($"{nodes} nodes: another answers after {taken?.TotalMilliseconds} ms; {traffic}");
        Assert.InRange(taken!.Value.TotalMilliseconds, 1, 500);
        Assert.DoesNotContain(owner, cluster.Vips.SelectMany(cluster.Answers).Select(static answer => answer.Node));
        Assert.All(cluster.Vips, vip => Assert.InRange(cluster.Watch.MovesOf(vip), 0, owned.Contains(vip) ? 1 : 0));
        Part(false);
        cluster.Run(3000);
        Agree(cluster);
        Assert.All(cluster.Vips, vip => Assert.InRange(cluster.Watch.MovesOf(vip), 0, owned.Contains(vip) ? 1 : 0));

        void Part(bool cut)
        {
            foreach (var neighbour in neighbours)
            {
                cluster.Wire.Cut(neighbour, owner, cut && toIt);
                cluster.Wire.Cut(owner, neighbour, cut && fromIt);
            }
        }
    }

    // A part of a moment ago is not gone for those who met it again, whatever the others still say of it.
    [Fact]
    [Limit(300, "many nodes in one process")]
    public void NodeStandsStillWhileFramesAreLost_GoesOn_NobodyLosesItAgain()
    {
        var cluster = Settled(20);
        cluster.Watch.Edge(cluster.Nodes);
        cluster.Wire.LossPerMille = 50;
        foreach (var node in cluster.Nodes.Take(4))
        {
            node.Speaker!.Stop();
            node.Port.Deaf = node.Port.Mute = true;
            cluster.Run(2000);
            node.Port.Deaf = node.Port.Mute = false;
            node.Speaker!.Continue();
            var met = new HashSet<string>();
            for (var i = 0; i < 200; i++)
            {
                cluster.Run(10);
                var now = cluster.Nodes.Where(other => other != node && Members(cluster, other).Contains(node.Name)).Select(static other => other.Name).ToHashSet();
                Assert.Subset(now, met);
                met.UnionWith(now);
            }

            Assert.Equal(19, met.Count);
        }
    }

    private void Lose(SimulatedCluster cluster, List<SimulatedNode> struck, int within)
    {
        Strike(cluster, [.. struck]);
        struck.ForEach(static node => node.PowerOff());
        cluster.Run(2500);
        output.WriteLine($"{cluster.Nodes.Count} nodes, {struck.Count} of them lost: longest silence {cluster.Watch.LongestSilence.TotalMilliseconds:0} ms");
        Assert.InRange(cluster.Watch.LongestSilence.TotalMilliseconds, 1, within);
        Agree(cluster);
    }

    private static string? Contested(SimulatedCluster cluster) => cluster.Vips.Select(vip => cluster.Answers(vip).Select(static answer => answer.Node.Name).Distinct().ToList())
        .Where(static nodes => nodes.Count != 1).Select(static nodes => $"one address is answered for by [{string.Join(", ", nodes)}]").FirstOrDefault();

    private static HashSet<string> Members(SimulatedCluster cluster, SimulatedNode node) =>
        [.. node.Speaker!.Segments.Single().View(cluster.Now, []).Peers.Select(static peer => peer.Node)];

    private static List<SimulatedNode> Ring(SimulatedCluster cluster) => [.. cluster.Nodes.OrderBy(static node => Place(node))];
}
