using LoadBalancer.Speaker.Membership;

namespace LoadBalancer.Speaker.Tests.Cluster;

public sealed class WakeUpTests
{
    [Fact]
    public void Wait_LessThanAMillisecond_Sleeps()
    {
        using var wake = new WakeUp();
        var start = TimeProvider.System.GetTimestamp();
        for (var i = 0; i < 50; i++)
        {
            wake.Wait(TimeSpan.FromMicroseconds(100));
        }

        // Without sleeping this takes well below a millisecond; a busy machine only makes it longer.
        Assert.True(TimeProvider.System.GetElapsedTime(start) >= TimeSpan.FromMilliseconds(25), $"50 waits took {TimeProvider.System.GetElapsedTime(start)}");
    }

    [Fact]
    public void Wait_SignalledBefore_ReturnsAtOnce()
    {
        using var wake = new WakeUp();
        wake.Signal();
        wake.Wait(TimeSpan.FromMinutes(10));
        Assert.False(wake.Take());
    }
}
