using System.Buffers.Binary;
using LoadBalancer.Core.Addressing;

namespace LoadBalancer.Core.Packets;

/// <summary>The flags of a neighbour advertisement (RFC 4861 §4.4); a solicitation has none.</summary>
[Flags]
public enum NdpBits : byte
{
    /// <summary>None.</summary>
    None = 0,

    /// <summary>O: what is cached is to be replaced.</summary>
    Override = 0x20,

    /// <summary>S: the answer to a solicitation, which confirms that the neighbour is reachable.</summary>
    Solicited = 0x40,

    /// <summary>R: the sender is a router.</summary>
    Router = 0x80,
}

/// <summary>
/// A neighbour solicitation or advertisement (RFC 4861 §4.3, §4.4) with the IPv6 and Ethernet addresses it came under.
/// </summary>
/// <param name="Type">135 solicitation, 136 advertisement; 0 in the default value: nothing was read.</param>
/// <param name="EthernetDestination">Where the frame was sent.</param>
/// <param name="EthernetSource">Who sent the frame.</param>
/// <param name="Source">The IPv6 source; zero, <c>::</c>, in duplicate address detection (RFC 4862 §5.4.2).</param>
/// <param name="Destination">The IPv6 destination.</param>
/// <param name="Flags">The flags of an advertisement.</param>
/// <param name="Target">The address asked for or advertised.</param>
/// <param name="LinkLayerAddress">
/// The source link-layer address of a solicitation or the target link-layer address of an advertisement; zero without that option.
/// </param>
public readonly record struct NdpPacket(
    byte Type,
    MacAddress EthernetDestination,
    MacAddress EthernetSource,
    UInt128 Source,
    UInt128 Destination,
    NdpBits Flags,
    UInt128 Target,
    MacAddress LinkLayerAddress)
{
    /// <summary>The ICMPv6 type of a solicitation.</summary>
    public const byte Solicitation = 135;

    /// <summary>The ICMPv6 type of an advertisement.</summary>
    public const byte Advertisement = 136;

    /// <summary>Octets of the frame <see cref="WriteFrame"/> makes of a packet with a link-layer address.</summary>
    public const int FrameLength = OptionsOffset + OptionLength;

    internal const int MessageOffset = EthernetFrame.HeaderLength + 40;

    private const int MinimumMessage = 24;
    private const int PayloadLengthOffset = 18;
    private const int NextHeaderOffset = 20;
    private const int HopLimitOffset = 21;
    private const int SourceOffset = 22;
    private const int DestinationOffset = 38;
    private const int CodeOffset = MessageOffset + 1;
    private const int ChecksumOffset = MessageOffset + 2;
    private const int FlagsOffset = MessageOffset + 4;
    private const int TargetOffset = MessageOffset + 8;
    private const int OptionsOffset = MessageOffset + MinimumMessage;
    private const int OptionLength = 8;
    private const byte SourceLinkLayerOption = 1;
    private const byte TargetLinkLayerOption = 2;

    // A router would have counted it down: 255 proves that the sender is on the link (RFC 4861 §11.2).
    private const byte HopLimit = 255;

    /// <summary>Who asks or advertises: the link-layer address in the packet, or without one the Ethernet source.</summary>
    public MacAddress SenderMac => LinkLayerAddress.Value != 0 ? LinkLayerAddress : EthernetSource;

    /// <summary>Whether a host asks if its own new address is taken: a solicitation from <c>::</c> (RFC 4862 §5.4.2).</summary>
    public bool IsDuplicateAddressDetection => Type == Solicitation && Source == 0;

    /// <summary>A solicitation to the target's solicited-node group.</summary>
    /// <param name="mac">The sender's hardware address.</param>
    /// <param name="source">The sender's address; zero asks as duplicate address detection does, without a link-layer option.</param>
    /// <param name="target">The address looked for.</param>
    public static NdpPacket Ask(MacAddress mac, UInt128 source, UInt128 target)
    {
        var group = Ipv6Multicast.SolicitedNode(target);
        return new(Solicitation, Ipv6Multicast.MacOf(group), mac, source, group, NdpBits.None, target, source == 0 ? default : mac);
    }

    /// <summary>
    /// Reads a frame from its Ethernet destination on, by the rules of RFC 4861 §7.1.1 and §7.1.2. Octets after the IPv6 packet are
    /// padding. Messages behind extension headers are not read: neighbour discovery needs none, and fragments of it are to be
    /// dropped (RFC 6980 §5).
    /// </summary>
    /// <returns><see cref="DropReason.None"/>, or why the frame is no valid solicitation or advertisement.</returns>
    public static DropReason Read(ReadOnlySpan<byte> frame, out NdpPacket packet)
    {
        packet = default;
        var reason = FindMessage(frame, out var message);
        if (reason != DropReason.None || (reason = CheckMessage(frame, message)) != DropReason.None)
        {
            return reason;
        }

        var type = message[0];
        var wanted = type == Solicitation ? SourceLinkLayerOption : TargetLinkLayerOption;
        if (!TryReadOptions(message[MinimumMessage..], wanted, out var linkLayer))
        {
            return DropReason.NdpOption;
        }

        var read = new NdpPacket(
            type,
            EthernetFrame.Destination(frame),
            EthernetFrame.Source(frame),
            BinaryPrimitives.ReadUInt128BigEndian(frame[SourceOffset..]),
            BinaryPrimitives.ReadUInt128BigEndian(frame[DestinationOffset..]),
            type == Advertisement ? (NdpBits)(frame[FlagsOffset] & 0xE0) : NdpBits.None,
            BinaryPrimitives.ReadUInt128BigEndian(frame[TargetOffset..]),
            linkLayer ?? default);
        reason = CheckAddresses(read, linkLayer is not null);
        if (reason == DropReason.None)
        {
            packet = read;
        }

        return reason;
    }

    /// <summary>Writes the frame; the link-layer option is left out if the address is zero.</summary>
    /// <returns>The number of octets written: 78 or <see cref="FrameLength"/>.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The destination is shorter than that.</exception>
    public int WriteFrame(Span<byte> frame)
    {
        frame = frame[..(LinkLayerAddress.Value == 0 ? OptionsOffset : FrameLength)];

        // A 48-bit address is written as the upper part of 64 bits; the two octets too many are overwritten by what follows.
        BinaryPrimitives.WriteUInt64BigEndian(frame, EthernetDestination.Value << 16);
        BinaryPrimitives.WriteUInt64BigEndian(frame[MacAddress.Size..], (EthernetSource.Value << 16) | EthernetFrame.EtherTypeIPv6);
        BinaryPrimitives.WriteUInt32BigEndian(frame[EthernetFrame.HeaderLength..], 0x6000_0000);
        BinaryPrimitives.WriteUInt16BigEndian(frame[PayloadLengthOffset..], (ushort)(frame.Length - MessageOffset));
        frame[NextHeaderOffset] = Icmpv6Checksum.NextHeader;
        frame[HopLimitOffset] = HopLimit;
        BinaryPrimitives.WriteUInt128BigEndian(frame[SourceOffset..], Source);
        BinaryPrimitives.WriteUInt128BigEndian(frame[DestinationOffset..], Destination);
        BinaryPrimitives.WriteUInt32BigEndian(frame[MessageOffset..], (uint)Type << 24);
        BinaryPrimitives.WriteUInt32BigEndian(frame[FlagsOffset..], (uint)Flags << 24);
        BinaryPrimitives.WriteUInt128BigEndian(frame[TargetOffset..], Target);
        if (frame.Length > OptionsOffset)
        {
            var option = Type == Solicitation ? SourceLinkLayerOption : TargetLinkLayerOption;
            BinaryPrimitives.WriteUInt64BigEndian(frame[OptionsOffset..], ((ulong)option << 56) | (1UL << 48) | LinkLayerAddress.Value);
        }

        var checksum = Icmpv6Checksum.Compute(frame[SourceOffset..MessageOffset], frame[MessageOffset..]);
        BinaryPrimitives.WriteUInt16BigEndian(frame[ChecksumOffset..], checksum);
        return frame.Length;
    }

    private static DropReason FindMessage(ReadOnlySpan<byte> frame, out ReadOnlySpan<byte> message)
    {
        message = default;
        if (frame.Length < EthernetFrame.HeaderLength || EthernetFrame.EtherType(frame) != EthernetFrame.EtherTypeIPv6)
        {
            return EthernetFrame.WhyForeign(frame);
        }

        if (frame.Length < MessageOffset)
        {
            return DropReason.Ipv6Truncated;
        }

        if (frame[EthernetFrame.HeaderLength] >> 4 != 6)
        {
            return DropReason.Ipv6Version;
        }

        var length = BinaryPrimitives.ReadUInt16BigEndian(frame[PayloadLengthOffset..]);
        if (length > frame.Length - MessageOffset)
        {
            return DropReason.Ipv6Truncated;
        }

        if (frame[NextHeaderOffset] != Icmpv6Checksum.NextHeader)
        {
            return DropReason.Ipv6NextHeader;
        }

        message = frame.Slice(MessageOffset, length);
        return length < MinimumMessage ? DropReason.NdpTruncated : DropReason.None;
    }

    private static DropReason CheckMessage(ReadOnlySpan<byte> frame, ReadOnlySpan<byte> message) =>
        frame[MessageOffset] is not (Solicitation or Advertisement) ? DropReason.NdpType
        : frame[CodeOffset] != 0 ? DropReason.NdpCode
        : frame[HopLimitOffset] != HopLimit ? DropReason.NdpHopLimit
        : Icmpv6Checksum.Compute(frame[SourceOffset..MessageOffset], message) != 0 ? DropReason.NdpChecksum
        : DropReason.None;

    private static DropReason CheckAddresses(in NdpPacket packet, bool hasLinkLayer)
    {
        if (!IsHost(packet.Target))
        {
            return DropReason.NdpTarget;
        }

        if (packet.IsDuplicateAddressDetection)
        {
            return Ipv6Multicast.IsSolicitedNode(packet.Destination) && !hasLinkLayer ? DropReason.None : DropReason.NdpSource;
        }

        if (!IsHost(packet.Source))
        {
            return DropReason.NdpSource;
        }

        return (packet.Flags & NdpBits.Solicited) != 0 && Ipv6Multicast.IsGroup(packet.Destination)
            ? DropReason.NdpSolicitedFlag
            : hasLinkLayer && packet.LinkLayerAddress.Value == 0 ? DropReason.SenderMac : DropReason.None;
    }

    // Neither unspecified, nor loopback, nor a group.
    private static bool IsHost(UInt128 address) => address > 1 && !Ipv6Multicast.IsGroup(address);

    // False for an option without length or past the end (RFC 4861 §7.1.1), and for a link-layer address of another length than
    // Ethernet's (RFC 2464 §6). Of several, the first counts; other options are skipped.
    private static bool TryReadOptions(ReadOnlySpan<byte> options, byte wanted, out MacAddress? linkLayer)
    {
        linkLayer = null;
        while (!options.IsEmpty)
        {
            var length = options.Length < 2 ? 0 : options[1] * OptionLength;
            if (length == 0 || length > options.Length || (options[0] == wanted && length != OptionLength))
            {
                return false;
            }

            if (options[0] == wanted)
            {
                linkLayer ??= new MacAddress(BinaryPrimitives.ReadUInt64BigEndian(options) & 0xFFFF_FFFF_FFFF);
            }

            options = options[length..];
        }

        return true;
    }
}
