namespace LoadBalancer.Speaker.Tests.Simulation;

/// <summary>Who may own: what one node does, short of forging, takes no address from the others.</summary>
public sealed class FitnessScenarios
{
    // It sends all right: the others hear its claims, and see by its echo that it does not hear them.
    [Theory]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(5)]
    public void OwnerHearsNothing_AnotherAnswersWithinHalfASecond(int nodes)
    {
        var cluster = new SimulatedCluster(seed: 1, nodes, vips: 3).Settle();
        var owner = cluster.OwnerOf(cluster.Vip);
        owner.Port.Deaf = true;
        cluster.Run(8000);
        Assert.InRange(cluster.Watch.LongestSilence.TotalMilliseconds, 0, 500);
        Assert.InRange(cluster.Watch.LongestConflict.TotalMilliseconds, 0, 1000);
        Assert.NotEqual(owner, cluster.OwnerOf(cluster.Vip));
        owner.Port.Deaf = false;
        cluster.Run(3000);
        Assert.All(cluster.Vips, vip => Assert.InRange(cluster.Watch.MovesOf(vip), 0, 1));
    }

    [Theory]
    [InlineData(3)]
    [InlineData(5)]
    [InlineData(9)]
    public void AnotherNodeHearsNothing_NothingChanges(int nodes)
    {
        var cluster = new SimulatedCluster(seed: 1, nodes).Settle();
        var other = cluster.Nodes.First(node => node != cluster.OwnerOf(cluster.Vip));
        other.Port.Deaf = true;
        cluster.Run(25_000);
        other.Port.Deaf = false;
        cluster.Run(3000);
        Assert.InRange(cluster.Watch.LongestSilence.TotalMilliseconds, 0, 50);
        Assert.Equal(0, cluster.Watch.MovesOf(cluster.Vip));
    }

    // Dead for about as long as it takes to lose the others: on their way back, the frames of those that lost it already say that they do not
    // hear it, and what it might claim itself is as new as theirs.
    [Theory]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(5)]
    public void AnotherNodesPortIsDeadForAMoment_HoweverLong_NothingMoves(int nodes)
    {
        for (var milliseconds = 200; milliseconds < 700; milliseconds += 13)
        {
            var cluster = new SimulatedCluster(seed: milliseconds, nodes).Settle();
            var other = cluster.Nodes.First(node => node != cluster.OwnerOf(cluster.Vip));
            other.Port.Deaf = other.Port.Mute = true;
            cluster.Run(milliseconds);
            other.Port.Deaf = other.Port.Mute = false;
            cluster.Run(3000);
            Assert.Equal((milliseconds, 0), (milliseconds, cluster.Watch.MovesOf(cluster.Vip)));
        }
    }

    // Neither part is larger: each has the addresses for as long as the cut lasts, and then the one that had them before; but for an owner that has
    // stood down meanwhile, since not even the client answered it: 500 ms after what it heard last, a heartbeat before the cut at most, until what it
    // hears first, a fifth of a second after it.
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void TwoNodesWithoutARouter_CutOffTwice_OneOwnsAndTheClientKnowsWhich(bool ofOwner)
    {
        for (var milliseconds = 200; milliseconds < 1500; milliseconds += 37)
        {
            var cluster = new SimulatedCluster(seed: milliseconds, nodes: 2, gateway: false, silent: true).Settle();
            var owner = cluster.OwnerOf(cluster.Vip);
            var cut = cluster.Nodes.First(node => (node == owner) == ofOwner);
            for (var i = 0; i < 2; i++)
            {
                cut.Port.Deaf = cut.Port.Mute = true;
                cluster.Run(milliseconds);
                cut.Port.Deaf = cut.Port.Mute = false;
                cluster.Run(1700 - milliseconds);
            }

            cluster.Run(3000);
            var now = cluster.OwnerOf(cluster.Vip);
            Assert.True(now == owner || (ofOwner && milliseconds > 200), $"cut for {milliseconds} ms: {now.Name}");
            Assert.InRange(cluster.Watch.LongestConflict.TotalMilliseconds, 0, 1000);
            Assert.Equal(now.Port.Mac, cluster.Client.Cached(cluster.Vip)!.Value.Mac);
        }
    }

    // The client is its witness; another, an interface of its own, is there no more. It hears nobody else, and that all the same.
    [Theory]
    [InlineData(20)]
    [InlineData(21)]
    [InlineData(22)]
    public void OtherCannotBeHeardByTheOwner_AWitnessIsGoneAndAnotherAnswers_NothingMoves(int seed)
    {
        var cluster = new SimulatedCluster(seed, nodes: 2, gateway: false).Settle();
        var owner = cluster.OwnerOf(cluster.Vip);
        var telephone = new SimulatedHost(cluster.Time, cluster.Wire, "telephone");
        telephone.Add("eth0", "52:54:00:00:01:77", "192.168.96.77/20");
        telephone.Ask(telephone.Ports[0], owner.Port.Prefix.Address);
        cluster.Run(5000);
        telephone.Powered = false;
        cluster.Wire.Cut(cluster.Nodes.First(node => node != owner), owner, true);
        cluster.Run(30_000);
        Assert.Equal(0, cluster.Watch.MovesOf(cluster.Vip));
        Assert.InRange(cluster.Watch.LongestConflict.TotalMilliseconds, 0, 1000);
    }

    // The kernel hears, and the traffic flows: it is away, and has a deputy.
    [Theory]
    [InlineData(2)]
    [InlineData(3)]
    public void OwnersSpeakerHearsNothing_TheDeputyAnswersWithTheOwnersAddress(int nodes)
    {
        var cluster = new SimulatedCluster(seed: 1, nodes).Settle();
        var owner = cluster.OwnerOf(cluster.Vip);
        owner.SpeakerDeaf = true;
        cluster.Run(8000);
        Assert.InRange(cluster.Watch.LongestSilence.TotalMilliseconds, 0, 500);
        Assert.Equal([owner.Port.Mac], cluster.Watch.MacsOf(cluster.Vip));
        owner.SpeakerDeaf = false;
        cluster.Run(3000);
        Assert.Equal([owner.Port.Mac], cluster.Watch.MacsOf(cluster.Vip));
    }

    // A silent LAN, or a gateway that dies together with the peer, must not silence the last node.
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void TheOtherNodeAndTheGatewayDie_TheLastNodeAnswers(bool gatewayDies)
    {
        var cluster = new SimulatedCluster(seed: 1, nodes: 2).Settle();
        var owner = cluster.OwnerOf(cluster.Vip);
        owner.PowerOff();
        cluster.Gateway!.Powered = !gatewayDies;
        cluster.Run(10_000);
        Assert.InRange(cluster.Watch.LongestSilence.TotalMilliseconds, 0, 500);
        Assert.NotEqual(owner, cluster.OwnerOf(cluster.Vip));
    }

    // Each part has an owner, and its hosts know that one: those of the smaller part must learn who it is now. Of two nodes, the one that
    // heard nothing any more has stood down.
    [Theory]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(5)]
    public void SmallerPartWithTheClientIsBack_TheClientLearnsTheOwnerOfTheLarger(int nodes)
    {
        var cluster = new SimulatedCluster(seed: 1, nodes).Settle();
        var owner = cluster.OwnerOf(cluster.Vip);
        var alone = cluster.Nodes.First(node => node != owner);
        Divide(true);
        cluster.Run(8000);
        Assert.Equal(alone, cluster.OwnerOf(cluster.Vip));
        Assert.Equal(alone.Port.Mac, cluster.Client.Cached(cluster.Vip)!.Value.Mac);
        Divide(false);
        cluster.Run(2000);
        Assert.Equal(nodes > 2 ? owner : alone, cluster.OwnerOf(cluster.Vip));
        Assert.Equal(cluster.OwnerOf(cluster.Vip).Port.Mac, cluster.Client.Cached(cluster.Vip)!.Value.Mac);

        void Divide(bool cut)
        {
            foreach (var other in cluster.Nodes.Where(node => node != alone))
            {
                foreach (SimulatedHost here in new[] { alone, cluster.Client, cluster.Gateway! })
                {
                    cluster.Wire.Cut(here, other, cut);
                    cluster.Wire.Cut(other, here, cut);
                }
            }
        }
    }

    // n1 loses its API server; its pod is replaced on n2. n1 must not take back what n2 has by newer facts.
    [Theory]
    [InlineData(2)]
    [InlineData(3)]
    public void OwnerLosesItsApiServerAndItsPodMovesAway_TheOtherHasIt(int nodes)
    {
        var cluster = new SimulatedCluster(seed: 1, nodes, local: true);
        cluster.MoveEndpoints(cluster.Vip, cluster.Nodes[0]);
        cluster.Settle();
        cluster.Nodes[0].ReachesApi = false;
        cluster.Run(100);
        cluster.MoveEndpoints(cluster.Vip, cluster.Nodes[1]);
        cluster.Run(10_000);
        Assert.Equal(cluster.Nodes[1], cluster.OwnerOf(cluster.Vip));
        Assert.InRange(cluster.Watch.LongestConflict.TotalMilliseconds, 0, 1000);
        Assert.Equal(1, cluster.Watch.MovesOf(cluster.Vip));
        cluster.Nodes[0].ReachesApi = true;
        cluster.Run(3000);
        Assert.Equal(1, cluster.Watch.MovesOf(cluster.Vip));
    }

    // Its Lease is fresh and names the subnet; nobody hears it.
    [Theory]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    public void NodeJoinsOnAWrongVlan_NothingChanges(int nodes)
    {
        var cluster = new SimulatedCluster(seed: 1, nodes, vips: 12).Settle();
        var joining = cluster.AddNode();
        joining.Port.Vlan = 7;
        joining.StartSpeaker();
        cluster.Run(20_000);
        Assert.InRange(cluster.Watch.LongestSilence.TotalMilliseconds, 0, 50);
        Assert.All(cluster.Vips, vip => Assert.Equal(0, cluster.Watch.MovesOf(vip)));
        var owner = cluster.OwnerOf(cluster.Vip);
        owner.PowerOff();
        cluster.Run(3000);
        Assert.InRange(cluster.Watch.LongestSilence.TotalMilliseconds, 0, 500);
    }

    // It can verify nobody after the grace of the rotation, and finds their kernels alive.
    [Theory]
    [InlineData(2)]
    [InlineData(3)]
    public void KeyIsRotatedWhileOneNodeHasNoApiServer_ItTakesNothing(int nodes)
    {
        var cluster = new SimulatedCluster(seed: 1, nodes, vips: 6).Settle();
        var cutOff = cluster.Nodes.First(node => node != cluster.OwnerOf(cluster.Vip));
        cutOff.ReachesApi = false;
        cluster.Run(500);
        cluster.Api.PutKey("the next key of it, 32 bytes long", previous: SimulatedCluster.Key);
        cluster.Run(5000);
        cluster.Api.PutKey("the next key of it, 32 bytes long");
        cluster.Run(120_000);
        Assert.All(cluster.Vips, vip => Assert.InRange(cluster.Watch.MovesOf(vip), 0, 1));
        Assert.InRange(cluster.Watch.LongestConflict.TotalMilliseconds, 0, 1000);
        cutOff.ReachesApi = true;
        cluster.Run(5000);
        Assert.InRange(cluster.Watch.LongestConflict.TotalMilliseconds, 0, 1000);
        Assert.InRange(cluster.Watch.LongestSilence.TotalMilliseconds, 0, 500);
    }

    // Every other node asked its kernel every 60 ms for ever.
    [Fact]
    public void SpeakerRemovedForGood_ItsKernelIsAskedNoMoreAfterTheGrace()
    {
        var cluster = new SimulatedCluster(seed: 1, nodes: 5).Settle();
        var removed = cluster.OwnerOf(cluster.Vip);
        removed.KillSpeaker();
        cluster.Run(60_000);
        var asked = 0;
        cluster.Wire.Tap = (port, frame) =>
            asked += port == removed.Port && Core.Packets.EthernetFrame.EtherType(frame) == Core.Packets.EthernetFrame.EtherTypeArp ? 1 : 0;
        cluster.Run(10_000);
        Assert.InRange(asked, 0, 30);
        Assert.NotEqual(removed, cluster.OwnerOf(cluster.Vip));
    }
}
