using System.Buffers.Binary;
using System.ComponentModel;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using LoadBalancer.Core.Addressing;
using LoadBalancer.Speaker.Links;

namespace LoadBalancer.Speaker.Answering.Kernel;

/// <summary>A TCP connection as the node's connection tracking has it: as the client sends, before the address is translated.</summary>
internal readonly record struct TrackedConnection(IpAddress Client, ushort ClientPort, IpAddress Server, ushort ServerPort);

/// <summary>
/// The TCP connections that this node's kernel tracks (nfnetlink_conntrack.h). Only those that both sides have answered and that are open: a
/// kernel picks up what it sees in the middle as well, which is no sign that it knows the connection.
/// </summary>
internal static class ConntrackDump
{
    private const int FamilyNetlink = 16;
    private const int TypeRawCloseOnExec = 3 | 0x80000;
    private const int ProtocolNetfilter = 12;
    private const ushort Get = (1 << 8) | 1;
    private const int GenericLength = 4;
    private const int Largest = 1 << 16;
    private const int Tcp = 6;
    private const uint Assured = 1 << 2;

    // tcp_conntrack: established, and where one side may still be open.
    private const byte Established = 3, FinWait = 4, CloseWait = 5;

    /// <summary>Reads all of them.</summary>
    /// <exception cref="IOException">The kernel refuses: without connection tracking, or without CAP_NET_ADMIN.</exception>
    internal static List<TrackedConnection> Read()
    {
        var found = new List<TrackedConnection>();
        using var socket = Open();
        Span<byte> request = stackalloc byte[NetlinkMessages.RequestLength];
        NetlinkMessages.WriteDumpRequest(request, Get, sequence: 1);
        try
        {
            socket.Send(request);
            var buffer = new byte[Largest];
            while (Take(buffer.AsSpan(0, socket.Receive(buffer)), found))
            {
            }
        }
        catch (SocketException e)
        {
            throw new IOException($"conntrack cannot be read: {e.Message}", e);
        }

        return found;
    }

    /// <summary>Takes what a datagram has of them.</summary>
    /// <returns>Whether more will come.</returns>
    /// <exception cref="IOException">The datagram says that there is an error.</exception>
    internal static bool Take(ReadOnlySpan<byte> datagram, List<TrackedConnection> found)
    {
        while (NetlinkMessages.TryTake(ref datagram, out var message))
        {
            if (message.Type == NetlinkMessages.Done)
            {
                return false;
            }

            if (message.Type == NetlinkMessages.Error)
            {
                throw new IOException($"conntrack cannot be read: {Marshal.GetPInvokeErrorMessage(-MemoryMarshal.Read<int>(message.Body))}");
            }

            if (message.Body.Length > GenericLength && TryRead(message.Body[GenericLength..], out var connection))
            {
                found.Add(connection);
            }
        }

        return true;
    }

    private static bool TryRead(ReadOnlySpan<byte> attributes, out TrackedConnection connection)
    {
        const ushort Original = 1, Status = 3, Protocol = 4;
        connection = default;
        var (isOpen, isAssured) = (false, false);
        while (NetlinkMessages.TryTakeAttribute(ref attributes, out var type, out var value))
        {
            switch (type)
            {
                case Original when !TryReadTuple(value, out connection):
                    return false;
                case Status when value.Length == sizeof(uint):
                    isAssured = (BinaryPrimitives.ReadUInt32BigEndian(value) & Assured) != 0;
                    break;
                case Protocol:
                    isOpen = Nested(Nested(value, 1), 1) is [Established or FinWait or CloseWait];
                    break;
            }
        }

        return isOpen && isAssured && connection != default;
    }

    private static bool TryReadTuple(ReadOnlySpan<byte> tuple, out TrackedConnection connection)
    {
        var addresses = Nested(tuple, 1);
        var ports = Nested(tuple, 2);
        connection = default;
        if (Nested(ports, 1) is not [Tcp] || Nested(ports, 2) is not { Length: 2 } from || Nested(ports, 3) is not { Length: 2 } to)
        {
            return false;
        }

        var client = Nested(addresses, 1);
        var server = Nested(addresses, 2);
        if (client.Length == 4 && server.Length == 4)
        {
            connection = Make(IpAddress.FromUInt32(BinaryPrimitives.ReadUInt32BigEndian(client)), from, IpAddress.FromUInt32(BinaryPrimitives.ReadUInt32BigEndian(server)), to);
            return true;
        }

        client = Nested(addresses, 3);
        server = Nested(addresses, 4);
        if (client.Length == 16 && server.Length == 16)
        {
            connection = Make(
                IpAddress.From(IpFamily.IPv6, BinaryPrimitives.ReadUInt128BigEndian(client)), from, IpAddress.From(IpFamily.IPv6, BinaryPrimitives.ReadUInt128BigEndian(server)), to);
            return true;
        }

        return false;

        static TrackedConnection Make(IpAddress client, ReadOnlySpan<byte> from, IpAddress server, ReadOnlySpan<byte> to) =>
            new(client, BinaryPrimitives.ReadUInt16BigEndian(from), server, BinaryPrimitives.ReadUInt16BigEndian(to));
    }

    private static ReadOnlySpan<byte> Nested(ReadOnlySpan<byte> attributes, ushort wanted)
    {
        while (NetlinkMessages.TryTakeAttribute(ref attributes, out var type, out var value))
        {
            if (type == wanted)
            {
                return value;
            }
        }

        return default;
    }

    private static Socket Open()
    {
        var file = LibC.Socket(FamilyNetlink, TypeRawCloseOnExec, ProtocolNetfilter);
        return file >= 0
            ? new Socket(new SafeSocketHandle(file, ownsHandle: true)) { ReceiveBufferSize = 1 << 20, ReceiveTimeout = 5000 }
            : throw new IOException($"conntrack cannot be read: {new Win32Exception(Marshal.GetLastPInvokeError()).Message}");
    }
}
