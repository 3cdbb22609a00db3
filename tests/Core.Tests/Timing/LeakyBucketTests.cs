using LoadBalancer.Core.Timing;

namespace LoadBalancer.Core.Tests.Timing;

public sealed class LeakyBucketTests
{
    private static readonly TimeSpan Pace = TimeSpan.FromMilliseconds(100);

    private LeakyBucket bucket = new(Pace, burst: 3);

    [Fact]
    public void TryTake_AfterAQuietTime_GivesTheBurstAndThenOneAPace()
    {
        Assert.Equal([true, true, true, false], Take(at: 5000, times: 4));
        Assert.Equal([false], Take(at: 5099, times: 1));
        Assert.Equal([true, false], Take(at: 5100, times: 2));
        Assert.Equal([true, true, true, false], Take(at: 9000, times: 4));
    }

    [Fact]
    public void TryTake_MoreThanThereAre_TakesNone()
    {
        Assert.True(bucket.TryTake(Ms(0), 2));
        Assert.False(bucket.TryTake(Ms(0), 2));
        Assert.True(bucket.TryTake(Ms(0), 1));
    }

    [Fact]
    public void UntilAvailable_OfWhatIsLeft_IsZeroOrLess()
    {
        Take(at: 1000, times: 2);
        Assert.Equal(Ms(0), bucket.UntilAvailable(Ms(1000)));
        Assert.Equal(Ms(100), bucket.UntilAvailable(Ms(1000), 2));
        Assert.Equal(Ms(-50), bucket.UntilAvailable(Ms(1050)));
    }

    [Fact]
    public void IsFull_AsLongAsItTakesToEarnBackWhatWasTaken_IsFalse()
    {
        Assert.True(bucket.IsFull(Ms(0)));
        Take(at: 0, times: 2);
        Assert.False(bucket.IsFull(Ms(199)));
        Assert.True(bucket.IsFull(Ms(200)));
    }

    private static TimeSpan Ms(int milliseconds) => TimeSpan.FromMilliseconds(milliseconds);

    private List<bool> Take(int at, int times)
    {
        List<bool> taken = [];
        for (var i = 0; i < times; i++)
        {
            taken.Add(bucket.TryTake(Ms(at)));
        }

        return taken;
    }
}
