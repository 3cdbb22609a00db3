using System.Buffers.Binary;
using System.Net;

namespace LoadBalancer.LocalCluster.Probes;

/// <summary>Ethernet frames of neighbour discovery as bytes (RFC 4861 §4.3, §4.4).</summary>
public static class NdpFrame
{
    private const int Source = 22, Destination = 38, Message = 54, Target = 62, Options = 78;

    /// <summary>
    /// A solicitation for <paramref name="target"/>, to its solicited-node group unless <paramref name="to"/> names a hardware address,
    /// as a revalidation does.
    /// </summary>
    /// <param name="mac">The sender's hardware address.</param>
    /// <param name="source">The sender's address; <c>::</c> for duplicate address detection.</param>
    /// <param name="target">The address looked for.</param>
    /// <param name="to">A hardware address to ask alone.</param>
    /// <param name="withOption">Whether it has a source link-layer address option.</param>
    public static byte[] Solicitation(string mac, string source, string target, string? to = null, bool withOption = true)
    {
        byte[] frame = new byte[withOption ? Options + 8 : Options];
        byte[] address = IPAddress.Parse(target).GetAddressBytes();
        byte[] group = [0xff, 0x02, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0xff, .. address[13..]];
        byte[] header = [0x86, 0xdd, 0x60, 0, 0, 0, 0, (byte)(frame.Length - Message), 58, 255];
        (to is null ? [0x33, 0x33, .. group[12..]] : ArpFrame.Mac(to)).CopyTo(frame, 0);
        ArpFrame.Mac(mac).CopyTo(frame, 6);
        header.CopyTo(frame, 12);
        IPAddress.Parse(source).GetAddressBytes().CopyTo(frame, Source);
        (to is null ? group : address).CopyTo(frame, Destination);
        frame[Message] = 135;
        address.CopyTo(frame, Target);
        if (withOption)
        {
            (frame[Options], frame[Options + 1]) = (1, 1);
            ArpFrame.Mac(mac).CopyTo(frame, Options + 2);
        }

        return Seal(frame);
    }

    /// <summary>An unsolicited advertisement to all nodes: an address is at a hardware address.</summary>
    public static byte[] Advertisement(string mac, string target)
    {
        byte[] frame = new byte[Options + 8];
        byte[] address = IPAddress.Parse(target).GetAddressBytes();
        byte[] header = [0x86, 0xdd, 0x60, 0, 0, 0, 0, (byte)(frame.Length - Message), 58, 255];
        ArpFrame.Mac("33:33:00:00:00:01").CopyTo(frame, 0);
        ArpFrame.Mac(mac).CopyTo(frame, 6);
        header.CopyTo(frame, 12);
        address.CopyTo(frame, Source);
        IPAddress.Parse("ff02::1").GetAddressBytes().CopyTo(frame, Destination);
        (frame[Message], frame[Message + 4]) = (136, 0x20);
        address.CopyTo(frame, Target);
        (frame[Options], frame[Options + 1]) = (2, 1);
        ArpFrame.Mac(mac).CopyTo(frame, Options + 2);
        return Seal(frame);
    }

    /// <summary>Puts the checksum of an ICMPv6 message without extension headers right.</summary>
    public static byte[] Seal(byte[] frame)
    {
        frame[Message + 2] = frame[Message + 3] = 0;
        int sum = frame.Length - Message + 58;
        for (int i = Source; i < frame.Length; i += 2)
        {
            sum += (frame[i] << 8) | (i + 1 < frame.Length ? frame[i + 1] : 0);
        }

        while (sum >> 16 != 0)
        {
            sum = (sum & 0xffff) + (sum >> 16);
        }

        BinaryPrimitives.WriteUInt16BigEndian(frame.AsSpan(Message + 2), (ushort)~sum);
        return frame;
    }

    /// <summary>Target, hardware address, flags and receiver of a neighbour advertisement, or null.</summary>
    public static (string Target, string Mac, bool Solicited, bool Override, string Destination)? ReadAdvertisement(ReadOnlySpan<byte> frame)
    {
        if (frame.Length < Options + 8 || BinaryPrimitives.ReadUInt16BigEndian(frame[12..]) != PacketSocket.IPv6
            || frame[20] != 58 || frame[Message] != 136 || frame[Options] != 2)
        {
            return null;
        }

        return (
            new IPAddress(frame.Slice(Target, 16)).ToString(),
            string.Join(':', Convert.ToHexStringLower(frame.Slice(Options + 2, 6)).Chunk(2).Select(pair => new string(pair))),
            (frame[Message + 4] & 0x40) != 0,
            (frame[Message + 4] & 0x20) != 0,
            new IPAddress(frame.Slice(Destination, 16)).ToString());
    }
}
