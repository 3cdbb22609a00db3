using LoadBalancer.Core.Heartbeats;

namespace LoadBalancer.Core.Tests.Heartbeats;

public sealed class HeartbeatScheduleTests
{
    [Theory]
    [InlineData(100, 0, 100)]
    [InlineData(100, 18, 100)]
    [InlineData(100, 36, 200)]
    [InlineData(250, 20, 250)]
    public void HeartbeatInterval_ByPeers_KeepsANodeBelowTwoHundredASecond(int configured, int peers, int expected) =>
        Assert.Equal(expected, HeartbeatSchedule.HeartbeatInterval(TimeSpan.FromMilliseconds(configured), peers).TotalMilliseconds);

    [Theory]
    [InlineData(0, 1000)]
    [InlineData(11, 1000)]
    [InlineData(17, 1500)]
    [InlineData(119, 10_000)]
    public void HelloInterval_ByPeers_KeepsASegmentBelowTwentyBroadcastsASecond(int peers, int expected) =>
        Assert.Equal(expected, HeartbeatSchedule.HelloInterval(peers).TotalMilliseconds);

    [Fact]
    public void Schedule_AnyNumberOfNodes_StaysWithinBothLimits()
    {
        for (var peers = 1; peers < 1000; peers++)
        {
            var heartbeats = peers / HeartbeatSchedule.HeartbeatInterval(TimeSpan.FromMilliseconds(100), peers).TotalSeconds;
            var hellos = (peers + 1) / HeartbeatSchedule.HelloInterval(peers).TotalSeconds;
            Assert.True(heartbeats <= 180.001 && hellos <= 12.001, $"{peers} peers: {heartbeats} heartbeats/s, {hellos} hellos/s");
        }
    }

    [Fact]
    public void GoodFor_OneHundredMilliseconds_IsThreeMissedHeartbeatsAndAHalf() =>
        Assert.Equal(350, HeartbeatSchedule.GoodFor(TimeSpan.FromMilliseconds(100)).TotalMilliseconds);
}
