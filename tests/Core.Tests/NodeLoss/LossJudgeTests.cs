using LoadBalancer.Core.Addressing;
using LoadBalancer.Core.NodeLoss;

namespace LoadBalancer.Core.Tests.NodeLoss;

/// <summary>Each sign of life, each doubt and each brake stops the marking by itself; nothing else does.</summary>
public sealed class LossJudgeTests
{
    private static readonly IpAddress Address = IpAddress.Parse("192.168.96.13");
    private static readonly LossStatement Statement = new("n3", 7, Address, Agreed: 2, Witness: false, TimeSpan.FromMilliseconds(351));

    private static readonly LossFacts Lost = new(Statement, ReporterReady: true)
    {
        NodeKnown = true,
        NodeReady = true,
        InternalAddresses = [Address],
        Nodes = 3,
        LostLately = 1,
        Kubelet = KubeletAnswer.Silent,
    };

    public static TheoryData<LossVeto, LossFacts> Vetoed => new()
    {
        { LossVeto.NotAgreed, Lost with { Statement = Statement with { Agreed = 1 } } },
        { LossVeto.NodeUnknown, Lost with { NodeKnown = false } },
        { LossVeto.NodeNotReady, Lost with { NodeReady = false } },
        { LossVeto.OtherAddress, Lost with { InternalAddresses = [IpAddress.Parse("10.0.0.13")] } },
        { LossVeto.OtherAddress, Lost with { InternalAddresses = [] } },
        { LossVeto.Excluded, Lost with { Excluded = true } },
        { LossVeto.ReporterNotReady, Lost with { ReporterReady = false } },
        { LossVeto.AlreadyMarked, Lost with { Marked = true } },
        { LossVeto.RecentFalseAlarm, Lost with { FalseAlarmAge = LossJudge.FalseAlarmRest - TimeSpan.FromTicks(1) } },
        { LossVeto.TooManyLost, Lost with { LostLately = 2 } },
        { LossVeto.HeardElsewhere, Lost with { HeardElsewhere = true } },
        { LossVeto.NodeLeaseRenewed, Lost with { NodeLeaseRenewed = true } },
        { LossVeto.KubeletAnswers, Lost with { Kubelet = KubeletAnswer.Answered } },
        { LossVeto.KubeletNotReachedBefore, Lost with { Kubelet = KubeletAnswer.NeverReached } },
    };

    [Fact]
    public void Loss_NothingSpeaksAgainst_IsMarked() =>
        Assert.Equal(new LossVerdict(LossStep.Mark, LossVeto.None), LossJudge.Judge(Lost));

    [Theory]
    [MemberData(nameof(Vetoed))]
    public void Loss_OneThingSpeaksAgainst_IsNotMarked(LossVeto veto, LossFacts facts) =>
        Assert.Equal(new LossVerdict(LossStep.Refuse, veto), LossJudge.Judge(facts));

    [Fact]
    public void Vetoes_HaveARowEach() =>
        Assert.Equal(Enum.GetValues<LossVeto>().Where(v => v != LossVeto.None), Vetoed.Select(row => row.Data.Item1).Distinct().Order());

    [Fact]
    public void Loss_KubeletStillAsked_Waits() =>
        Assert.Equal(new LossVerdict(LossStep.Wait, LossVeto.None), LossJudge.Judge(Lost with { Kubelet = KubeletAnswer.Waiting }));

    [Theory]
    [MemberData(nameof(Vetoed))]
    public void Loss_KubeletStillAsked_IsRefusedAtOnceForWhatIsKnown(LossVeto veto, LossFacts facts)
    {
        var step = LossJudge.Judge(facts with { Kubelet = KubeletAnswer.Waiting });
        Assert.Equal(veto is LossVeto.KubeletAnswers or LossVeto.KubeletNotReachedBefore ? LossStep.Wait : LossStep.Refuse, step.Step);
    }

    [Fact]
    public void Loss_OneSpeakerWithAWitness_IsMarked() =>
        Assert.Equal(LossStep.Mark, LossJudge.Judge(Lost with { Statement = Statement with { Agreed = 1, Witness = true } }).Step);

    [Fact]
    public void Loss_FalseAlarmLongAgo_IsMarked() =>
        Assert.Equal(LossStep.Mark, LossJudge.Judge(Lost with { FalseAlarmAge = LossJudge.FalseAlarmRest }).Step);

    [Theory]
    [InlineData(1, 1)]
    [InlineData(2, 1)]
    [InlineData(3, 1)]
    [InlineData(5, 1)]
    [InlineData(6, 2)]
    [InlineData(100, 33)]
    public void Brake_AThirdOfTheNodesAtLeastOne_MayBeLost(int nodes, int most)
    {
        Assert.Equal(LossStep.Mark, LossJudge.Judge(Lost with { Nodes = nodes, LostLately = most }).Step);
        Assert.Equal(LossVeto.TooManyLost, LossJudge.Judge(Lost with { Nodes = nodes, LostLately = most + 1 }).Veto);
    }
}
