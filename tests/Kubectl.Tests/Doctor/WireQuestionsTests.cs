using LoadBalancer.Core.Addressing;
using LoadBalancer.Core.Packets;
using LoadBalancer.Kubectl.Doctor;

namespace LoadBalancer.Kubectl.Tests.Doctor;

/// <summary>What is taken for an answer among the frames of a link.</summary>
public sealed class WireQuestionsTests
{
    private static readonly MacAddress Mac = MacAddress.Parse("52:54:00:00:00:02");
    private static readonly MacAddress Asker = MacAddress.Parse("02:00:00:00:00:01");
    private static readonly IpAddress Vip = IpAddress.Parse("192.168.96.100");
    private static readonly IpAddress Vip6 = IpAddress.Parse("fd00:96::1");

    [Fact]
    public void ReplyByArp_NamesWhoAnswersForWhat() => Assert.Equal((Vip, Mac), WireQuestions.Read(Arp(ArpPacket.Reply), IpFamily.IPv4));

    [Fact]
    public void RequestByArp_IsNoAnswer() => Assert.Null(WireQuestions.Read(Arp(ArpPacket.Request), IpFamily.IPv4));

    [Fact]
    public void Advertisement_NamesWhoAnswersForWhat() => Assert.Equal((Vip6, Mac), WireQuestions.Read(
        Frame(new NdpPacket(NdpPacket.Advertisement, Ipv6Multicast.MacOf(Ipv6Multicast.AllNodes), Mac, Vip6.Value, Ipv6Multicast.AllNodes, NdpBits.Override, Vip6.Value, Mac)), IpFamily.IPv6));

    [Fact]
    public void QuestionItself_IsNoAnswer()
    {
        Span<byte> frame = stackalloc byte[NdpPacket.FrameLength];
        var length = AddressProbe.Write(Vip6, Asker, frame);
        Assert.Null(WireQuestions.Read(frame[..length], IpFamily.IPv6));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(13)]
    [InlineData(41)]
    public void FrameThatIsCutOff_IsNoAnswer(int length)
    {
        Assert.Null(WireQuestions.Read(Arp(ArpPacket.Reply).AsSpan(0, length), IpFamily.IPv4));
        Assert.Null(WireQuestions.Read(Arp(ArpPacket.Reply).AsSpan(0, length), IpFamily.IPv6));
    }

    private static byte[] Arp(ushort operation)
    {
        var frame = new byte[EthernetFrame.MinimumLength];
        new ArpPacket(operation, Asker, Mac, Mac, Vip.AsUInt32, Asker, 0).WriteFrame(frame);
        return frame;
    }

    private static byte[] Frame(NdpPacket packet)
    {
        var frame = new byte[NdpPacket.FrameLength];
        packet.WriteFrame(frame);
        return frame;
    }
}
