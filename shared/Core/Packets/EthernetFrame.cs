using System.Buffers.Binary;
using LoadBalancer.Core.Addressing;

namespace LoadBalancer.Core.Packets;

/// <summary>Ethernet II framing (IEEE 802.3 §3.2.6): offsets, the EtherTypes this project speaks, and 802.1Q priority tags.</summary>
public static class EthernetFrame
{
    /// <summary>Octets of the header: destination, source, EtherType.</summary>
    public const int HeaderLength = 14;

    /// <summary>The shortest frame on the wire without its check sequence; shorter payloads are padded with zeros.</summary>
    public const int MinimumLength = 60;

    /// <summary>The longest frame without its check sequence, with a payload of 1500 octets and one VLAN tag.</summary>
    public const int MaximumLength = HeaderLength + 4 + 1500;

    /// <summary>ARP (RFC 826).</summary>
    public const ushort EtherTypeArp = 0x0806;

    /// <summary>IPv6 (RFC 2464 §3).</summary>
    public const ushort EtherTypeIPv6 = 0x86DD;

    /// <summary>The speakers' own frames: IEEE 802 Local Experimental EtherType 1, free for private use (RFC 9542 §3).</summary>
    public const ushort EtherTypePeer = 0x88B5;

    /// <summary>An 802.1Q customer tag.</summary>
    public const ushort EtherTypeVlan = 0x8100;

    /// <summary>An 802.1ad service tag.</summary>
    public const ushort EtherTypeServiceVlan = 0x88A8;

    private const int TypeOffset = 12;
    private const int TagLength = 4;
    private const int VlanIdMask = 0x0FFF;

    /// <summary>The EtherType, or 0 (no assigned type) if the frame is shorter than its header.</summary>
    public static ushort EtherType(ReadOnlySpan<byte> frame) =>
        frame.Length < HeaderLength ? (ushort)0 : BinaryPrimitives.ReadUInt16BigEndian(frame[TypeOffset..]);

    /// <summary>Why a frame of another EtherType than the one wanted is dropped.</summary>
    internal static DropReason WhyForeign(ReadOnlySpan<byte> frame) =>
        frame.Length < HeaderLength ? DropReason.EthernetTruncated
        : EtherType(frame) is EtherTypeVlan or EtherTypeServiceVlan ? DropReason.VlanTagged
        : DropReason.EtherType;

    /// <summary>The destination of a frame that has a whole header.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The frame is shorter than 8 octets.</exception>
    public static MacAddress Destination(ReadOnlySpan<byte> frame) => new(BinaryPrimitives.ReadUInt64BigEndian(frame) >> 16);

    /// <summary>The source of a frame that has a whole header.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The frame is shorter than 14 octets.</exception>
    public static MacAddress Source(ReadOnlySpan<byte> frame) => new(BinaryPrimitives.ReadUInt64BigEndian(frame[MacAddress.Size..]) >> 16);

    /// <summary>
    /// The frame without its 802.1Q tag if that tag carries a priority and no VLAN (VLAN id 0), else the frame as it is. Such frames
    /// belong to the untagged interface (IEEE 802.1Q §6.9): Linux takes them as untagged, and so do we.
    /// </summary>
    /// <param name="frame">Any frame, however short.</param>
    /// <param name="scratch">Takes the untagged copy; <see cref="MaximumLength"/> octets are enough. What does not fit is cut off.</param>
    public static ReadOnlySpan<byte> StripPriorityTag(ReadOnlySpan<byte> frame, Span<byte> scratch)
    {
        if (frame.Length < HeaderLength + TagLength
            || EtherType(frame) != EtherTypeVlan
            || (BinaryPrimitives.ReadUInt16BigEndian(frame[HeaderLength..]) & VlanIdMask) != 0)
        {
            return frame;
        }

        var length = Math.Min(frame.Length - TagLength, scratch.Length);
        frame[..TypeOffset].CopyTo(scratch);
        frame[(TypeOffset + TagLength)..(length + TagLength)].CopyTo(scratch[TypeOffset..]);
        return scratch[..length];
    }
}
