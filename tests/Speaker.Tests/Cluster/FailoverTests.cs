using LoadBalancer.Core.Addressing;

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

    // The node lives: its kernel still carries the traffic, only its voice is gone.
    [Fact]
    public void OwnersSpeakerKilled_TheNextAnswersWithTheOwnersAddress()
    {
        cluster[order[0]].Kill();
        int? silentUntil = null;
        cluster.Run(1000, at =>
        {
            Assert.DoesNotContain(order[2], cluster.Answering(Vip));
            silentUntil ??= cluster.Answering(Vip).Count > 0 ? at : null;
        });
        Assert.Equal(order[1], cluster.Only(Vip));
        Assert.Equal([VirtualCluster.MacOf(order[0])], cluster.Macs(Vip));
        Assert.InRange(silentUntil!.Value, 1, 350);
        Assert.Single(cluster.Api.Events);
    }

    [Fact]
    public void OwnersSpeakerStaysAway_AfterTheGraceTheDeputyOwnsTheVip()
    {
        cluster[order[0]].Kill();
        cluster.Run(30_000, _ => Assert.DoesNotContain(VirtualCluster.MacOf(order[1]), cluster.Macs(Vip)));
        cluster.Run(1000);
        Assert.Equal([VirtualCluster.MacOf(order[1])], cluster.Macs(Vip));
        Assert.Equal(2, cluster.Api.Events.Count);
        Assert.InRange(cluster[order[1]].Port.Repeated.Count, 25, 31);
    }

    [Fact]
    public void NodeDiesAfterItsSpeaker_TheDeputyOwnsTheVipAtOnce()
    {
        cluster[order[0]].Kill();
        cluster.Run(2000);
        cluster[order[0]].Port.Plugged = false;
        cluster.Run(500);
        Assert.Equal([VirtualCluster.MacOf(order[1])], cluster.Macs(Vip));
    }

    [Fact]
    public void DeputyKilled_TheThirdIsDeputy()
    {
        cluster[order[0]].Kill();
        cluster.Run(1000);
        cluster[order[1]].Kill();
        cluster.Run(500);
        Assert.Equal(order[2], cluster.Only(Vip));
        Assert.Equal([VirtualCluster.MacOf(order[0])], cluster.Macs(Vip));
    }

    [Fact]
    public void OwnerUpgraded_OneAddressAnswersAtEveryMoment()
    {
        var owner = cluster[order[0]];
        string[] mac = [VirtualCluster.MacOf(order[0])];
        owner.Pipeline.Leave();
        int? left = null;
        cluster.Run(2000, at =>
        {
            Assert.Equal(mac, cluster.Macs(Vip));
            left ??= owner.Pipeline.Left.IsCompleted ? at : null;
        });
        Assert.InRange(left!.Value, 1, 100);
        Assert.Equal(order[1], cluster.Only(Vip));

        owner.Kill();
        cluster.Restart(order[0]);
        cluster.Run(3000, _ => Assert.Equal(mac, cluster.Macs(Vip)));
        Assert.Equal(order[0], cluster.Only(Vip));
        Assert.Single(cluster.Api.Events);
    }

    [Fact]
    public void OwnerOffTheWire_WhatWasAskedForLastIsAnnouncedFirst()
    {
        string[] others = [.. Enumerable.Range(1, 40).Select(i => $"192.168.96.{100 + i}")];
        foreach (var ip in others)
        {
            cluster.Api.PutService($"web-{ip}", ip, ["n1", "n2", "n3"]);
        }

        cluster.Run(3000);
        string[] moving = [.. others.Where(ip => cluster.Only(ip) == order[0])];
        var successor = cluster[order[1]];
        var wanted = moving.Where(ip => cluster.Order(ip).First(node => node != order[0]) == successor.Name).Reverse().ToList();
        Assert.True(wanted.Count >= 3, $"{wanted.Count} addresses for {successor.Name}");
        foreach (var ip in wanted.Take(2).Reverse())
        {
            cluster.Run(200);
            successor.Segment.Questions.Note(IpAddress.Parse(ip), TimeSpan.FromMilliseconds(cluster.Now));
        }

        var before = successor.Port.Announced.Count;
        cluster[order[0]].Port.Plugged = false;
        cluster.Run(1000);
        Assert.Equal(wanted.Take(2), successor.Port.Announced.Skip(before).Take(2).Select(ip => ip.ToString()));
    }

    [Fact]
    public void OneAfterTheOtherUpgraded_NothingMoves()
    {
        foreach (var name in order)
        {
            var speaker = cluster[name];
            speaker.Pipeline.Leave();
            cluster.Run(300, _ => Assert.Equal([VirtualCluster.MacOf(order[0])], cluster.Macs(Vip)));
            speaker.Kill();
            cluster.Restart(name);
            cluster.Run(1500, _ => Assert.Equal([VirtualCluster.MacOf(order[0])], cluster.Macs(Vip)));
        }

        Assert.Equal(order[0], cluster.Only(Vip));
    }

    [Fact]
    public void OwnerStalls_ItsDeputyAnswersWithItsAddressUntilItIsBack()
    {
        cluster.RunWithout(order[0], 5000);
        Assert.Equal(order[1], cluster.Answering(Vip).Single(name => name != order[0]));
        Assert.Equal([VirtualCluster.MacOf(order[0])], cluster.Macs(Vip));
        cluster.Run(500, _ => Assert.Equal([VirtualCluster.MacOf(order[0])], cluster.Macs(Vip)));
        Assert.Equal(order[0], cluster.Only(Vip));
    }

    // Its heartbeats are fine and its claims are there; nobody gets an answer.
    [Fact]
    public void OwnerDoesNotAnswer_TheNextTakesOverAndKeepsIt()
    {
        cluster.Run(20_000, _ => Assert.Equal([order[0]], cluster.Answering(Vip)));
        cluster[order[0]].Port.Dumb = true;
        cluster.Run(15_000);
        Assert.Equal(order[1], cluster.Only(Vip));
        cluster.Run(20_000, _ => Assert.Equal([order[1]], cluster.Answering(Vip)));
    }

    [Fact]
    public void JoinerAndReturner_MoveNothing()
    {
        cluster[order[0]].Port.Plugged = false;
        cluster.Run(1000);
        cluster[order[0]].Port.Plugged = true;
        cluster.Run(5000);
        Assert.Equal(order[1], cluster.Only(Vip));
        for (var i = 4; i <= 9; i++)
        {
            cluster.Speakers.Add(cluster.Start($"n{i}"));
        }

        cluster.Run(5000, _ => Assert.Equal([order[1]], cluster.Answering(Vip)));
    }

    [Fact]
    public void SegmentSplitsAndHeals_OneOwnerWithinASecond_WhereMostNodesAre()
    {
        var alone = order[0];
        cluster.Switch.Passes = (a, b) => (a.Node == alone) == (b.Node == alone);
        cluster.Run(2000);
        Assert.Equal([order[0], order[1]], cluster.Answering(Vip).Order().OrderBy(n => order.ToList().IndexOf(n)));
        cluster.Switch.Passes = (_, _) => true;
        cluster.Run(1000);
        Assert.Equal(order[1], cluster.Only(Vip));
    }

    [Fact]
    public void Rebalance_MovesOneAddressAMinuteBackWithoutAGap()
    {
        var slow = new VirtualCluster(3, rebalance: true);
        string[] vips = ["192.168.96.101", "192.168.96.102", "192.168.96.103", "192.168.96.104"];
        foreach (var vip in vips)
        {
            slow.Api.PutService("web-" + vip[^1], vip, ["n1", "n2", "n3"]);
        }

        slow.Run(1500);
        var lost = slow.Only(vips[0]);
        slow[lost].Port.Plugged = false;
        slow.Run(2000);
        slow[lost].Port.Plugged = true;
        slow.Run(50_000);
        Assert.NotEqual(lost, slow.Only(vips[0]));
        slow.Run(300_000, _ => Assert.All(vips, vip => Assert.NotEmpty(slow.Answering(vip))));
        Assert.All(vips, vip => Assert.Equal(slow.Order(vip)[0], slow.Only(vip)));
    }

    // One hears the other and not the other way round: today's switches manage that.
    [Fact]
    public void OneWayIsCut_OneOwner()
    {
        foreach (var (from, to) in new[] { (order[0], order[1]), (order[1], order[0]) })
        {
            cluster.Switch.Passes = (a, b) => a.Node != from || b.Node != to;
            cluster.Run(3000);
            Assert.Single(cluster.Answering(Vip));
            cluster.Switch.Passes = (_, _) => true;
            cluster.Run(2000);
            Assert.Single(cluster.Answering(Vip));
        }
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
        cluster[order[0]].Port.Plugged = false;
        cluster.Run(500);
        Assert.Equal([VirtualCluster.MacOf(order[1])], cluster.Macs(Vip));
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
