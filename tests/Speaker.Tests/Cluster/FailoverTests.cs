namespace LoadBalancer.Speaker.Tests.Cluster;

public sealed class FailoverTests
{
    private const string Vip = "192.168.96.100";
    private readonly VirtualCluster cluster = new(3);
    private readonly IReadOnlyList<string> order;

    public FailoverTests()
    {
        cluster.Api.PutService("web", Vip, ["n1", "n2", "n3"]);
        order = cluster.Order(Vip);
        cluster.Run(1500);
    }

    [Fact]
    public void ThreeSpeakers_OneVip_ExactlyTheFirstInOrderAnswersAndAnnounces()
    {
        Assert.Equal(order[0], cluster.Only(Vip));
        Assert.Equal([Vip], cluster[order[0]].Port.Announced.Select(ip => ip.ToString()));
        Assert.Equal([("default/web", "nodeAssigned", $"announcing from node \"{order[0]}\" with protocol \"layer2\"")], cluster.Api.Events);
    }

    [Fact]
    public void OwnerOffTheWire_TheNextAnswersWithinFourHundredMilliseconds()
    {
        cluster[order[0]].Port.Plugged = false;
        int? takenOver = null;
        cluster.Run(1000, at => takenOver ??= cluster.Answering(Vip).Count > 0 ? at : null);
        Assert.Equal(order[1], cluster.Only(Vip));
        Assert.InRange(takenOver!.Value, 1, 400);
        Assert.Equal(2, cluster.Api.Events.Count);
    }

    [Fact]
    public void OwnerKilled_TheNextAnswersAndTheThirdNeverDid()
    {
        cluster[order[0]].Kill();
        cluster.Run(1000, _ => Assert.DoesNotContain(order[2], cluster.Answering(Vip)));
        Assert.Equal(order[1], cluster.Only(Vip));
    }

    [Fact]
    public void OwnerLeaves_SomebodyAnswersAtEveryMomentAndItStopsSoon()
    {
        var owner = cluster[order[0]];
        owner.Pipeline.Leave();
        int? left = null;
        cluster.Run(1500, at =>
        {
            Assert.NotEmpty(cluster.Answering(Vip));
            left ??= owner.Pipeline.Left.IsCompleted ? at : null;
        });
        Assert.Equal(order[1], cluster.Only(Vip));
        Assert.InRange(left!.Value, 100, 400);
    }

    [Fact]
    public void OwnerStartsAgain_TakesTheVipBackAfterItsHoldWithoutAGap()
    {
        cluster[order[0]].Kill();
        cluster.Run(1000);
        cluster.Restart(order[0]);
        cluster.Run(1900, _ => Assert.Equal([order[1]], cluster.Answering(Vip)));
        cluster.Run(2000, _ => Assert.NotEmpty(cluster.Answering(Vip)));
        Assert.Equal(order[0], cluster.Only(Vip));
    }

    [Fact]
    public void OwnerStalls_TheNextTakesOverAndTheOwnerGivesWayWhenItWakes()
    {
        cluster.RunWithout(order[0], 2000);
        Assert.Equal(order[1], cluster.Answering(Vip).Single(name => name != order[0]));
        cluster.Run(50);
        Assert.Equal(order[1], cluster.Only(Vip));
        cluster.Run(4000);
        Assert.Equal(order[0], cluster.Only(Vip));
    }

    // Everything at once stops and goes on, as when a hypervisor freezes: nobody is dead.
    [Fact]
    public void OneNodeStalls_DoesNotTakeTheOthersVips()
    {
        cluster.RunWithout(order[2], 2000);
        cluster.Run(1000, _ => Assert.Equal([order[0]], cluster.Answering(Vip)));
    }

    [Fact]
    public void ApiServerGone_FailoverWorks()
    {
        // Nothing reaches the stores any more; what they have stays.
        cluster.Run(30_000, _ => Assert.Equal([order[0]], cluster.Answering(Vip)));
        cluster[order[0]].Kill();
        cluster.Run(500);
        Assert.Equal(order[1], cluster.Only(Vip));
    }

    [Fact]
    public void CarrierLost_OwnerStopsAndTheNextAnswers()
    {
        var port = cluster[order[0]].Port;
        port.Facts = port.Facts with { Carrier = false };
        port.Plugged = false;
        cluster.Run(500);
        Assert.False(cluster[order[0]].Answers(Vip));
        Assert.Equal(order[1], cluster.Only(Vip));
        cluster.Run(10_000);
        Assert.DoesNotContain(cluster.Api.Events, e => e.Reason == "NoEligibleNode");
    }
}
