using System.Buffers.Binary;

namespace LoadBalancer.Core.Packets;

/// <summary>The Internet checksum of an ICMPv6 message with its pseudo-header (RFC 4443 §2.3, RFC 8200 §8.1).</summary>
internal static class Icmpv6Checksum
{
    /// <summary>ICMPv6 as a next header.</summary>
    internal const byte NextHeader = 58;

    /// <summary>
    /// The checksum to write into a message whose checksum field is zero; of a message as received, zero exactly if it is intact.
    /// </summary>
    /// <param name="addresses">Source and destination, the last 32 octets of the IPv6 header.</param>
    /// <param name="message">From the ICMPv6 type on, at most 65,535 octets.</param>
    internal static ushort Compute(ReadOnlySpan<byte> addresses, ReadOnlySpan<byte> message)
    {
        var sum = Sum(addresses) + Sum(message) + (ulong)message.Length + NextHeader;

        // 32-bit words add up to the same ones' complement sum as 16-bit words once the carries are folded back (RFC 1071 §2).
        sum = (sum & 0xFFFF_FFFF) + (sum >> 32);
        sum = (sum & 0xFFFF) + (sum >> 16);
        sum = (sum & 0xFFFF) + (sum >> 16);
        sum = (sum & 0xFFFF) + (sum >> 16);
        return (ushort)~sum;
    }

    private static ulong Sum(ReadOnlySpan<byte> octets)
    {
        var sum = 0UL;
        for (; octets.Length >= sizeof(uint); octets = octets[sizeof(uint)..])
        {
            sum += BinaryPrimitives.ReadUInt32BigEndian(octets);
        }

        var shift = 24;
        foreach (var octet in octets)
        {
            sum += (ulong)octet << shift;
            shift -= 8;
        }

        return sum;
    }
}
