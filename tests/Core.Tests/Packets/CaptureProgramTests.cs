using System.Buffers.Binary;
using CsCheck;
using LoadBalancer.Core.Addressing;
using LoadBalancer.Core.Packets;

namespace LoadBalancer.Core.Tests.Packets;

/// <summary>The classic filter, run as the kernel runs it: what concerns the node's addresses arrives, of the rest neither requests nor solicitations.</summary>
public sealed class CaptureProgramTests
{
    private const uint Broadcast = 1;
    private const uint Outgoing = 4;
    private static readonly MacAddress Asker = MacAddress.Parse("52:54:00:00:00:aa");
    private static readonly MacAddress Own = MacAddress.Parse("52:54:00:00:00:01");

    private static readonly IpRangeSet Addresses = IpRangeSet.Of(
        new IpRange(IpAddress.Parse("192.168.96.100"), IpAddress.Parse("192.168.96.150")), IpPrefix.Parse("10.0.0.0/30").Range,
        new IpRange(IpAddress.Parse("fd00:96::100"), IpAddress.Parse("fd00:96::1ff")), IpPrefix.Parse("fd00:97::/48").Range);

    private static readonly IReadOnlyList<FilterInstruction> Program = CaptureProgram.Of(Addresses)!;

    [Theory]
    [InlineData("192.168.96.7", "192.168.96.100", true)]
    [InlineData("192.168.96.7", "192.168.96.150", true)]
    [InlineData("192.168.96.7", "192.168.96.99", false)]
    [InlineData("192.168.96.7", "192.168.96.151", false)]
    [InlineData("192.168.96.120", "192.168.96.1", true)]
    [InlineData("10.0.0.3", "10.0.0.4", true)]
    [InlineData("10.0.0.4", "10.0.0.5", false)]
    [InlineData("0.0.0.0", "192.168.96.8", false)]
    [InlineData("0.0.0.0", "192.168.96.101", true)]
    [InlineData("fd00:96::7", "fd00:96::1ff", true)]
    [InlineData("fd00:96::7", "fd00:96::200", false)]
    [InlineData("fd00:96::7", "fd00:96::ff", false)]
    [InlineData("fd00:96::180", "fd00:96::1", true)]
    [InlineData("fd00:97::1:2:3:4", "fd00:96::1", true)]
    [InlineData("fd00:97:1::1", "fd00:96::1", false)]
    [InlineData("::", "fd00:96::101", true)]
    [InlineData("::", "fd00:96::1", false)]
    public void Question_Arrives_IfItsSenderOrItsTargetConcernsThisNode(string sender, string target, bool arrives)
    {
        Assert.Equal(arrives, Passes(Program, Question(sender, target)));
        Assert.True(Passes(CaptureProgram.OfEverything, Question(sender, target)));
    }

    [Fact]
    public void Answers_AndWhatSpeakersSay_Arrive_WhomeverTheyAreAbout()
    {
        var reply = new byte[EthernetFrame.MinimumLength];
        new ArpPacket(ArpPacket.Reply, Own, Asker, Asker, IpAddress.Parse("192.168.96.1").AsUInt32, Own, IpAddress.Parse("192.168.96.11").AsUInt32).WriteFrame(reply);
        var advertisement = new byte[NdpPacket.FrameLength];
        Announcement.Write(IpAddress.Parse("fd00:96::1").Value, Asker, Asker, advertisement);
        var peers = new byte[200];
        (peers[12], peers[13]) = (0x88, 0xB5);
        foreach (var frame in (byte[][])[reply, advertisement, peers])
        {
            Assert.True(Passes(Program, frame));
            Assert.True(Passes(CaptureProgram.OfEverything, frame));
        }
    }

    [Fact]
    public void WhatThisHostSends_AndOtherProtocols_DoNotArrive()
    {
        var question = Question("192.168.96.7", "192.168.96.100");
        var ipv4 = new byte[60];
        (ipv4[12], ipv4[13]) = (0x08, 0x00);
        var echo = Question("fd00:96::7", "fd00:96::100");
        echo[54] = 128;
        var udp = Question("fd00:96::7", "fd00:96::100");
        udp[20] = 17;
        foreach (var program in (IReadOnlyList<FilterInstruction>[])[Program, CaptureProgram.OfEverything])
        {
            Assert.False(Passes(program, question, Outgoing));
            Assert.False(Passes(program, ipv4));
            Assert.False(Passes(program, echo));
            Assert.False(Passes(program, udp));
        }
    }

    [Fact]
    public void AnyQuestion_OfAnyRanges_ArrivesExactlyIfItConcernsThem()
    {
        var address = Gen.UInt[0xC0A8_6000, 0xC0A8_61FF].Select(static n => IpAddress.FromUInt32(n));
        var range = Gen.Select(address, address).Select(static ends => new IpRange(ends.Item1 < ends.Item2 ? ends.Item1 : ends.Item2, ends.Item1 < ends.Item2 ? ends.Item2 : ends.Item1));
        var address6 = Gen.UInt[0, 0x1FF].Select(static n => IpAddress.From(IpFamily.IPv6, IpAddress.Parse("fd00:96::").Value + ((UInt128)(n & 1) << 90) + (n >> 1)));
        var range6 = Gen.Select(address6, address6).Select(static ends => new IpRange(ends.Item1 < ends.Item2 ? ends.Item1 : ends.Item2, ends.Item1 < ends.Item2 ? ends.Item2 : ends.Item1));
        Gen.Select(range.Array[0, 6], range6.Array[0, 1], address, address, address6, address6).Sample(
            (ranges, ranges6, sender, target, sender6, target6) =>
            {
                var set = IpRangeSet.Of([.. ranges, .. ranges6]);
                if (CaptureProgram.Of(set) is not { } program)
                {
                    return;
                }

                Assert.Equal(set.Contains(sender) || set.Contains(target), Passes(program, Question(sender.ToString(), target.ToString())));
                Assert.Equal(set.Contains(sender6) || set.Contains(target6), Passes(program, Question(sender6.ToString(), target6.ToString())));
            },
            iter: 3_000);
    }

    [Fact]
    public void AddressesInTooManyPieces_HaveNoProgram()
    {
        var ranges = Enumerable.Range(0, 65).Select(static i => IpAddress.FromUInt32(0xC0A8_6000 + (2 * (uint)i))).Select(static one => new IpRange(one, one));
        Assert.Null(CaptureProgram.Of(IpRangeSet.Of(ranges)));
        Assert.NotNull(CaptureProgram.Of(IpRangeSet.Of(ranges.Take(64))));
        Assert.InRange(CaptureProgram.Of(IpRangeSet.Of(IpPrefix.Parse("fd00::/33").Range))!.Count, 1, 4096);
    }

    private static byte[] Question(string sender, string target)
    {
        if (IpAddress.Parse(target).Family == IpFamily.IPv6)
        {
            var solicitation = new byte[NdpPacket.FrameLength];
            return solicitation[..NdpPacket.Ask(Asker, IpAddress.Parse(sender).Value, IpAddress.Parse(target).Value).WriteFrame(solicitation)];
        }

        var frame = new byte[EthernetFrame.MinimumLength];
        new ArpPacket(ArpPacket.Request, MacAddress.Broadcast, Asker, Asker, IpAddress.Parse(sender).AsUInt32, default, IpAddress.Parse(target).AsUInt32).WriteFrame(frame);
        return frame;
    }

    // As Linux runs it (Documentation/networking/filter.rst): what is read beyond the frame ends it, and the frame is not handed over.
    private static bool Passes(IReadOnlyList<FilterInstruction> program, ReadOnlySpan<byte> frame, uint packetType = Broadcast)
    {
        uint accumulator = 0;
        for (var at = 0; ; at++)
        {
            var (code, ifTrue, ifFalse, operand) = program[at];
            var size = code switch { 0x20 => 4, 0x28 => 2, 0x30 => 1, _ => 0 };
            if (size > 0 && operand == 0xFFFF_F004)
            {
                accumulator = packetType;
            }
            else if (size > 0)
            {
                if (operand + size > frame.Length)
                {
                    return false;
                }

                var octets = frame.Slice((int)operand, size);
                accumulator = size == 4 ? BinaryPrimitives.ReadUInt32BigEndian(octets) : size == 2 ? BinaryPrimitives.ReadUInt16BigEndian(octets) : octets[0];
            }
            else
            {
                switch (code)
                {
                    case 0x54:
                        accumulator &= operand;
                        break;
                    case 0x15:
                        at += accumulator == operand ? ifTrue : ifFalse;
                        break;
                    case 0x25:
                        at += accumulator > operand ? ifTrue : ifFalse;
                        break;
                    case 0x35:
                        at += accumulator >= operand ? ifTrue : ifFalse;
                        break;
                    case 0x05:
                        at += (int)operand;
                        break;
                    case 0x06:
                        return operand != 0;
                    default:
                        throw new InvalidOperationException($"an instruction that is not used: {code:x}");
                }
            }
        }
    }
}
