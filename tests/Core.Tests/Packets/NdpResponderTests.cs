using System.Net;
using LoadBalancer.Core.Addressing;
using LoadBalancer.Core.Packets;
using PacketDotNet;
using PacketDotNet.Ndp;
using static LoadBalancer.Core.Tests.Packets.NdpFrames;

namespace LoadBalancer.Core.Tests.Packets;

public sealed class NdpResponderTests
{
    private readonly byte[] reply = new byte[Core.Packets.NdpPacket.FrameLength];

    [Fact]
    public void Solicitation_ForAVip_IsAnsweredToTheAsker()
    {
        var outcome = Respond(Solicitation());

        Assert.Equal(DropReason.None, outcome.Reason);
        Assert.Equal(
            "5254000000aa" + "525400000001" + "86dd" + "60000000" + "0020" + "3a" + "ff"
            + "fd000096000000000000000000010100" + "fd000096000000000000000000000007"
            + "8800",
            Convert.ToHexStringLower(reply, 0, Checksum));
        Assert.Equal("60000000" + "fd000096000000000000000000010100" + "0201" + "525400000001", Convert.ToHexStringLower(reply, Flags, 28));
        Assert.Equal(0xFFFF, Sum(reply));
    }

    [Fact]
    public void Answer_ReadByAnIndependentParser_IsASolicitedAdvertisementThatOverrides()
    {
        Respond(Solicitation());

        var ethernet = (EthernetPacket)Packet.ParsePacket(LinkLayers.Ethernet, reply);
        var ip = ethernet.Extract<IPv6Packet>();
        var icmp = ip.Extract<IcmpV6Packet>();
        var advertisement = icmp.Extract<NdpNeighborAdvertisementPacket>();
        Assert.Equal(("5254000000AA", "525400000001"), (ethernet.DestinationHardwareAddress.ToString(), ethernet.SourceHardwareAddress.ToString()));
        Assert.Equal((IPAddress.Parse("fd00:96::1:100"), IPAddress.Parse("fd00:96::7")), (ip.SourceAddress, ip.DestinationAddress));
        Assert.Equal(255, ip.HopLimit);
        Assert.Equal(IcmpV6Type.NeighborAdvertisement, icmp.Type);
        Assert.True(icmp.ValidIcmpChecksum);
        Assert.True(advertisement.Solicited);
        Assert.True(advertisement.Override);
        Assert.False(advertisement.Router);
        Assert.Equal(IPAddress.Parse("fd00:96::1:100"), advertisement.TargetAddress);
        var option = Assert.IsType<NdpLinkLayerAddressOption>(Assert.Single(advertisement.OptionsCollection));
        Assert.Equal(OptionTypes.TargetLinkLayerAddress, option.Type);
        Assert.Equal("525400000001", option.LinkLayerAddress.ToString());
    }

    [Fact]
    public void Solicitation_ReadByAnIndependentParser_AsksForTheTarget()
    {
        Core.Packets.NdpPacket.Ask(Asker, IpAddress.Parse("fd00:96::7").Value, Vip.Value).WriteFrame(reply);

        var ethernet = (EthernetPacket)Packet.ParsePacket(LinkLayers.Ethernet, reply);
        var ip = ethernet.Extract<IPv6Packet>();
        var icmp = ip.Extract<IcmpV6Packet>();
        var solicitation = icmp.Extract<NdpNeighborSolicitationPacket>();
        Assert.Equal("3333FF010100", ethernet.DestinationHardwareAddress.ToString());
        Assert.Equal(IPAddress.Parse("ff02::1:ff01:100"), ip.DestinationAddress);
        Assert.True(icmp.ValidIcmpChecksum);
        Assert.Equal(IPAddress.Parse("fd00:96::1:100"), solicitation.TargetAddress);
        var option = Assert.IsType<NdpLinkLayerAddressOption>(Assert.Single(solicitation.OptionsCollection));
        Assert.Equal(("SourceLinkLayerAddress", "5254000000AA"), (option.Type.ToString(), option.LinkLayerAddress.ToString()));
    }

    [Fact]
    public void Probe_WithoutLinkLayerOption_IsAnsweredToTheEthernetSource()
    {
        Assert.True(Respond(Probe()).Answered);

        Assert.Equal("5254000000aa", Convert.ToHexStringLower(reply, 0, 6));
        Assert.Equal("60", Convert.ToHexStringLower(reply, Flags, 1));
    }

    [Fact]
    public void Solicitation_WhoseEthernetSourceWasRewrittenOnTheWay_IsAnsweredToTheLinkLayerOption()
    {
        Assert.True(Respond(With(Solicitation(), 6, "5254000000bb")).Answered);

        Assert.Equal("5254000000aa", Convert.ToHexStringLower(reply, 0, 6));
    }

    [Fact]
    public void DuplicateAddressDetection_OfAVip_IsDefendedToAllNodes()
    {
        Assert.True(Respond(Detection()).Answered);

        Assert.Equal("333300000001" + "525400000001", Convert.ToHexStringLower(reply, 0, 12));
        Assert.Equal("ff020000000000000000000000000001", Convert.ToHexStringLower(reply, Destination, 16));
        Assert.Equal("20000000", Convert.ToHexStringLower(reply, Flags, 4));
        Assert.Equal(0xFFFF, Sum(reply));
    }

    [Theory]
    [InlineData(0, "525400000001")]
    [InlineData(Destination, "fd000096000000000000000000010100", 0, "525400000001")]
    [InlineData(Destination, "ff020000000000000000000000000001", 0, "333300000001")]
    [InlineData(Destination, "ff020000000000000000000000000001", 0, "525400000001")]
    public void Solicitation_ByEveryWayItMayCome_IsAnswered(int offset, string hex, int second = 0, string other = "")
    {
        var frame = With(With(Solicitation(), offset, hex), second, other);

        Assert.True(Respond(frame).Answered);
    }

    [Fact]
    public void Solicitation_FromALinkLocalAddress_IsAnsweredToIt()
    {
        Assert.True(Respond(With(Solicitation(), Source, "fe800000000000000000000000000007")).Answered);

        Assert.Equal("fe800000000000000000000000000007", Convert.ToHexStringLower(reply, Destination, 16));
    }

    [Theory]
    [InlineData("0e01aabbccddeeff")]
    [InlineData("0102525400000099aabbccddeeff0011", false)]
    [InlineData("0c02aabbccddeeff0011223344556677")]
    [InlineData("0101525400000099")]
    [InlineData("0201525400000099")]
    [InlineData("ff01000000000000")]
    public void Solicitation_WithFurtherOptions_IsAnsweredAsTheFirstLinkLayerOptionSays(string options, bool valid = true)
    {
        var outcome = Respond(WithOptions(Solicitation(), options));

        Assert.Equal(valid ? DropReason.None : DropReason.NdpOption, outcome.Reason);
        if (valid)
        {
            Assert.Equal("5254000000aa", Convert.ToHexStringLower(reply, 0, 6));
        }
    }

    [Fact]
    public void Solicitation_WithPaddingBehindThePacket_IsAnswered() => Assert.True(Respond([.. Solicitation(), 1, 2, 3]).Answered);

    [Fact]
    public void Solicitation_WithReservedBitsAndATrafficClass_IsAnswered() =>
        Assert.True(Respond(With(With(Solicitation(), Flags, "ffffffff"), 14, "6fffffff")).Answered);

    [Fact]
    public void Deputy_AnswersWithTheOwnersMac_UnderItsOwnEthernetSource()
    {
        var table = AnswerTable.Create([new(Vip, Other)]);

        Assert.True(NdpResponder.Respond(Solicitation(), table, Link, reply).Answered);

        Assert.Equal(Link, MacAddress.Read(reply.AsSpan(6)));
        Assert.Equal(Other, MacAddress.Read(reply.AsSpan(Option + 2)));
    }

    [Fact]
    public void Deputy_DoesNotTellTheOwnerAboutItself()
    {
        var table = AnswerTable.Create([new(Vip, Asker)]);

        Assert.Equal(DropReason.AskedByOwner, NdpResponder.Respond(Solicitation(), table, Link, reply).Reason);
        Assert.Equal(DropReason.AskedByOwner, NdpResponder.Respond(Detection(), table, Link, reply).Reason);
        Assert.Equal(DropReason.AskedByOwner, NdpResponder.Respond(Probe(), table, Link, reply).Reason);
    }

    [Theory]
    [InlineData(0, "3333ff010101", DropReason.EthernetDestination)]
    [InlineData(0, "333300000001", DropReason.EthernetDestination)]
    [InlineData(0, "ffffffffffff", DropReason.EthernetDestination)]
    [InlineData(0, "5254000000bb", DropReason.EthernetDestination)]
    [InlineData(6, "000000000000", DropReason.SenderMac)]
    [InlineData(6, "3333ff010100", DropReason.SenderMac)]
    [InlineData(6, "525400000001", DropReason.FromOurselves)]
    [InlineData(12, "8100", DropReason.VlanTagged)]
    [InlineData(12, "88a8", DropReason.VlanTagged)]
    [InlineData(12, "0806", DropReason.EtherType)]
    [InlineData(12, "0800", DropReason.EtherType)]
    [InlineData(14, "40", DropReason.Ipv6Version)]
    [InlineData(14, "70", DropReason.Ipv6Version)]
    [InlineData(PayloadLength, "0021", DropReason.Ipv6Truncated)]
    [InlineData(PayloadLength, "ffff", DropReason.Ipv6Truncated)]
    [InlineData(PayloadLength, "0000", DropReason.NdpTruncated)]
    [InlineData(PayloadLength, "0017", DropReason.NdpTruncated)]
    [InlineData(PayloadLength, "0019", DropReason.NdpOption)]
    [InlineData(PayloadLength, "001f", DropReason.NdpOption)]
    [InlineData(NextHeader, "00", DropReason.Ipv6NextHeader)]
    [InlineData(NextHeader, "2c", DropReason.Ipv6NextHeader)]
    [InlineData(NextHeader, "11", DropReason.Ipv6NextHeader)]
    [InlineData(HopLimit, "fe", DropReason.NdpHopLimit)]
    [InlineData(HopLimit, "00", DropReason.NdpHopLimit)]
    [InlineData(MessageType, "80", DropReason.NdpType)]
    [InlineData(MessageType, "85", DropReason.NdpType)]
    [InlineData(MessageType, "89", DropReason.NdpType)]
    [InlineData(Code, "01", DropReason.NdpCode)]
    [InlineData(Source, "ff020000000000000000000000000001", DropReason.NdpSource)]
    [InlineData(Source, "00000000000000000000000000000001", DropReason.NdpSource)]
    [InlineData(Source, "00000000000000000000000000000000", DropReason.NdpSource)]
    [InlineData(Source, "fd000096000000000000000000010100", DropReason.Gratuitous)]
    [InlineData(Destination, "ff0200000000000000000001ff010101", DropReason.EthernetDestination)]
    [InlineData(Target, "ff020000000000000000000000000001", DropReason.NdpTarget)]
    [InlineData(Target, "00000000000000000000000000000000", DropReason.NdpTarget)]
    [InlineData(Target, "00000000000000000000000000000001", DropReason.NdpTarget)]
    [InlineData(Target, "fd000096000000000000000002010100", DropReason.TargetNotOurs)]
    [InlineData(Target, "fd000096000000000000000000010101", DropReason.NdpDestination)]
    [InlineData(Option, "0100", DropReason.NdpOption)]
    [InlineData(Option, "0102", DropReason.NdpOption)]
    [InlineData(Option, "0e00", DropReason.NdpOption)]
    [InlineData(Option, "01010180c2000000", DropReason.SenderMac)]
    [InlineData(Option, "0101000000000000", DropReason.SenderMac)]
    [InlineData(Option, "0101525400000001", DropReason.FromOurselves)]
    public void Solicitation_WithOneFieldWrong_GetsNoAnswerAndIsCountedUnderThatReason(int offset, string hex, DropReason expected) =>
        AssertDropped(expected, With(Solicitation(), offset, hex));

    [Theory]
    [InlineData(Destination, "fd000096000000000000000000010100", 0, "525400000001")]
    [InlineData(Destination, "ff020000000000000000000000000001", 0, "333300000001")]
    public void DuplicateAddressDetection_NotSentToTheGroup_IsInvalid(int offset, string hex, int second, string other) =>
        AssertDropped(DropReason.NdpSource, With(With(Detection(), offset, hex), second, other));

    [Fact]
    public void Solicitation_WithAWrongChecksum_GetsNoAnswer()
    {
        var frame = Solicitation();
        frame[Checksum] ^= 1;

        AssertDropped(DropReason.NdpChecksum, frame);
    }

    [Fact]
    public void Advertisement_OfSomebodyElse_IsNotAnsweredAndIsAnObservation()
    {
        var outcome = Respond(Advertisement());

        Assert.Equal(DropReason.NdpAdvertisement, outcome.Reason);
        Assert.True(outcome.IsObservation);
        Assert.Equal((Asker, Vip.Value, NdpBits.Override), (outcome.Packet.LinkLayerAddress, outcome.Packet.Target, outcome.Packet.Flags));
    }

    [Fact]
    public void Advertisement_ToAGroupWithTheSolicitedFlag_IsInvalid() =>
        AssertDropped(DropReason.NdpSolicitedFlag, With(Advertisement(), Flags, "60"));

    [Fact]
    public void EveryFrame_CutAtEveryLength_GetsNoAnswer()
    {
        foreach (var frame in (byte[][])[Solicitation(), Probe(), Detection()])
        {
            for (var length = 0; length < frame.Length; length++)
            {
                AssertDropped(length < 14 ? DropReason.EthernetTruncated : DropReason.Ipv6Truncated, frame[..length]);
            }
        }
    }

    // The payload length follows the cut, and the checksum too: what is missing shows in the message alone.
    [Fact]
    public void Message_CutAtEveryLength_IsAnsweredOnlyWhole()
    {
        for (var length = 54; length < Solicitation().Length; length++)
        {
            var cut = Solicitation()[..length];
            cut[PayloadLength + 1] = (byte)(length - 54);
            var expected = length == Option ? DropReason.None : length < Option ? DropReason.NdpTruncated : DropReason.NdpOption;

            Assert.Equal(expected, Respond(Seal(cut)).Reason);
        }
    }

    [Fact]
    public void EmptyTable_AnswersNothing() =>
        Assert.Equal(DropReason.TargetNotOurs, NdpResponder.Respond(Solicitation(), AnswerTable.Empty, Link, reply).Reason);

    [Fact]
    public void ArpFrame_IsForTheOtherResponder() => AssertDropped(DropReason.EtherType, ArpFrames.Request());

    [Fact]
    public void Ask_IsWhatTheResponderAnswers()
    {
        var frame = new byte[Core.Packets.NdpPacket.FrameLength];

        Assert.Equal(86, Core.Packets.NdpPacket.Ask(Asker, IpAddress.Parse("fd00:96::7").Value, Vip.Value).WriteFrame(frame));
        Assert.Equal(Solicitation(), frame);
        Assert.Equal(78, Core.Packets.NdpPacket.Ask(Asker, 0, Vip.Value).WriteFrame(frame));
        Assert.Equal(Detection(), frame[..78]);
    }

    [Fact]
    public void Announcement_IsAnUnsolicitedAdvertisementToAllNodes()
    {
        var frame = new byte[100];

        Assert.Equal(86, Announcement.Write(Vip.Value, Asker, Asker, frame));
        Assert.Equal(Advertisement(), frame[..86]);
    }

    [Fact]
    public void Announcement_OfAnotherNodesMac_LeavesUnderOurOwnEthernetSource()
    {
        Announcement.Write(Vip.Value, Other, Link, reply);

        Assert.Equal(Link, MacAddress.Read(reply.AsSpan(6)));
        Assert.Equal(Other, MacAddress.Read(reply.AsSpan(Option + 2)));
    }

    private NdpOutcome Respond(byte[] frame)
    {
        Array.Clear(reply);
        return NdpResponder.Respond(frame, TableOfVip, Link, reply);
    }

    private void AssertDropped(DropReason expected, byte[] frame)
    {
        var outcome = Respond(frame);

        Assert.Equal(expected, outcome.Reason);
        Assert.False(outcome.Answered);
        Assert.All(reply, octet => Assert.Equal(0, octet));
    }
}
