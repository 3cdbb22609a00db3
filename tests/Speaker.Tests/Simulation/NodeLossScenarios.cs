namespace LoadBalancer.Speaker.Tests.Simulation;

/// <summary>Which losses speakers state: a node that is gone for all of them, soon; and none when only a part of it is.</summary>
public sealed class NodeLossScenarios
{
    [Theory]
    [InlineData(3)]
    [InlineData(5)]
    [InlineData(9)]
    public void NodeLosesPower_OneSpeakerStatesItWithinHalfASecond(int nodes)
    {
        for (var seed = 1; seed <= 10; seed++)
        {
            var cluster = new SimulatedCluster(seed, nodes).Settle();
            var lost = cluster.Nodes[^1];
            var at = cluster.Now;
            lost.PowerOff();
            cluster.Watch.Edge();
            cluster.Run(5000);
            Assert.Equal([lost.Name], cluster.Watch.Losses.Select(loss => loss.Node).Distinct());
            Assert.InRange((cluster.Watch.Losses[0].At - at).TotalMilliseconds, 0, 500);
            Assert.Null(cluster.Watch.Violation);
        }
    }

    [Fact]
    public void FirstReporterDoesNotReachTheApiServer_AnotherStatesIt()
    {
        var cluster = new SimulatedCluster(seed: 1, nodes: 5).Settle();
        var lost = cluster.Nodes[^1];
        var first = LoadBalancer.Core.Ownership.Election.Order(lost.Port.Prefix.Address, cluster.Nodes.SkipLast(1).Select(node => node.Name))[0];
        cluster[first].ReachesApi = false;
        cluster.Run(1000);
        lost.PowerOff();
        cluster.Watch.Edge();
        cluster.Run(2000);
        var loss = Assert.Single(cluster.Watch.Losses);
        Assert.Equal(lost.Name, loss.Node);
        Assert.NotEqual(first, loss.Reporter);
    }

    public static TheoryData<string> Harmless => new(Faults.Keys);

    private static readonly Dictionary<string, Action<SimulatedCluster, SimulatedNode>> Faults = new()
    {
        ["its speaker is killed"] = static (_, node) => node.KillSpeaker(),
        ["its speaker is deaf"] = static (_, node) => node.SpeakerDeaf = true,
        ["it does not reach the API server"] = static (_, node) => node.ReachesApi = false,
        ["it and one other do not hear each other"] = static (cluster, node) =>
        {
            cluster.Wire.Cut(node, cluster.Nodes.First(other => other != node), true);
            cluster.Wire.Cut(cluster.Nodes.First(other => other != node), node, true);
        },
        ["one other does not hear it"] = static (cluster, node) => cluster.Wire.Cut(node, cluster.Nodes.First(other => other != node), true),
        ["a tenth of all frames is lost"] = static (cluster, _) => cluster.Wire.LossPerMille = 100,
    };

    [Theory]
    [MemberData(nameof(Harmless))]
    public void NodeLives_NoSpeakerStatesALoss(string fault)
    {
        for (var seed = 1; seed <= 10; seed++)
        {
            var cluster = new SimulatedCluster(seed, nodes: 3).Settle();
            cluster.Watch.Edge();
            Faults[fault](cluster, cluster.Nodes[^1]);
            cluster.Run(20_000);
            Assert.Empty(cluster.Watch.Losses);
        }
    }

    // Its grace ends, its addresses are handed over and it is looked for no more: it is there all the same.
    [Fact]
    public void SpeakerIsRemovedForGood_TheNodeIsNotStatedToBeLost()
    {
        var cluster = new SimulatedCluster(seed: 1, nodes: 3).Settle();
        cluster.Watch.Edge();
        cluster.Nodes[^1].KillSpeaker();
        cluster.Run(60_000);
        Assert.Empty(cluster.Watch.Losses);
    }

    // A node that is shut down: its speaker goes first, and its kernel a little later.
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void NodeLosesPowerWhileItsSpeakerIsAway_IsStated(bool leaves)
    {
        var cluster = new SimulatedCluster(seed: 1, nodes: 3).Settle();
        var lost = cluster.Nodes[^1];
        cluster.Watch.Edge();
        if (leaves)
        {
            lost.Speaker!.Terminate();
        }
        else
        {
            lost.KillSpeaker();
        }

        cluster.Run(5000);
        Assert.Empty(cluster.Watch.Losses);
        lost.PowerOff();
        cluster.Watch.Edge();
        cluster.Run(5000);
        Assert.Equal([lost.Name], cluster.Watch.Losses.Select(loss => loss.Node).Distinct());
    }

    // Neither knows which of the two was cut off: it takes a host that answers.
    [Theory]
    [InlineData(true, 1)]
    [InlineData(false, 0)]
    public void OneOfTwoNodesDies_ItTakesAWitness(bool others, int stated)
    {
        var cluster = new SimulatedCluster(seed: 1, nodes: 2).Settle();
        cluster.Gateway!.Powered = cluster.Client.Powered = others;
        cluster.Nodes[1].PowerOff();
        cluster.Watch.Edge();
        cluster.Run(10_000);
        Assert.Equal(stated, cluster.Watch.Losses.Count);
    }

    [Fact]
    public void NodeIsBack_TheStatementIsTakenBack()
    {
        var cluster = new SimulatedCluster(seed: 1, nodes: 3).Settle();
        var lost = cluster.Nodes[^1];
        lost.SetCarrier(false);
        cluster.Watch.Edge();
        cluster.Run(3000);
        Assert.NotEmpty(cluster.Watch.Losses);
        lost.SetCarrier(true);
        cluster.Watch.Edge();
        cluster.Run(3000);
        Assert.All(cluster.Nodes, node => Assert.Equal("", node.Speaker!.LossStatements));
    }
}
