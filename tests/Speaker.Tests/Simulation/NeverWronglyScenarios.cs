using LoadBalancer.Core.NodeLoss;

namespace LoadBalancer.Speaker.Tests.Simulation;

/// <summary>
/// From the wire to the verdict: the speakers and two replicas of the controller, and what stops them from marking a node that lives. A
/// case is run with many seeds; docs/node-loss.md has the same list.
/// </summary>
public sealed class NeverWronglyScenarios
{
    private const int Seeds = 12;

    // No evidence: nobody states the loss, and nothing is vetoed.
    private static readonly LossVeto[] NotStated = [];

    private static readonly Dictionary<string, Case> Cases = new()
    {
        ["speaker killed"] = new(3, static (_, node) => node.KillSpeaker(), NotStated),
        ["speaker stands still"] = new(3, static (_, node) => node.Speaker!.Stop(), NotStated),
        ["speaker stands still and goes on, again and again"] = new(3, static (cluster, node) => Repeat(cluster, 600, () => node.Speaker!.Stop(), () => node.Speaker!.Continue()), NotStated),
        ["speaker upgraded"] = new(3, static (cluster, node) =>
        {
            node.Speaker!.Terminate();
            cluster.Time.After(TimeSpan.FromSeconds(4), node.StartSpeaker);
        }, NotStated),
        ["speaker without the key"] = new(3, static (cluster, node) =>
        {
            node.ReachesApi = false;
            node.StartSpeaker();
        }, NotStated),
        ["one deaf speaker"] = new(3, static (_, node) => node.SpeakerDeaf = true, NotStated),
        ["one mute speaker"] = new(3, static (_, node) => node.SpeakerMute = true, NotStated),
        ["another speaker is deaf"] = new(3, static (cluster, _) => cluster.Nodes[0].SpeakerDeaf = true, NotStated),
        ["one way between two is cut"] = new(3, static (cluster, node) => cluster.Wire.Cut(node, cluster.Nodes[0], true), NotStated),
        ["both ways between two are cut"] = new(3, static (cluster, node) => CutBoth(cluster, node, cluster.Nodes[0]), NotStated),
        ["30 % of the frames lost"] = new(3, static (cluster, _) => cluster.Wire.LossPerMille = 300, NotStated) { May = LossVeto.KubeletAnswers },
        ["30 % of the frames lost, two nodes"] = new(2, static (cluster, _) => cluster.Wire.LossPerMille = 300, NotStated) { May = LossVeto.KubeletAnswers },
        ["halves cut, the API server with the controllers"] = new(4, static (cluster, _) => Halve(cluster, reaches: 0), [LossVeto.TooManyLost]),
        ["halves cut, the API server on the other side"] = new(4, static (cluster, _) => Halve(cluster, reaches: 2), NotStated),
        ["API server away"] = new(3, static (cluster, _) => cluster.Nodes.ForEach(static node => node.ReachesApi = false), NotStated),
        ["API server away from the node"] = new(3, static (_, node) => node.ReachesApi = false, NotStated),
        ["the node's clock an hour ahead, its speaker killed"] = new(3, static (_, node) =>
        {
            node.ClockAhead = TimeSpan.FromHours(1);
            node.KillSpeaker();
        }, NotStated),
        ["all clocks jump back and forth"] = new(3, static (cluster, _) => Repeat(cluster, 500,
            () => cluster.Nodes.ForEach(static node => node.ClockAhead = TimeSpan.FromDays(-2)),
            () => cluster.Nodes.ForEach(static node => node.ClockAhead = TimeSpan.FromHours(5))), NotStated),
        ["segment without the InternalIP"] = new(3, static (cluster, node) =>
        {
            cluster.Api.PutNode(cluster.Api.Nodes.Get(new("", node.Name))! with { InternalAddresses = [Core.Addressing.IpAddress.Parse("10.0.0.13")] });
            cluster.Run(100);
            SetPort(node, cut: true);
        }, NotStated),
        ["two segments, one cut"] = new(3, static (cluster, node) =>
        {
            foreach (var other in cluster.Nodes)
            {
                other.Add("eth1", $"52:54:00:00:03:{other.Index + 1:x2}", $"192.168.112.{other.Index + 11}/20").Vlan = 2;
                other.LinksChanged();
            }

            cluster.Run(3000);
            cluster.Watch.Edge();
            node.Port.Deaf = node.Port.Mute = true;
        }, NotStated),
        ["two nodes, their only cable cut, nobody else"] = new(2, static (cluster, node) =>
        {
            cluster.Gateway!.Powered = cluster.Client.Powered = false;
            CutBoth(cluster, node, cluster.Nodes[0]);
        }, NotStated),
        ["firewall drops the kubelet's port, the segment is cut"] = new(3, static (cluster, node) =>
        {
            node.KubeletFiltered = true;
            cluster.Run(70_000);
            cluster.Watch.Edge();
            SetPort(node, cut: true);
        }, [LossVeto.KubeletNotReachedBefore]),
        ["layer 2 cut, the kubelet reached another way"] = new(3, static (cluster, node) =>
        {
            // The switch filters what is no IP between these ports: ARP and heartbeats are gone, TCP with known neighbours goes on.
            cluster.Wire.FilterNonIp(node);
        }, [LossVeto.KubeletAnswers]),
    };

    public static TheoryData<string> All => new(Cases.Keys);

    [Theory]
    [MemberData(nameof(All))]
    public void NodeThatLives_IsNotMarked_AndWhatStopsItIsKnown(string fault)
    {
        var @case = Cases[fault];
        for (var seed = 1; seed <= Seeds; seed++)
        {
            var cluster = new SimulatedCluster(seed, @case.Nodes).Settle().StartControllers();
            cluster.Watch.Edge();
            @case.Begin(cluster, cluster.Nodes[^1]);
            cluster.Run(15_000);
            var marked = cluster.Watch.Marks.Select(mark => mark.Node).ToList();
            Assert.True(marked.Count == 0, $"seed {seed}: [{string.Join(", ", marked)}] marked");

            // What stops it at first: a renewed Lease of the node may do so besides, later.
            var first = cluster.Controllers.SelectMany(static controller => controller.Vetoes.DistinctBy(static veto => veto.Node)).Select(static veto => veto.Veto);
            var vetoes = first.Distinct().Where(veto => veto != @case.May).Order().ToList();
            Assert.True(@case.StoppedBy.SequenceEqual(vetoes), $"seed {seed}: stopped by [{string.Join(", ", vetoes)}]");
        }
    }

    // What the cases above rest on: the same cluster marks a node that is dead, once, and soon.
    [Theory]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(6)]
    public void NodeThatIsDead_IsMarkedOnceWithinASecond(int nodes)
    {
        for (var seed = 1; seed <= Seeds; seed++)
        {
            var cluster = new SimulatedCluster(seed, nodes).Settle().StartControllers();
            var (lost, at) = (cluster.Nodes[^1], cluster.Now);
            cluster.Watch.Edge();
            lost.PowerOff();
            cluster.Run(15_000);
            var mark = Assert.Single(cluster.Watch.Marks);
            Assert.Equal((lost.Name, null), (mark.Node, cluster.Watch.Violation));
            Assert.InRange((mark.At - at).TotalMilliseconds, 300, 1000);
        }
    }

    // An orderly reboot takes the speaker down first. While the node is away its pods do not answer; once it is back nothing is marked any more.
    [Fact]
    public void NodeRebootedInOrder_IsMarkedWhileItIsAway_AndNotAgainWhenItIsBack()
    {
        for (var seed = 1; seed <= Seeds; seed++)
        {
            var cluster = new SimulatedCluster(seed, nodes: 3).Settle().StartControllers();
            var node = cluster.Nodes[^1];
            node.Speaker!.Terminate();
            cluster.Run(3500);
            cluster.Watch.Edge();
            Assert.Empty(cluster.Watch.Marks);
            node.PowerOff();
            cluster.Run(25_000);
            Assert.Single(cluster.Watch.Marks);
            node.PowerOn();
            cluster.Watch.Edge();
            cluster.Run(25_000);
            Assert.Single(cluster.Watch.Marks);
            Assert.Null(cluster.Watch.Violation);
        }
    }

    // The one that stated the loss does not reach the API server when the node comes back: its Lease goes on saying so.
    [Fact]
    public void ControllerThatStarts_FindsAnOldStatement_MarksNothing()
    {
        for (var seed = 1; seed <= Seeds; seed++)
        {
            var cluster = new SimulatedCluster(seed, nodes: 4).Settle().StartControllers();
            var node = cluster.Nodes[^1];
            cluster.Watch.Edge();
            node.PowerOff();
            cluster.Run(3000);
            var reporter = cluster[cluster.Watch.Losses[0].Reporter];
            var marks = cluster.Watch.Marks.Count;
            reporter.ReachesApi = false;
            node.PowerOn();
            cluster.Watch.Edge();
            cluster.Run(2000);
            cluster.Losses.Clear();
            foreach (var other in cluster.Nodes.Where(other => other != reporter && other != node).Take(2))
            {
                other.StartController(leads: true);
            }

            cluster.Run(20_000);
            Assert.Equal(marks, cluster.Watch.Marks.Count);
        }
    }

    // Twenty times off for less than it takes to find out, and twenty times for a little more: then it is away at that moment. To find out takes
    // 250 ms at least, if its last heartbeat is as old as that can be, and 300 ms at its port; who is back is heard within 100 ms.
    [Theory]
    [InlineData(250, 0)]
    [InlineData(450, 0)]
    [InlineData(1500, 20)]
    public void FlappingLink_IsMarkedOnlyWhileItIsAway(int off, int most)
    {
        for (var seed = 1; seed <= Seeds; seed++)
        {
            var cluster = new SimulatedCluster(seed, nodes: 3).Settle().StartControllers();
            for (var i = 0; i < 20; i++)
            {
                SetPort(cluster.Nodes[^1], cut: true);
                cluster.Watch.Edge();
                cluster.Run(off);
                var marks = cluster.Watch.Marks.Count;
                SetPort(cluster.Nodes[^1], cut: false);
                cluster.Watch.Edge();
                cluster.Run(1500);
                Assert.Equal(marks, cluster.Watch.Marks.Count);
            }

            Assert.InRange(cluster.Watch.Marks.Count, 0, most);
            Assert.Null(cluster.Watch.Violation);
        }
    }

    private static void CutBoth(SimulatedCluster cluster, SimulatedHost a, SimulatedHost b)
    {
        cluster.Wire.Cut(a, b, true);
        cluster.Wire.Cut(b, a, true);
    }

    // The controllers are on the first two nodes. Only the half that begins at the given node reaches the API server.
    private static void Halve(SimulatedCluster cluster, int reaches)
    {
        SimulatedHost[] first = [cluster.Nodes[0], cluster.Nodes[1], cluster.Gateway!];
        SimulatedHost[] second = [cluster.Nodes[2], cluster.Nodes[3], cluster.Client];
        foreach (var (a, b) in first.SelectMany(a => second.Select(b => (a, b))))
        {
            CutBoth(cluster, a, b);
        }

        cluster.Nodes[2 - reaches].ReachesApi = cluster.Nodes[3 - reaches].ReachesApi = false;
    }

    private static void SetPort(SimulatedNode node, bool cut) => node.Port.Deaf = node.Port.Mute = cut;

    private static void Repeat(SimulatedCluster cluster, int milliseconds, Action one, Action other)
    {
        one();
        cluster.Time.After(TimeSpan.FromMilliseconds(milliseconds), () => Repeat(cluster, milliseconds, other, one));
    }

    /// <param name="Nodes">How many.</param>
    /// <param name="Begin">What happens, to the last of them.</param>
    /// <param name="StoppedBy">What vetoes it; none if nobody states a loss.</param>
    private sealed record Case(int Nodes, Action<SimulatedCluster, SimulatedNode> Begin, LossVeto[] StoppedBy)
    {
        /// <summary>A veto that chance may bring about besides.</summary>
        public LossVeto May { get; init; }
    }
}
