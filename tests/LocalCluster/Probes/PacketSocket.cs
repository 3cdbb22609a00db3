using System.Buffers.Binary;
using System.Globalization;
using System.Net;
using System.Net.NetworkInformation;
using System.Net.Sockets;
using LoadBalancer.LocalCluster.Network;

namespace LoadBalancer.LocalCluster.Probes;

/// <summary>A raw Ethernet socket on a host's eth0 (packet(7)): it sends any frame and receives those of one EtherType.</summary>
public sealed class PacketSocket : IDisposable
{
    /// <summary>ARP.</summary>
    public const ushort Arp = 0x0806;

    /// <summary>IPv6, neighbour discovery included.</summary>
    public const ushort IPv6 = 0x86DD;

    /// <summary>The EtherType of the speakers' heartbeats.</summary>
    public const ushort Heartbeat = 0x88B5;

    /// <summary>Every EtherType.</summary>
    public const ushort All = 0x0003;

    private readonly Socket _socket;

    public PacketSocket(Host host, ushort etherType)
    {
        ushort wire = BinaryPrimitives.ReverseEndianness(etherType);
        int index = InterfaceIndex(host);
        _socket = host.Network.Run(() =>
        {
            var socket = new Socket((AddressFamily)65536, SocketType.Raw, (ProtocolType)wire) { ReceiveBufferSize = 1 << 20 };
            socket.Bind(new LinkAddress(wire, index));
            return socket;
        });
    }

    public void Send(ReadOnlySpan<byte> frame) => _socket.Send(frame);

    public ValueTask<int> ReceiveAsync(Memory<byte> buffer, CancellationToken cancel) => _socket.ReceiveAsync(buffer, SocketFlags.None, cancel);

    /// <summary>Waits for a frame on the calling thread.</summary>
    /// <returns>Its length; 0 if none came in time.</returns>
    public int Receive(Span<byte> buffer, TimeSpan within) => _socket.Poll(within, SelectMode.SelectRead) ? _socket.Receive(buffer) : 0;

    public void Dispose() => _socket.Dispose();

    private static int InterfaceIndex(Host host) =>
        int.Parse(Isolation.Tool.Run("ip", ["-n", host.Network.Name, "-o", "link", "show", "eth0"]).Split(':')[0], CultureInfo.InvariantCulture);

    /// <summary>A <c>sockaddr_ll</c>.</summary>
    private sealed class LinkAddress(ushort wireProtocol, int index) : EndPoint
    {
        public override AddressFamily AddressFamily => (AddressFamily)65536;

        public override SocketAddress Serialize()
        {
            var address = new SocketAddress(AddressFamily, 20);
            Span<byte> content = address.Buffer.Span;
            BinaryPrimitives.WriteUInt16LittleEndian(content[2..], wireProtocol);
            BinaryPrimitives.WriteInt32LittleEndian(content[4..], index);
            return address;
        }

        public override EndPoint Create(SocketAddress socketAddress) => this;
    }
}

/// <summary>Ethernet and ARP frames as bytes (RFC 826).</summary>
public static class ArpFrame
{
    /// <summary>A request for <paramref name="target"/>, broadcast unless <paramref name="to"/> names a hardware address.</summary>
    public static byte[] Request(string senderMac, string senderIp, string target, string to = "ff:ff:ff:ff:ff:ff") =>
        Build(to, senderMac, 1, senderMac, senderIp, "00:00:00:00:00:00", target);

    /// <summary>An ARP frame of 60 bytes with every field given.</summary>
    public static byte[] Build(string to, string from, ushort operation, string senderMac, string senderIp, string targetMac, string targetIp)
    {
        byte[] frame = new byte[60];
        Mac(to).CopyTo(frame, 0);
        Mac(from).CopyTo(frame, 6);
        byte[] header = [0x08, 0x06, 0x00, 0x01, 0x08, 0x00, 6, 4, (byte)(operation >> 8), (byte)operation];
        header.CopyTo(frame, 12);
        Mac(senderMac).CopyTo(frame, 22);
        IPAddress.Parse(senderIp).GetAddressBytes().CopyTo(frame, 28);
        Mac(targetMac).CopyTo(frame, 32);
        IPAddress.Parse(targetIp).GetAddressBytes().CopyTo(frame, 38);
        return frame;
    }

    /// <summary>Operation, sender hardware address and sender address of an ARP frame, or null.</summary>
    public static (ushort Operation, string SenderMac, string SenderIp)? Read(ReadOnlySpan<byte> frame)
    {
        if (frame.Length < 42 || BinaryPrimitives.ReadUInt16BigEndian(frame[12..]) != PacketSocket.Arp)
        {
            return null;
        }

        return (BinaryPrimitives.ReadUInt16BigEndian(frame[20..]), MacText(frame.Slice(22, 6)), new IPAddress(frame.Slice(28, 4)).ToString());
    }

    /// <summary>A hardware address as six bytes.</summary>
    public static byte[] Mac(string text) => PhysicalAddress.Parse(text).GetAddressBytes();

    private static string MacText(ReadOnlySpan<byte> mac) => string.Join(':', Convert.ToHexStringLower(mac).Chunk(2).Select(pair => new string(pair)));
}
