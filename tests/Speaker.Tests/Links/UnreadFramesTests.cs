using LoadBalancer.Core.Addressing;
using LoadBalancer.Core.Packets;
using LoadBalancer.Speaker.Links;

namespace LoadBalancer.Speaker.Tests.Links;

/// <summary>What a link says of frames that nobody has read, on the loopback interface.</summary>
public sealed class UnreadFramesTests
{
    // Fewer than a ring holds.
    private const int Frames = 900;

    private static readonly LinkFacts Loopback = new("lo", 1, default, [], Carrier: true);

    [Fact]
    public async Task HasUnread_WhileMoreFramesComeInAndNobodyReads_IsAlwaysTrue()
    {
        using var link = PcapLink.Open(Loopback);
        using var sender = PcapLink.Open(Loopback);
        var frame = new byte[EthernetFrame.HeaderLength + 28];
        MacAddress.Broadcast.Write(frame);
        frame[12] = 0x08;
        frame[13] = 0x06;
        Assert.True(sender.Send(frame));
        Assert.True(SpinWait.SpinUntil(() => link.HasUnread, TimeSpan.FromSeconds(10)), "the first frame did not come in");

        var all = Task.Run(
            () =>
            {
                for (var i = 1; i < Frames; i++)
                {
                    sender.Send(frame);
                }
            },
            TestContext.Current.CancellationToken);
        int looks = 0, missed = 0;
        while (!all.IsCompleted)
        {
            looks++;
            missed += link.HasUnread ? 0 : 1;
        }

        await all;
        Assert.True(missed == 0, $"{missed} of {looks} looks found nothing unread");
    }
}
