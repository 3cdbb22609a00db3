using LoadBalancer.Core.Ownership;
using LoadBalancer.Testing;
using static LoadBalancer.Speaker.Tests.Simulation.LargeSegment;

namespace LoadBalancer.Speaker.Tests.Simulation;

/// <summary>
/// A segment of many nodes is as quick as one of few, and none says more. LB_LARGE=50,100,200 are the numbers of nodes instead of those that
/// a test run has time for; LB_LARGE_VIPS=3000 how many addresses there are beside those that are watched; LB_LARGE_SECONDS=3600 for how long frames get lost, or the halves are apart;
/// LB_TEST_LIMITS=none lets that take its time.
/// </summary>
public sealed class LargeSegmentScenarios(ITestOutputHelper output)
{
    public static TheoryData<int> Sizes => new(Numbers("LB_LARGE", 10, 20));

    /// <summary>The largest of them.</summary>
    private static int Size => Numbers("LB_LARGE", 20)[^1];

    [Theory]
    [MemberData(nameof(Sizes))]
    [Limit(300, "many nodes in one process")]
    public void NodeLosesPower_ItsAddressesAreAnsweredWithinHalfASecond(int nodes)
    {
        var cluster = Settled(nodes);
        var owner = cluster.OwnerOf(cluster.Vip);
        var traffic = new WireTraffic(cluster);
        cluster.Run(2000);

        // Owners of many addresses are asked for some of them each second.
        Assert.InRange(traffic.MostPerNode, 1, cluster.FurtherVips.Count == 0 ? 100 : 130);
        output.WriteLine($"{nodes} nodes, nothing happens: {traffic}");
        Strike(cluster, owner);
        owner.PowerOff();
        cluster.Run(500);
        var atDeath = traffic.ToString();
        cluster.Run(1500);
        output.WriteLine($"longest silence {cluster.Watch.LongestSilence.TotalMilliseconds:0} ms; in the first half second: {atDeath}");
        Assert.Null(cluster.Watch.Violation);
        Assert.InRange(cluster.Watch.LongestSilence.TotalMilliseconds, 1, 500);
        Assert.Contains(owner.Name, cluster.Watch.Losses.Select(loss => loss.Node));
        Agree(cluster);
    }

    // Neighbours in the ring, so that each of them loses three of those that watch it.
    [Theory]
    [MemberData(nameof(Sizes))]
    [Limit(300, "many nodes in one process")]
    public void ThreeNeighboursLosePowerAtOnce_TheirAddressesAreAnsweredWithinHalfASecond(int nodes)
    {
        var cluster = Settled(nodes);
        var ring = cluster.Nodes.OrderBy(static node => Place(node)).ToList();
        var at = ring.IndexOf(cluster.OwnerOf(cluster.Vip));
        List<SimulatedNode> struck = [.. Enumerable.Range(0, 3).Select(i => ring[(at + i) % nodes])];
        Strike(cluster, [.. struck]);
        struck.ForEach(static node => node.PowerOff());
        cluster.Run(2000);
        output.WriteLine($"{nodes} nodes, three of them lost: longest silence {cluster.Watch.LongestSilence.TotalMilliseconds:0} ms");
        Assert.Null(cluster.Watch.Violation);
        Assert.InRange(cluster.Watch.LongestSilence.TotalMilliseconds, 1, 500);
        Agree(cluster);
    }

    [Fact]
    [Limit(300, "many nodes in one process")]
    public void SpeakerIsKilled_ItsDeputyAnswersWithinHalfASecond_AndNothingMoves()
    {
        var cluster = Settled(Size);
        var owner = cluster.OwnerOf(cluster.Vip);
        Strike(cluster, owner);
        owner.KillSpeaker();
        cluster.Run(3000);
        output.WriteLine($"longest silence {cluster.Watch.LongestSilence.TotalMilliseconds:0} ms");
        Assert.InRange(cluster.Watch.LongestSilence.TotalMilliseconds, 1, 500);
        Assert.Equal(owner.Port.Mac, Assert.Single(cluster.Watch.MacsOf(cluster.Vip)));
        owner.StartSpeaker();
        Strike(cluster, owner);
        cluster.Run(3000);
        Assert.Null(cluster.Watch.Violation);
        Assert.Equal(owner, cluster.OwnerOf(cluster.Vip));
        Assert.All(cluster.Vips, vip => Assert.Equal(0, cluster.Watch.MovesOf(vip)));
        Assert.Empty(cluster.Watch.Losses);
        Agree(cluster);
    }

    [Theory]
    [MemberData(nameof(Sizes))]
    [Limit(300, "many nodes in one process")]
    public void CutInHalves_WholeAgain_EverybodyAgreesWithinTwoSeconds(int nodes)
    {
        var cluster = Settled(nodes);
        Cut(cluster, nodes / 2, true);
        cluster.Run(Numbers("LB_LARGE_SECONDS", 20)[0] * 1000);
        cluster.Watch.Edge(cluster.Nodes);
        var traffic = new WireTraffic(cluster);
        Cut(cluster, nodes / 2, false);
        var healed = cluster.Now;
        while (!AllAgree(cluster) && cluster.Now - healed < TimeSpan.FromSeconds(5))
        {
            cluster.Run(50);
        }

        output.WriteLine($"{nodes} nodes, two halves: agreed after {(cluster.Now - healed).TotalMilliseconds:0} ms; {traffic}");
        Assert.InRange((cluster.Now - healed).TotalSeconds, 0, 2);
        cluster.Run(2000);
        Assert.All(cluster.Vips, vip => Assert.Single(cluster.Answers(vip).Select(answer => answer.Mac).Distinct()));
        Agree(cluster);
    }

    [Fact]
    [Limit(300, "many nodes in one process")]
    public void OneNodeIsCutOff_ItIsBack_NoAddressOfTheOthersMoves()
    {
        var cluster = Settled(Size);
        var owner = cluster.OwnerOf(cluster.Vip);
        var others = cluster.Vips.Where(vip => cluster.OwnerOf(vip) != owner).ToList();
        Strike(cluster, owner);
        owner.Port.Deaf = owner.Port.Mute = true;
        cluster.Run(10_000);
        Strike(cluster, owner);
        owner.Port.Deaf = owner.Port.Mute = false;
        cluster.Run(4000);
        Assert.Null(cluster.Watch.Violation);
        Assert.All(others, vip => Assert.Equal(0, cluster.Watch.MovesOf(vip)));
        Agree(cluster);
    }

    // Of twenty frames one is lost, for as long as there is time: nobody is missed wrongly so that it would matter.
    [Fact]
    [Limit(300, "many nodes in one process")]
    public void FramesAreLost_NobodyIsLost()
    {
        var cluster = Settled(Size);
        cluster.Watch.Edge(cluster.Nodes);
        cluster.Watch.Reset();
        cluster.Wire.LossPerMille = 50;
        var traffic = new WireTraffic(cluster);
        cluster.Run(1000 * Numbers("LB_LARGE_SECONDS", 20)[0]);
        output.WriteLine($"{Size} nodes: {traffic}");
        Assert.All(cluster.Nodes, node => Assert.Equal(0, Assert.Single(node.Speaker!.Segments).View(cluster.Now, []).Reunions));
        Assert.Empty(cluster.Watch.Losses);
        Assert.All(cluster.Vips, vip => Assert.Equal(0, cluster.Watch.MovesOf(vip)));
        Agree(cluster);
    }

    // One way of one pair is cut: the others hear both, and that counts.
    [Fact]
    [Limit(300, "many nodes in one process")]
    public void OneNeighbourDoesNotHearAnother_NobodyIsLost_AndLittleIsSaid()
    {
        var cluster = Settled(Size);
        var ring = cluster.Nodes.OrderBy(static node => Place(node)).ToList();
        cluster.Watch.Edge(ring.Take(2));
        cluster.Watch.Reset();
        cluster.Wire.Cut(ring[0], ring[1], true);
        cluster.Run(2000);
        var traffic = new WireTraffic(cluster);
        cluster.Run(8000);
        Assert.InRange(traffic.Broadcasts, 0, 60);
        output.WriteLine($"{Size} nodes: {traffic}");
        Assert.Empty(cluster.Watch.Losses);
        Assert.All(cluster.Vips, vip => Assert.Equal(0, cluster.Watch.MovesOf(vip)));
        Agree(cluster);
    }

    [Fact]
    [Limit(300, "many nodes in one process")]
    public void NodeJoins_EverybodyKnowsItWithinASecond_AndNothingMoves()
    {
        var cluster = Settled(Size);
        cluster.Watch.Reset();
        var joined = cluster.AddNode();
        joined.StartSpeaker();
        cluster.Run(1500);
        Assert.True(AllAgree(cluster), Disagreement(cluster));
        cluster.Run(2000);
        Assert.Null(cluster.Watch.Violation);
        Assert.All(cluster.Vips, vip => Assert.Equal(0, cluster.Watch.MovesOf(vip)));
        Agree(cluster);
    }

    // The nodes that start last speak as the last release did, which kept company with everybody.
    [Theory]
    [InlineData(1)]
    [InlineData(6)]
    [InlineData(11)]
    public void OlderAndNewerSpeakers_AnyOfThemDies_ItsAddressesAreAnsweredWithinHalfASecond(int older)
    {
        var cluster = Settled(12, older: older);
        foreach (var owner in new[] { cluster.Nodes[0], cluster.Nodes[^1] })
        {
            Strike(cluster, owner);
            owner.PowerOff();
            cluster.Run(2000);
            output.WriteLine($"{older} older, {12 - older} newer, {(owner.Index >= 12 - older ? "an older" : "a newer")} lost: longest silence {cluster.Watch.LongestSilence.TotalMilliseconds:0} ms");
            Assert.Null(cluster.Watch.Violation);
            Assert.InRange(cluster.Watch.LongestSilence.TotalMilliseconds, 0, 500);
            Strike(cluster, owner);
            owner.PowerOn();
            cluster.Run(3000);
            Assert.Null(cluster.Watch.Violation);
            Agree(cluster);
        }
    }

    // Whoever asks the kernel of one that is away changes with each that comes and goes: nine that are left are a small segment, and twelve are not.
    [Fact]
    [Limit(300, "many nodes in one process")]
    public void ThreeSpeakersAtATimeAreRestarted_NoAddressMoves_AndNobodyIsTakenForGone()
    {
        var cluster = Settled(12);
        for (var stride = 1; stride <= 11; stride += 2)
        {
            for (var first = 0; first < 12; first += 3)
            {
                List<SimulatedNode> three = [.. Enumerable.Range(first, 3).Select(i => cluster.Nodes[i * stride % 12]).Distinct()];
                Strike(cluster, [.. three]);
                three.ForEach(static node => node.Speaker!.Terminate());
                cluster.Run(4000);
                foreach (var node in three)
                {
                    cluster.Run(70 * stride);
                    node.StartSpeaker();
                }

                cluster.Run(3000);
                Assert.Null(cluster.Watch.Violation);
                Assert.All(cluster.Vips, vip => Assert.Equal(0, cluster.Watch.MovesOf(vip)));
            }
        }

        Assert.Empty(cluster.Watch.Losses);
        Agree(cluster);
    }

    // One node after the other is restarted with the other version, as a DaemonSet is rolled out, and then all back.
    [Fact]
    public void UpgradeOfEveryNode_AndBack_NoAddressMoves()
    {
        var newer = new HashSet<int>();
        var cluster = Settled(12, timings: index => new MembershipTimings { Ring = newer.Contains(index) });
        foreach (var back in new[] { false, true })
        {
            foreach (var node in cluster.Nodes)
            {
                _ = back ? newer.Remove(node.Index) : newer.Add(node.Index);
                Strike(cluster, node);
                node.Speaker!.Terminate();
                cluster.Run(4000);
                node.StartSpeaker();
                cluster.Run(2000);
                Assert.Null(cluster.Watch.Violation);
                Assert.All(cluster.Vips, vip => Assert.Equal(0, cluster.Watch.MovesOf(vip)));
            }
        }

        Agree(cluster);
    }
}
