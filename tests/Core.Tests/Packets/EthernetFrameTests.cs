using LoadBalancer.Core.Packets;

namespace LoadBalancer.Core.Tests.Packets;

public sealed class EthernetFrameTests
{
    private readonly byte[] scratch = new byte[EthernetFrame.MaximumLength];

    [Fact]
    public void PriorityTag_WithoutVlan_IsTakenOff()
    {
        var tagged = Tagged("a000");

        Assert.Equal(ArpFrames.Request(), EthernetFrame.StripPriorityTag(tagged, scratch).ToArray());
    }

    [Theory]
    [InlineData("0001")]
    [InlineData("a064")]
    [InlineData("0fff")]
    public void Tag_OfAVlan_StaysOnAndIsNotAnswered(string control)
    {
        var stripped = EthernetFrame.StripPriorityTag(Tagged(control), scratch);

        Assert.Equal(Tagged(control), stripped.ToArray());
        Assert.Equal(
            DropReason.VlanTagged,
            ArpResponder.Respond(stripped, ArpFrames.TableOfVip, ArpFrames.Link, new byte[60]).Reason);
    }

    [Fact]
    public void TaggedFrame_CutAtEveryLength_DoesNotThrow()
    {
        var tagged = Tagged("0000");
        for (var length = 0; length <= tagged.Length; length++)
        {
            var stripped = EthernetFrame.StripPriorityTag(tagged.AsSpan(0, length), scratch);
            Assert.Equal(length < 18 ? length : length - 4, stripped.Length);
        }
    }

    [Fact]
    public void TaggedFrame_LongerThanTheScratch_IsCutOff()
    {
        var stripped = EthernetFrame.StripPriorityTag(Tagged("0000"), new byte[20]);

        Assert.Equal(ArpFrames.Request()[..20], stripped.ToArray());
    }

    private static byte[] Tagged(string control)
    {
        var frame = ArpFrames.Request();
        return [.. frame[..12], 0x81, 0x00, .. Convert.FromHexString(control), .. frame[12..]];
    }
}
