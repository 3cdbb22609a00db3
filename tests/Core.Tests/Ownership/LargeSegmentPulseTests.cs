using LoadBalancer.Core.Addressing;
using LoadBalancer.Core.Heartbeats;
using LoadBalancer.Core.Ownership;
using LoadBalancer.Core.Tests.Heartbeats;
using static LoadBalancer.Core.Tests.Ownership.Members;

namespace LoadBalancer.Core.Tests.Ownership;

/// <summary>What a node of a large segment says to all before its time: most hear of it by its hellos alone.</summary>
public sealed class LargeSegmentPulseTests : LargeSegment
{
    private readonly List<HeartbeatKind> sent = [];
    private readonly SegmentPulse pulse;

    public LargeSegmentPulseTests()
    {
        pulse = new SegmentPulse(membership, 99, new SequenceCounter(), 64, Ms(now), frame =>
        {
            sent.Add((HeartbeatKind)frame[HeartbeatLayout.EthernetHeader + 5]);
            return true;
        });
        Beat(0, Frames.Own);
        Beat(200, Frames.Own);
        sent.Clear();
        Beat(10, Frames.Own);
        Assert.Empty(sent);
    }

    [Fact]
    public void StateChanges_AHelloIsSaidAtOnce()
    {
        membership.Ready = false;
        Beat(10, Frames.Own);
        Assert.Equal([HeartbeatKind.Hello], sent);
    }

    [Fact]
    public void HardwareAddressChanges_AHelloIsSaidAtOnce()
    {
        Beat(10, MacAddress.Parse("52:54:00:00:00:77"));
        Assert.Equal([HeartbeatKind.Hello], sent);
    }

    private void Beat(int later, MacAddress own)
    {
        Pass(later);
        pulse.Collect(Ms(now), own, Ms(100));
        pulse.Send(Frames.Key);
    }
}
