using System.Buffers.Binary;
using LoadBalancer.Core.Addressing;

namespace LoadBalancer.Speaker.Tests.Answering.Kernel;

/// <summary>Frames of clients to a VIP, and of routers about them.</summary>
internal sealed record TcpFrame(IpAddress Client, ushort Port, IpAddress Vip, MacAddress From, MacAddress To)
{
    internal const byte Fin = 1, Syn = 2, Reset = 4, Push = 8, Acknowledges = 16;
    private const ushort VipPort = 80;
    private const int Ethernet = 14;
    private const int TcpLength = 20;

    private bool Six => Vip.Family == IpFamily.IPv6;

    /// <summary>Where the TCP header begins.</summary>
    internal int Offset => Ethernet + (Six ? 40 : 20);

    /// <summary>A segment without data.</summary>
    internal byte[] Segment(byte flags)
    {
        var frame = Packet(6, TcpLength);
        WriteTcp(frame.AsSpan(Offset), flags);
        return frame;
    }

    /// <summary>The first fragment of a segment, which has the ports, or a later one, which has not.</summary>
    internal byte[] Fragment(bool first, ushort id)
    {
        var header = Six ? 8 : 0;
        var frame = Packet(Six ? (byte)44 : (byte)6, header + TcpLength);
        if (Six)
        {
            frame[Offset] = 6;
            BinaryPrimitives.WriteUInt16BigEndian(frame.AsSpan(Offset + 2), (ushort)(first ? 1 : 100 << 3));
            BinaryPrimitives.WriteUInt32BigEndian(frame.AsSpan(Offset + 4), id);
        }
        else
        {
            BinaryPrimitives.WriteUInt16BigEndian(frame.AsSpan(Ethernet + 4), id);
            BinaryPrimitives.WriteUInt16BigEndian(frame.AsSpan(Ethernet + 6), (ushort)(first ? 0x2000 : 100));
        }

        if (first)
        {
            WriteTcp(frame.AsSpan(Offset + header), Acknowledges);
        }

        return frame;
    }

    /// <summary>A router says that what the VIP sent to the client was too large; to the VIP, or to another address, which did not send it.</summary>
    internal byte[] TooLarge(IpAddress router, bool toAnother = false)
    {
        var quoted = (this with { Client = Vip, Vip = Client }).Packet(6, 8);
        BinaryPrimitives.WriteUInt16BigEndian(quoted.AsSpan(Offset), VipPort);
        BinaryPrimitives.WriteUInt16BigEndian(quoted.AsSpan(Offset + 2), Port);
        var frame = (this with { Client = router }).Packet(Six ? (byte)58 : (byte)1, 8 + quoted.Length - Ethernet);
        (frame[Offset], frame[Offset + 1]) = Six ? ((byte)2, (byte)0) : ((byte)3, (byte)4);
        quoted.AsSpan(Ethernet).CopyTo(frame.AsSpan(Offset + 8));
        if (toAnother)
        {
            frame[Offset - 1]++;
        }

        return frame;
    }

    private static void Write(IpAddress address, Span<byte> to)
    {
        if (address.Family == IpFamily.IPv6)
        {
            BinaryPrimitives.WriteUInt128BigEndian(to, address.Value);
        }
        else
        {
            BinaryPrimitives.WriteUInt32BigEndian(to, address.AsUInt32);
        }
    }

    private void WriteTcp(Span<byte> tcp, byte flags)
    {
        BinaryPrimitives.WriteUInt16BigEndian(tcp, Port);
        BinaryPrimitives.WriteUInt16BigEndian(tcp[2..], VipPort);
        BinaryPrimitives.WriteUInt32BigEndian(tcp[4..], 1000);
        BinaryPrimitives.WriteUInt32BigEndian(tcp[8..], 2000);
        (tcp[12], tcp[13]) = (5 << 4, flags);
    }

    private byte[] Packet(byte protocol, int length)
    {
        var frame = new byte[Offset + length];
        To.Write(frame);
        From.Write(frame.AsSpan(6));
        BinaryPrimitives.WriteUInt16BigEndian(frame.AsSpan(12), Six ? (ushort)0x86DD : (ushort)0x0800);
        var ip = frame.AsSpan(Ethernet);
        if (Six)
        {
            ip[0] = 0x60;
            BinaryPrimitives.WriteUInt16BigEndian(ip[4..], (ushort)length);
            (ip[6], ip[7]) = (protocol, 64);
            Write(Client, ip[8..]);
            Write(Vip, ip[24..]);
        }
        else
        {
            ip[0] = 0x45;
            BinaryPrimitives.WriteUInt16BigEndian(ip[2..], (ushort)(20 + length));
            (ip[8], ip[9]) = (64, protocol);
            Write(Client, ip[12..]);
            Write(Vip, ip[16..]);
        }

        return frame;
    }
}
