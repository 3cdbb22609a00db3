using LoadBalancer.Controller.NodeLoss;
using LoadBalancer.Controller.Tests.Fakes;
using LoadBalancer.Core.NodeLoss;
using LoadBalancer.Kubernetes.Client;

namespace LoadBalancer.Controller.Tests.NodeLoss;

/// <summary>Who marks a lost node's pods, when, how often, and what keeps them from it. Metrics are the process's.</summary>
[Collection(Replica.Metrics)]
public sealed class NodeLossLoopTests : IAsyncDisposable
{
    private readonly LossBench bench = new();

    [Fact]
    public async Task Leader_LossSaidAndPortSilent_MarksEachPodOnce_AndTellsIt()
    {
        var leader = await ReplicaThatReachesPortsAsync(leads: true);
        Lose("n3");
        await bench.Until(() => leader.Events.ReasonsOf("n3").Contains(NodeLossEvents.Lost));
        await bench.Pass(TimeSpan.FromSeconds(30));
        Assert.Equal(["web-3-1", "web-3-2"], bench.Marks.Order());
        Assert.Equal([new LossEntry("n3", 1, LossOutcome.Marked)], bench.Recorded);
        var (reason, message) = Assert.Single(leader.Events.Of("n3"));
        Assert.Equal(NodeLossEvents.Lost, reason);
        Assert.Contains("The speaker of n1 and 1 more do not hear the node, and its kernel did not answer for 192.168.96.13", message, StringComparison.Ordinal);
        Assert.Contains("2 pods of 1 Service marked not ready", message, StringComparison.Ordinal);
    }

    // kube-proxy takes a slice's second change a second after the first.
    [Fact]
    public async Task Endpoints_AreMarkedByOneWriteASlice_BeforeThePods()
    {
        await ReplicaThatReachesPortsAsync(leads: true);
        Lose("n3");
        await bench.Until(() => bench.Marks.Count == 2);
        Assert.Equal("slice web-1: uid-3-1 uid-3-2", bench.Order.First());

        // The slice controller may have written some back before it had seen all pods.
        await bench.Pass(TimeSpan.FromSeconds(3));
        Assert.Equal(4, bench.Order.Count(write => write == "slice web-1: uid-3-1 uid-3-2"));
        Assert.Equal(6, bench.Order.Count);
    }

    [Fact]
    public async Task Endpoints_ServerRefusesToMarkThem_ThePodsAreMarkedAllTheSame()
    {
        bench.RefuseSlices = new ApiException("PATCH", System.Net.HttpStatusCode.Forbidden, "Forbidden", "no");
        var leader = await ReplicaThatReachesPortsAsync(leads: true);
        Lose("n3");
        await bench.Until(() => leader.Events.ReasonsOf("n3").Contains(NodeLossEvents.Lost));
        Assert.Equal(["web-3-1", "web-3-2"], bench.Marks.Order());
    }

    [Fact]
    public async Task Statement_FoundAtTheStart_CountsOnlyOnceItIsRenewed()
    {
        bench.Say("n1", LossBench.Lost("n3"));
        var leader = await ReplicaThatReachesPortsAsync(leads: true);
        bench.Cut("n3");
        await bench.Pass(TimeSpan.FromSeconds(5));
        Assert.Empty(bench.Marks);
        bench.Say("n1", LossBench.Lost("n3"));
        await bench.Until(() => leader.Events.ReasonsOf("n3").Contains(NodeLossEvents.Lost));
        Assert.Equal(2, bench.Marks.Count);
    }

    [Fact]
    public async Task Follower_LeaderActs_DoesNothing()
    {
        var leader = await ReplicaThatReachesPortsAsync(leads: true);
        var follower = await ReplicaThatReachesPortsAsync(leads: false);
        Lose("n3");
        await bench.Until(() => leader.Events.ReasonsOf("n3").Contains(NodeLossEvents.Lost));
        await bench.Pass(TimeSpan.FromSeconds(5));
        Assert.Equal(2, bench.Marks.Count);
        Assert.Empty(follower.Events.Of("n3"));
    }

    [Fact]
    public async Task Follower_LeaderGone_ActsAMomentLater()
    {
        var follower = await ReplicaThatReachesPortsAsync(leads: false);
        var said = bench.Time.GetUtcNow();
        Lose("n3");
        await bench.Until(() => !bench.Marks.IsEmpty);
        Assert.True(bench.Time.GetUtcNow() - said >= NodeLossLoop.FollowerDelay + KubeletPorts.Patience);
        await bench.Until(() => follower.Events.ReasonsOf("n3").Contains(NodeLossEvents.Lost));
        Assert.Equal(2, bench.Marks.Count);
    }

    [Fact]
    public async Task Replica_EntersALossAndDies_AnotherMarks()
    {
        var leader = await ReplicaThatReachesPortsAsync(leads: true);
        var follower = await ReplicaThatReachesPortsAsync(leads: false);
        bench.BeforeMark = _ => throw new HttpRequestException("the leader's connection is cut");
        Lose("n3");
        await bench.Until(() => bench.Recorded.Contains(new LossEntry("n3", 1, LossOutcome.Marking)));
        await leader.DisposeAsync();
        bench.BeforeMark = null;
        await bench.Until(() => follower.Events.ReasonsOf("n3").Contains(NodeLossEvents.Lost));
        Assert.Equal(["web-3-1", "web-3-2"], bench.Marks.Order());
    }

    [Fact]
    public async Task ServerRefusesAtFirst_IsTriedAgain_EachPodMarkedOnce()
    {
        var leader = await ReplicaThatReachesPortsAsync(leads: true);
        var refusals = 2;
        bench.BeforeMark = pod =>
        {
            if (pod.Name == "web-3-2" && refusals-- > 0)
            {
                throw new HttpRequestException("the server is busy");
            }
        };
        Lose("n3");
        await bench.Until(() => leader.Events.ReasonsOf("n3").Contains(NodeLossEvents.Lost));
        Assert.Equal(["web-3-1", "web-3-2"], bench.Marks.Order());
    }

    [Fact]
    public async Task KubeletPort_Answers_Vetoes()
    {
        var leader = await ReplicaThatReachesPortsAsync(leads: true);
        bench.Say("n1", LossBench.Lost("n3"));
        await VetoedAsync(leader, "n3", LossVeto.KubeletAnswers);
    }

    [Fact]
    public async Task KubeletPort_NeverAnswered_Vetoes()
    {
        bench.Cut("n3");
        var leader = await ReplicaThatReachesPortsAsync(leads: true);
        bench.Say("n1", LossBench.Lost("n3"));
        await VetoedAsync(leader, "n3", LossVeto.KubeletNotReachedBefore);
    }

    [Fact]
    public async Task AnotherSpeaker_SaysThatItHearsTheNode_Vetoes()
    {
        var leader = await ReplicaThatReachesPortsAsync(leads: true);
        await LoseAsync("n3");
        bench.Time.Advance(TimeSpan.FromMilliseconds(50));
        bench.SayHeard("n2", "n1", "n3");
        await VetoedAsync(leader, "n3", LossVeto.HeardElsewhere);
    }

    [Fact]
    public async Task NodeLease_RenewedSince_Vetoes()
    {
        var leader = await ReplicaThatReachesPortsAsync(leads: true);
        await LoseAsync("n3");
        bench.Time.Advance(TimeSpan.FromMilliseconds(50));
        bench.Renew("n3");
        await VetoedAsync(leader, "n3", LossVeto.NodeLeaseRenewed);
    }

    // Nothing at all is heard of the Leases after it: that is no reason to take it for new.
    [Fact]
    public async Task NodeLease_RenewedJustBeforeTheLoss_IsNoSignOfLife()
    {
        bench.QuietWatches = true;
        var leader = await ReplicaThatReachesPortsAsync(leads: true);
        bench.Renew("n3");
        Lose("n3");
        await bench.Until(() => bench.Recorded.Contains(new LossEntry("n3", 1, LossOutcome.Marked)));
        await bench.Pass(TimeSpan.FromSeconds(10));
        Assert.Equal([NodeLossEvents.Lost], leader.Events.ReasonsOf("n3"));
    }

    [Fact]
    public async Task TooManyLost_NoneIsMarked_AndAReplicaThatStartsLaterBrakesToo()
    {
        var leader = await ReplicaThatReachesPortsAsync(leads: true);
        bench.Cut("n2", "n3");
        bench.Say("n1", LossBench.Lost("n2"), LossBench.Lost("n3"));
        await VetoedAsync(leader, "n2", LossVeto.TooManyLost);
        await VetoedAsync(leader, "n3", LossVeto.TooManyLost);
        await bench.Until(() => bench.Recorded.Count == 2);
        await leader.DisposeAsync();
        bench.Mend("n2").Mend("n3");
        bench.Say("n1");

        var next = await ReplicaThatReachesPortsAsync(leads: true);
        bench.Cut("n3");
        bench.Say("n1", LossBench.Lost("n3", boot: 9));
        await VetoedAsync(next, "n3", LossVeto.TooManyLost);
    }

    [Fact]
    public async Task FalseAlarm_NodeLeaseRenewedAfterTheMark_IsRecorded_AndTheNodeLeftAlone_AlsoByANewReplica()
    {
        var leader = await ReplicaThatReachesPortsAsync(leads: true);
        Lose("n3");
        await bench.Until(() => bench.Recorded.Contains(new LossEntry("n3", 1, LossOutcome.Marked)));
        await bench.Pass(TimeSpan.FromSeconds(1));
        bench.Renew("n3");
        await bench.Until(() => leader.Events.ReasonsOf("n3").Contains(NodeLossEvents.FalseAlarm));
        Assert.Equal([new LossEntry("n3", 1, LossOutcome.FalseAlarm)], bench.Recorded);
        await leader.DisposeAsync();
        bench.Mend("n3").Say("n1");
        bench.ReportReady("n3");

        var next = await ReplicaThatReachesPortsAsync(leads: true);
        bench.Cut("n3").Say("n1", LossBench.Lost("n3", boot: 2));
        await VetoedAsync(next, "n3", LossVeto.RecentFalseAlarm, marks: 2);
    }

    // It may be about to be taken back: a node that is back renews its Lease before the speakers have heard its own.
    [Fact]
    public async Task NodeLease_RenewedAMomentBeforeTheStatementIsTakenBack_IsAReturn()
    {
        var leader = await ReplicaThatReachesPortsAsync(leads: true);
        Lose("n3");
        await bench.Until(() => bench.Recorded.Contains(new LossEntry("n3", 1, LossOutcome.Marked)));
        await bench.Pass(TimeSpan.FromSeconds(12));
        bench.Renew("n3");
        await bench.Pass(TimeSpan.FromSeconds(1));
        bench.Say("n1");
        await bench.Until(() => leader.Events.ReasonsOf("n3").Contains(NodeLossEvents.Returned));
        Assert.DoesNotContain(NodeLossEvents.FalseAlarm, leader.Events.ReasonsOf("n3"));
    }

    // Started again, with a kubelet that is there and a speaker that is not yet.
    [Fact]
    public async Task NodeLease_RenewedLongAfterTheMark_IsNoFalseAlarm()
    {
        var leader = await ReplicaThatReachesPortsAsync(leads: true);
        Lose("n3");
        await bench.Until(() => bench.Recorded.Contains(new LossEntry("n3", 1, LossOutcome.Marked)));
        await bench.Pass(TimeSpan.FromSeconds(25));
        bench.Renew("n3");
        await bench.Pass(TimeSpan.FromSeconds(4));
        Assert.Equal([NodeLossEvents.Lost], leader.Events.ReasonsOf("n3"));
    }

    [Fact]
    public async Task PodsReportedReadyAgain_SameLoss_AreNotMarkedASecondTime()
    {
        var leader = await ReplicaThatReachesPortsAsync(leads: true);
        Lose("n3");
        await bench.Until(() => bench.Recorded.Contains(new LossEntry("n3", 1, LossOutcome.Marked)));
        bench.ReportReady("n3");
        bench.Say("n1", LossBench.Lost("n3"));
        await bench.Pass(TimeSpan.FromSeconds(30));
        Assert.Equal(2, bench.Marks.Count);
        Assert.Single(leader.Events.Of("n3"));
    }

    [Fact]
    public async Task Node_Back_IsTold()
    {
        var leader = await ReplicaThatReachesPortsAsync(leads: true);
        Lose("n3");
        await bench.Until(() => bench.Recorded.Contains(new LossEntry("n3", 1, LossOutcome.Marked)));
        await bench.Pass(TimeSpan.FromSeconds(12));
        bench.Renew("n3");
        bench.Say("n1");
        await bench.Until(() => leader.Events.ReasonsOf("n3").Contains(NodeLossEvents.Returned));
        Assert.DoesNotContain(NodeLossEvents.FalseAlarm, leader.Events.ReasonsOf("n3"));
    }

    [Fact]
    public async Task Node_HeardAgainBeforeANodeCanStart_WasAFalseAlarm()
    {
        var leader = await ReplicaThatReachesPortsAsync(leads: true);
        Lose("n3");
        await bench.Until(() => bench.Recorded.Contains(new LossEntry("n3", 1, LossOutcome.Marked)));
        bench.Say("n1");
        await bench.Until(() => bench.Recorded.Contains(new LossEntry("n3", 1, LossOutcome.FalseAlarm)));
        Assert.Contains(NodeLossEvents.FalseAlarm, leader.Events.ReasonsOf("n3"));
    }

    // Its speaker goes on running while the cable is out: it is the same run that falls silent again.
    [Fact]
    public async Task Node_BackAndLostAgainByTheSameRunOfItsSpeaker_IsMarkedAgain()
    {
        var leader = await ReplicaThatReachesPortsAsync(leads: true);
        await MarkedAndBackAsync(leader);
        Lose("n3");
        await bench.Until(() => bench.Marks.Count == 4);
        await bench.Until(() => leader.Events.ReasonsOf("n3").Count(reason => reason == NodeLossEvents.Lost) == 2);
        Assert.DoesNotContain(NodeLossEvents.FalseAlarm, leader.Events.ReasonsOf("n3"));
    }

    [Fact]
    public async Task Node_BackAndLostAgain_MarkedByAReplicaThatStartedMeanwhile()
    {
        var leader = await ReplicaThatReachesPortsAsync(leads: true);
        await MarkedAndBackAsync(leader);
        await leader.DisposeAsync();
        var next = await ReplicaThatReachesPortsAsync(leads: false);
        Lose("n3");
        await bench.Until(() => next.Events.ReasonsOf("n3").Contains(NodeLossEvents.Lost));
        Assert.Equal(4, bench.Marks.Count);
    }

    [Fact]
    public async Task Statement_TakenBackAndMadeAgain_KubeletNotBack_IsTheSameLoss()
    {
        var leader = await ReplicaThatReachesPortsAsync(leads: true);
        Lose("n3");
        await bench.Until(() => bench.Recorded.Contains(new LossEntry("n3", 1, LossOutcome.Marked)));
        await bench.Pass(TimeSpan.FromSeconds(12));
        bench.ReportReady("n3");
        bench.Say("n1");
        await bench.Pass(TimeSpan.FromSeconds(3));
        bench.Say("n2", LossBench.Lost("n3"));
        await bench.Pass(TimeSpan.FromSeconds(30));
        Assert.Equal(2, bench.Marks.Count);
        Assert.Equal([NodeLossEvents.Lost], leader.Events.ReasonsOf("n3"));
    }

    [Fact]
    public async Task FalseAlarm_TenMinutesLater_TheSameRunLost_IsMarked()
    {
        var leader = await ReplicaThatReachesPortsAsync(leads: true);
        Lose("n3");
        await bench.Until(() => bench.Recorded.Contains(new LossEntry("n3", 1, LossOutcome.Marked)));
        bench.Say("n1");
        await bench.Until(() => bench.Recorded.Contains(new LossEntry("n3", 1, LossOutcome.FalseAlarm)));
        bench.Mend("n3").ReportReady("n3");
        Lose("n3");
        await VetoedAsync(leader, "n3", LossVeto.RecentFalseAlarm, marks: 2);
        bench.Mend("n3").Say("n1");
        await bench.Pass(LossJudge.FalseAlarmRest);
        await bench.Pass(TimeSpan.FromSeconds(25));
        Lose("n3");
        await bench.Until(() => bench.Marks.Count == 4);
    }

    // A rolling update of the speakers, say: it says nothing of the lost node.
    [Fact]
    public async Task Reporter_GoneWithItsStatement_IsNoReturnOfTheNode()
    {
        var leader = await ReplicaThatReachesPortsAsync(leads: true);
        Lose("n3");
        await bench.Until(() => bench.Recorded.Contains(new LossEntry("n3", 1, LossOutcome.Marked)));
        bench.Release("n1");
        await bench.Pass(TimeSpan.FromSeconds(5));
        Assert.Equal([NodeLossEvents.Lost], leader.Events.ReasonsOf("n3"));
        Assert.Equal([new LossEntry("n3", 1, LossOutcome.Marked)], bench.Recorded);
    }

    public ValueTask DisposeAsync() => bench.DisposeAsync();

    private async Task MarkedAndBackAsync(LossReplica replica)
    {
        Lose("n3");
        await bench.Until(() => bench.Recorded.Contains(new LossEntry("n3", 1, LossOutcome.Marked)));
        await bench.Pass(TimeSpan.FromSeconds(12));
        bench.Mend("n3").ReportReady("n3");
        bench.Say("n1");
        await bench.Pass(TimeSpan.FromSeconds(3));
        bench.Renew("n3");
        await bench.Until(() => replica.Events.ReasonsOf("n3").Contains(NodeLossEvents.Returned));
        Assert.Equal([new LossEntry("n3", 1, LossOutcome.Returned)], bench.Recorded);
        await bench.Pass(TimeSpan.FromSeconds(25));
    }

    private void Lose(string node)
    {
        bench.Cut(node);
        bench.Say("n1", LossBench.Lost(node));
    }

    // The replica has heard of it, and no time has passed since.
    private Task LoseAsync(string node)
    {
        Lose(node);
        return Eventually.True(() => bench.Asked > 0);
    }

    private async Task<LossReplica> ReplicaThatReachesPortsAsync(bool leads)
    {
        var replica = bench.Replica(leads);

        // A first round of connects, which fake time separates.
        await bench.Pass(TimeSpan.FromSeconds(3));
        return replica;
    }

    private async Task VetoedAsync(LossReplica replica, string node, LossVeto veto, int marks = 0)
    {
        await bench.Until(() => replica.Events.Of(node).Any(e => e.Reason == NodeLossEvents.NotMarked && e.Message.EndsWith($"({veto})", StringComparison.Ordinal)));
        await bench.Pass(TimeSpan.FromSeconds(2));
        Assert.Equal(marks, bench.Marks.Count);
    }
}
