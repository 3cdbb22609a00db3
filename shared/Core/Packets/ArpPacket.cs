using System.Buffers.Binary;
using LoadBalancer.Core.Addressing;

namespace LoadBalancer.Core.Packets;

/// <summary>An ARP packet for IPv4 over Ethernet (RFC 826) with the Ethernet addresses it came under.</summary>
/// <param name="Operation">1 request, 2 reply; others exist. 0 in the default value: nothing was read.</param>
/// <param name="EthernetDestination">Where the frame was sent.</param>
/// <param name="EthernetSource">Who sent the frame.</param>
/// <param name="SenderMac">The sender hardware address: the statement of the packet is that <paramref name="SenderIp"/> is here.</param>
/// <param name="SenderIp">The sender protocol address, host order; 0 in an ARP probe (RFC 5227 §1.1).</param>
/// <param name="TargetMac">The target hardware address; without meaning in a request.</param>
/// <param name="TargetIp">The target protocol address, host order.</param>
public readonly record struct ArpPacket(
    ushort Operation,
    MacAddress EthernetDestination,
    MacAddress EthernetSource,
    MacAddress SenderMac,
    uint SenderIp,
    MacAddress TargetMac,
    uint TargetIp)
{
    /// <summary>The operation code of a request.</summary>
    public const ushort Request = 1;

    /// <summary>The operation code of a reply.</summary>
    public const ushort Reply = 2;

    /// <summary>Octets of an ARP packet within its Ethernet frame, header included, padding not.</summary>
    public const int FrameLength = EthernetFrame.HeaderLength + 28;

    // Hardware type Ethernet, protocol type IPv4, address lengths 6 and 4: one comparison takes the place of four.
    private const ulong FixedHeader = 0x0001_0800_0604_0000;
    private const ulong FixedHeaderMask = 0xFFFF_FFFF_FFFF_0000;
    private const int HeaderOffset = 14;
    private const int SenderMacOffset = 22;
    private const int SenderIpOffset = 28;
    private const int TargetMacOffset = 32;
    private const int TargetIpOffset = 38;

    /// <summary>Whether sender and target address are the same: an announcement, in request or reply form (RFC 5227 §3).</summary>
    public bool IsGratuitous => SenderIp == TargetIp;

    /// <summary>Reads a frame from its Ethernet destination on. Octets after the packet are padding.</summary>
    /// <returns><see cref="DropReason.None"/>, or why the frame is no ARP packet for IPv4 over Ethernet.</returns>
    public static DropReason Read(ReadOnlySpan<byte> frame, out ArpPacket packet)
    {
        packet = default;
        if (frame.Length < FrameLength || EthernetFrame.EtherType(frame) != EthernetFrame.EtherTypeArp)
        {
            return WhyNotArp(frame);
        }

        var header = BinaryPrimitives.ReadUInt64BigEndian(frame[HeaderOffset..]);
        if ((header & FixedHeaderMask) != FixedHeader)
        {
            return WhyNotIPv4OverEthernet(header);
        }

        packet = new ArpPacket(
            (ushort)header,
            EthernetFrame.Destination(frame),
            EthernetFrame.Source(frame),
            new MacAddress(BinaryPrimitives.ReadUInt64BigEndian(frame[SenderMacOffset..]) >> 16),
            BinaryPrimitives.ReadUInt32BigEndian(frame[SenderIpOffset..]),
            new MacAddress(BinaryPrimitives.ReadUInt64BigEndian(frame[TargetMacOffset..]) >> 16),
            BinaryPrimitives.ReadUInt32BigEndian(frame[TargetIpOffset..]));
        return DropReason.None;
    }

    /// <summary>Writes the frame, padded with zeros to <see cref="EthernetFrame.MinimumLength"/>.</summary>
    /// <returns>The number of octets written: 60.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The destination is shorter than that.</exception>
    public int WriteFrame(Span<byte> frame)
    {
        frame = frame[..EthernetFrame.MinimumLength];
        frame[FrameLength..].Clear();

        // A 48-bit address is written as the upper part of 64 bits; the two octets too many are overwritten by what follows.
        BinaryPrimitives.WriteUInt64BigEndian(frame, EthernetDestination.Value << 16);
        BinaryPrimitives.WriteUInt64BigEndian(frame[MacAddress.Size..], (EthernetSource.Value << 16) | EthernetFrame.EtherTypeArp);
        BinaryPrimitives.WriteUInt64BigEndian(frame[HeaderOffset..], FixedHeader | Operation);
        BinaryPrimitives.WriteUInt64BigEndian(frame[SenderMacOffset..], SenderMac.Value << 16);
        BinaryPrimitives.WriteUInt32BigEndian(frame[SenderIpOffset..], SenderIp);
        BinaryPrimitives.WriteUInt64BigEndian(frame[TargetMacOffset..], TargetMac.Value << 16);
        BinaryPrimitives.WriteUInt32BigEndian(frame[TargetIpOffset..], TargetIp);
        return EthernetFrame.MinimumLength;
    }

    private static DropReason WhyNotArp(ReadOnlySpan<byte> frame) =>
        EthernetFrame.EtherType(frame) == EthernetFrame.EtherTypeArp ? DropReason.ArpTruncated : EthernetFrame.WhyForeign(frame);

    private static DropReason WhyNotIPv4OverEthernet(ulong header)
    {
        var differing = header ^ FixedHeader;
        return differing >> 48 != 0 ? DropReason.ArpHardwareType
            : (ushort)(differing >> 32) != 0 ? DropReason.ArpProtocolType
            : (byte)(differing >> 24) != 0 ? DropReason.ArpHardwareLength
            : DropReason.ArpProtocolLength;
    }
}
