using System.Net;
using System.Net.NetworkInformation;
using CsCheck;
using LoadBalancer.Core.Addressing;
using LoadBalancer.Core.Packets;
using PacketDotNet;
using static LoadBalancer.Core.Tests.Packets.ArpFrames;
using ArpPacket = LoadBalancer.Core.Packets.ArpPacket;

namespace LoadBalancer.Core.Tests.Packets;

public sealed class ArpResponderTests
{
    private readonly byte[] reply = new byte[EthernetFrame.MinimumLength];

    [Fact]
    public void Request_ForAVip_IsAnsweredToTheAsker()
    {
        var outcome = ArpResponder.Respond(Request(), TableOfVip, Link, reply);

        Assert.Equal(DropReason.None, outcome.Reason);
        Assert.True(outcome.Answered);
        Assert.Equal(
            "5254000000aa" + "525400000001" + "0806" + "0001080006040002"
            + "525400000001" + "c0a86064" + "5254000000aa" + "c0a86007" + new string('0', 36),
            Convert.ToHexStringLower(reply));
    }

    [Fact]
    public void Answer_ReadByAnIndependentParser_SaysTheSame()
    {
        ArpResponder.Respond(Request(), TableOfVip, Link, reply);

        var ethernet = (EthernetPacket)Packet.ParsePacket(LinkLayers.Ethernet, reply);
        var arp = ethernet.Extract<PacketDotNet.ArpPacket>();
        Assert.Equal(Physical(Asker), ethernet.DestinationHardwareAddress);
        Assert.Equal(Physical(Link), ethernet.SourceHardwareAddress);
        Assert.Equal(ArpOperation.Response, arp.Operation);
        Assert.Equal(Physical(Link), arp.SenderHardwareAddress);
        Assert.Equal(IPAddress.Parse("192.168.96.100"), arp.SenderProtocolAddress);
        Assert.Equal(Physical(Asker), arp.TargetHardwareAddress);
        Assert.Equal(IPAddress.Parse("192.168.96.7"), arp.TargetProtocolAddress);
    }

    [Fact]
    public void Request_SentToTheLinksOwnAddress_IsAnswered() =>
        Assert.True(Respond(RequestWith(0, "525400000001")).Answered);

    [Fact]
    public void Probe_WithoutSenderAddress_IsAnswered_SoThatTheProberKnowsTheAddressIsTaken()
    {
        var outcome = Respond(RequestWith(28, "00000000"));

        Assert.True(outcome.Answered);
        Assert.Equal(0u, outcome.Packet.SenderIp);
        Assert.Equal("00000000", Convert.ToHexStringLower(reply.AsSpan(38, 4)));
    }

    [Fact]
    public void Request_WithoutPadding_IsAnswered() => Assert.True(Respond(Request()[..42]).Answered);

    [Fact]
    public void Request_WithGarbageInItsTargetHardwareAddress_IsAnswered() =>
        Assert.True(Respond(RequestWith(32, "ffffffffffff")).Answered);

    [Fact]
    public void Request_WhoseEthernetSourceWasRewrittenOnTheWay_IsAnsweredToTheAskerNamedInArp()
    {
        Assert.True(Respond(RequestWith(6, "5254000000bb")).Answered);

        Assert.Equal("5254000000aa", Convert.ToHexStringLower(reply.AsSpan(0, 6)));
    }

    [Fact]
    public void Deputy_AnswersWithTheOwnersMac_UnderItsOwnEthernetSource()
    {
        var table = AnswerTable.Create([new(Vip, Other)]);

        Assert.True(ArpResponder.Respond(Request(), table, Link, reply).Answered);

        Assert.Equal(Link, MacAddress.Read(reply.AsSpan(6)));
        Assert.Equal(Other, MacAddress.Read(reply.AsSpan(22)));
    }

    [Fact]
    public void Deputy_DoesNotTellTheOwnerAboutItself()
    {
        var table = AnswerTable.Create([new(Vip, Asker)]);

        Assert.Equal(DropReason.AskedByOwner, ArpResponder.Respond(Request(), table, Link, reply).Reason);
    }

    [Theory]
    [InlineData(0, "5254000000bb", DropReason.EthernetDestination)]
    [InlineData(0, "01005e000001", DropReason.EthernetDestination)]
    [InlineData(0, "000000000000", DropReason.EthernetDestination)]
    [InlineData(6, "000000000000", DropReason.SenderMac)]
    [InlineData(6, "0180c2000000", DropReason.SenderMac)]
    [InlineData(6, "525400000001", DropReason.FromOurselves)]
    [InlineData(12, "8100", DropReason.VlanTagged)]
    [InlineData(12, "88a8", DropReason.VlanTagged)]
    [InlineData(12, "86dd", DropReason.EtherType)]
    [InlineData(12, "0800", DropReason.EtherType)]
    [InlineData(12, "0000", DropReason.EtherType)]
    [InlineData(14, "0006", DropReason.ArpHardwareType)]
    [InlineData(14, "0101", DropReason.ArpHardwareType)]
    [InlineData(16, "0801", DropReason.ArpProtocolType)]
    [InlineData(16, "86dd", DropReason.ArpProtocolType)]
    [InlineData(18, "08", DropReason.ArpHardwareLength)]
    [InlineData(18, "00", DropReason.ArpHardwareLength)]
    [InlineData(19, "10", DropReason.ArpProtocolLength)]
    [InlineData(19, "00", DropReason.ArpProtocolLength)]
    [InlineData(20, "0002", DropReason.ArpReply)]
    [InlineData(20, "0000", DropReason.ArpOperation)]
    [InlineData(20, "0003", DropReason.ArpOperation)]
    [InlineData(20, "0101", DropReason.ArpOperation)]
    [InlineData(22, "000000000000", DropReason.SenderMac)]
    [InlineData(22, "ffffffffffff", DropReason.SenderMac)]
    [InlineData(22, "525400000001", DropReason.FromOurselves)]
    [InlineData(28, "c0a86064", DropReason.Gratuitous)]
    [InlineData(38, "c0a86065", DropReason.TargetNotOurs)]
    [InlineData(38, "00000000", DropReason.TargetNotOurs)]
    [InlineData(38, "ffffffff", DropReason.TargetNotOurs)]
    public void Request_WithOneFieldWrong_GetsNoAnswerAndIsCountedUnderThatReason(int offset, string hex, DropReason expected) =>
        AssertDropped(expected, RequestWith(offset, hex));

    [Fact]
    public void Request_CutAtEveryLength_GetsNoAnswer()
    {
        var frame = Request();
        for (var length = 0; length < ArpPacket.FrameLength; length++)
        {
            AssertDropped(length < 14 ? DropReason.EthernetTruncated : DropReason.ArpTruncated, frame[..length]);
        }
    }

    [Fact]
    public void EmptyTable_AnswersNothing() =>
        Assert.Equal(DropReason.TargetNotOurs, ArpResponder.Respond(Request(), AnswerTable.Empty, Link, reply).Reason);

    [Theory]
    [InlineData(20, "0001", true)]
    [InlineData(20, "0002", true)]
    [InlineData(28, "c0a86064", true)]
    [InlineData(0, "5254000000bb", true)]
    [InlineData(38, "c0a86065", true)]
    [InlineData(22, "525400000001", false)]
    [InlineData(22, "ffffffffffff", false)]
    [InlineData(14, "0006", false)]
    [InlineData(12, "0800", false)]
    public void WellFormedPacketOfSomebodyElse_IsAnObservation(int offset, string hex, bool expected)
    {
        var outcome = Respond(RequestWith(offset, hex));

        Assert.Equal(expected, outcome.IsObservation);
        if (expected)
        {
            Assert.Equal(Asker, outcome.Packet.SenderMac);
        }
    }

    // Mutations of a good request, of any length, against the rules written down once more on plain octets.
    [Fact]
    public void AnyFrame_IsAnsweredExactlyIfTheRulesSaySo_AndNeverThrows()
    {
        byte[] telling = [0, 1, 2, 4, 6, 8, 0x54, 0x60, 0x64, 0xFF];
        var mutation = Gen.Select(Gen.Int[0, 59], Gen.OneOf(Gen.Byte, Gen.Int[0, telling.Length - 1].Select(i => telling[i])));
        Gen.Select(mutation.Array[0, 5], Gen.Frequency((3, Gen.Const(60)), (1, Gen.Int[0, 60]))).Sample(
            (mutations, length) =>
            {
                var frame = Request();
                foreach (var (offset, value) in mutations)
                {
                    frame[offset] = value;
                }

                // Samples run in parallel.
                frame = frame[..length];
                var reply = new byte[EthernetFrame.MinimumLength];
                var outcome = ArpResponder.Respond(frame, TableOfVip, Link, reply);
                return outcome.Answered == ShouldAnswer(frame)
                    && outcome.Answered == (outcome.Reason == DropReason.None)
                    && outcome.Answered == (reply[12] != 0)
                    && (!outcome.Answered || reply.AsSpan(0, 6).SequenceEqual(frame.AsSpan(22, 6)));
            },
            iter: 200_000);
    }

    [Fact]
    public void AnyOctets_NeverThrow() =>
        Gen.Byte.Array[0, 128].Sample(
            frame => ArpResponder.Respond(frame, TableOfVip, Link, new byte[EthernetFrame.MinimumLength]).Reason != DropReason.NotSent,
            iter: 50_000);

    private static bool ShouldAnswer(byte[] f)
    {
        string At(int offset, int count) => Convert.ToHexStringLower(f, offset, count);
        return f.Length >= 42
            && At(0, 6) is ("ffffffffffff" or "525400000001")
            && At(12, 10) == "08060001080006040001"
            && (f[6] & 1) == 0 && At(6, 6) is not ("000000000000" or "525400000001")
            && (f[22] & 1) == 0 && At(22, 6) is not ("000000000000" or "525400000001")
            && At(28, 4) != At(38, 4)
            && At(38, 4) == "c0a86064";
    }

    private static PhysicalAddress Physical(MacAddress mac)
    {
        var octets = new byte[MacAddress.Size];
        mac.Write(octets);
        return new PhysicalAddress(octets);
    }

    private ArpOutcome Respond(byte[] frame)
    {
        Array.Clear(reply);
        return ArpResponder.Respond(frame, TableOfVip, Link, reply);
    }

    private void AssertDropped(DropReason expected, byte[] frame)
    {
        var outcome = Respond(frame);

        Assert.Equal(expected, outcome.Reason);
        Assert.False(outcome.Answered);
        Assert.All(reply, octet => Assert.Equal(0, octet));
    }
}
