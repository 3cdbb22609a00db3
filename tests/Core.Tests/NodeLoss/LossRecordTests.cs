using LoadBalancer.Core.NodeLoss;

namespace LoadBalancer.Core.Tests.NodeLoss;

/// <summary>What replicas remember together, each by its own clock.</summary>
public sealed class LossRecordTests
{
    private readonly LossRecord record = new();

    [Fact]
    public void LostLately_WithinTheWindow_CountsEachNodeOnce()
    {
        record.Observe([new("n1", 1, LossOutcome.Seen), new("n1", 2, LossOutcome.Marked), new("n2", 3, LossOutcome.FalseAlarm)], Minutes(0));
        Assert.Equal(["n1", "n2"], record.LostLately(Minutes(4.9)).Order());
        Assert.Empty(record.LostLately(LossJudge.BrakeWindow));
    }

    [Fact]
    public void FoundAtStart_CountsAsIfItWereNew()
    {
        record.Observe([new("n1", 1, LossOutcome.FalseAlarm)], Minutes(60));
        Assert.Equal(["n1"], record.LostLately(Minutes(61)));
        Assert.Equal(TimeSpan.FromMinutes(1), record.FalseAlarmAge("n1", Minutes(61)));
    }

    [Fact]
    public void OutcomeChanged_MovesTheMomentOfIt_NotThatOfTheLoss()
    {
        record.Observe([new("n1", 1, LossOutcome.Marking)], Minutes(0));
        record.Observe([new("n1", 1, LossOutcome.FalseAlarm)], Minutes(4));
        Assert.Empty(record.LostLately(Minutes(5)));
        Assert.Equal(TimeSpan.FromMinutes(1), record.FalseAlarmAge("n1", Minutes(5)));
        Assert.Equal((LossOutcome.FalseAlarm, Minutes(4)), record.Find("n1", 1));
    }

    [Fact]
    public void LostAgainAfterItsReturn_CountsFromThen()
    {
        record.Observe([new("n1", 1, LossOutcome.Returned)], Minutes(0));
        record.Observe([new("n1", 1, LossOutcome.Marking)], Minutes(4));
        Assert.Equal(["n1"], record.LostLately(Minutes(8.9)));
        Assert.Empty(record.LostLately(Minutes(9)));
    }

    [Fact]
    public void OtherRun_IsAnotherLoss()
    {
        record.Observe([new("n1", 1, LossOutcome.Marked)], Minutes(0));
        Assert.Null(record.Find("n1", 2));
        Assert.Null(record.FalseAlarmAge("n1", Minutes(0)));
    }

    [Fact]
    public void FalseAlarms_SeveralOfANode_TheLastCounts()
    {
        record.Observe([new("n1", 1, LossOutcome.FalseAlarm)], Minutes(0));
        record.Observe([new("n1", 1, LossOutcome.FalseAlarm), new("n1", 2, LossOutcome.FalseAlarm)], Minutes(3));
        Assert.Equal(TimeSpan.FromMinutes(1), record.FalseAlarmAge("n1", Minutes(4)));
    }

    [Fact]
    public void With_ReplacesTheSameLoss_AndLeavesOutWhatIsTooOld()
    {
        record.Observe([new("n1", 1, LossOutcome.Marked)], Minutes(0));
        record.Observe([new("n1", 1, LossOutcome.Marked), new("n2", 2, LossOutcome.Marking)], Minutes(10));
        Assert.Equal([new("n1", 1, LossOutcome.Marked), new("n2", 2, LossOutcome.Marked)], record.With(new("n2", 2, LossOutcome.Marked), Minutes(14)));
        Assert.Equal([new("n2", 2, LossOutcome.Marking), new("n3", 3, LossOutcome.Marking)], record.With(new("n3", 3, LossOutcome.Marking), Minutes(15)));
    }

    [Fact]
    public void Removed_IsForgotten()
    {
        record.Observe([new("n1", 1, LossOutcome.Marked)], Minutes(0));
        record.Observe([], Minutes(1));
        Assert.Empty(record.Entries);
        Assert.Null(record.Find("n1", 1));
    }

    private static TimeSpan Minutes(double minutes) => TimeSpan.FromMinutes(minutes);
}
