using System.Globalization;
using LoadBalancer.Core.Ownership;
using LoadBalancer.Testing;

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
        var traffic = new Traffic(cluster);
        cluster.Run(2000);
        Assert.InRange(traffic.MostPerNode, 1, 100);
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

    // Its speaker dies first, and then the node: those that ask its kernel say so.
    [Fact]
    [Limit(300, "many nodes in one process")]
    public void NodeDiesWhileItsSpeakerIsAway_ItsAddressesAreTakenOver()
    {
        var cluster = Settled(Size);
        var owner = cluster.OwnerOf(cluster.Vip);
        Strike(cluster, owner);
        owner.KillSpeaker();
        cluster.Run(3000);
        Strike(cluster, owner);
        owner.PowerOff();
        cluster.Run(2000);
        Assert.Null(cluster.Watch.Violation);
        Assert.NotEqual(owner, cluster.OwnerOf(cluster.Vip));
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
        var traffic = new Traffic(cluster);
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
        var traffic = new Traffic(cluster);
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
        var traffic = new Traffic(cluster);
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

    private static SimulatedCluster Settled(int nodes, int older = 0, Func<int, MembershipTimings>? timings = null) =>
        new SimulatedCluster(nodes, nodes, vips: 10, furtherVips: Numbers("LB_LARGE_VIPS", 0)[0], timings: timings ?? (index => new MembershipTimings { Ring = index < nodes - older }))
        {
            LeasePeriod = TimeSpan.FromSeconds(20),
        }.Settle();

    private static void Strike(SimulatedCluster cluster, params SimulatedNode[] struck)
    {
        cluster.Watch.Reset();
        cluster.Watch.Edge(struck);
    }

    private static ulong Place(SimulatedNode node) => SegmentRing.PlaceOf(System.Text.Encoding.ASCII.GetBytes(node.Name), "eth0"u8);

    private static void Cut(SimulatedCluster cluster, int first, bool isCut)
    {
        foreach (var one in cluster.Nodes.Take(first))
        {
            foreach (var other in cluster.Nodes.Skip(first))
            {
                cluster.Wire.Cut(one, other, isCut);
                cluster.Wire.Cut(other, one, isCut);
            }
        }
    }

    private static void Agree(SimulatedCluster cluster) => Assert.True(AllAgree(cluster), Disagreement(cluster));

    private static bool AllAgree(SimulatedCluster cluster) => Disagreement(cluster).Length == 0;

    // Everybody that runs knows everybody that runs, and each address has one that answers for it.
    private static string Disagreement(SimulatedCluster cluster)
    {
        var running = cluster.Nodes.Where(static node => node.RunsFor is not null).Select(static node => node.Name).ToHashSet();
        foreach (var node in cluster.Nodes.Where(node => running.Contains(node.Name)))
        {
            var known = node.Speaker!.Segments.Single().View(cluster.Now, []).Peers.Where(static peer => !peer.Away).Select(static peer => peer.Node).Append(node.Name).ToHashSet();
            if (!known.SetEquals(running))
            {
                return $"{node.Name} does not know [{string.Join(", ", running.Except(known))}] and knows [{string.Join(", ", known.Except(running))}]";
            }
        }

        var contested = cluster.Vips.FirstOrDefault(vip => cluster.Answers(vip).Select(static answer => answer.Mac).Distinct().Count() != 1);
        return contested == default ? "" : $"{contested} is answered with [{string.Join(", ", cluster.Answers(contested).Select(static answer => answer.Mac))}]";
    }

    private static int[] Numbers(string variable, params int[] usual) => Environment.GetEnvironmentVariable(variable) is { Length: > 0 } text
        ? [.. text.Split(',').Select(static number => int.Parse(number, CultureInfo.InvariantCulture))]
        : usual;

    /// <summary>What was sent since it was last asked.</summary>
    private sealed class Traffic
    {
        private readonly SimulatedCluster cluster;
        private readonly Dictionary<SimulatedHost, int> sent = [];
        private int broadcasts;
        private int questions;
        private TimeSpan since;

        public Traffic(SimulatedCluster cluster)
        {
            this.cluster = cluster;
            since = cluster.Now;
            cluster.Wire.Sent = (port, frame) =>
            {
                sent[port.Host] = sent.GetValueOrDefault(port.Host) + 1;
                broadcasts += frame[0] == 0xff ? 1 : 0;
                questions += frame[12] == 8 && frame[13] == 6 && frame[21] == 1 ? 1 : 0;
            };
        }

        /// <summary>In a second, by the node that sent most.</summary>
        public double MostPerNode => sent.Where(static entry => entry.Key is SimulatedNode).Max(static entry => entry.Value) / (cluster.Now - since).TotalSeconds;

        /// <summary>In a second, by all.</summary>
        public double Broadcasts => broadcasts / (cluster.Now - since).TotalSeconds;

        public override string ToString()
        {
            var seconds = (cluster.Now - since).TotalSeconds;
            var average = sent.Where(static entry => entry.Key is SimulatedNode).Sum(static entry => entry.Value) / seconds / cluster.Nodes.Count;
            var text = $"{average:0} frames/s by a node, {MostPerNode:0} by the one that sent most, {Broadcasts:0} broadcasts/s, {questions / seconds:0} ARP requests/s";
            sent.Clear();
            (broadcasts, questions, since) = (0, 0, cluster.Now);
            return text;
        }
    }
}
