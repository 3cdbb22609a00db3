using System.ComponentModel;
using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace LoadBalancer.Speaker.Links;

/// <summary>What is asked of, and heard from, the kernel about interfaces and addresses.</summary>
internal interface INetlink : IDisposable
{
    /// <summary>Receives one datagram.</summary>
    /// <returns>Its length; 0 if the kernel had to drop some before it, after which only a dump tells the truth.</returns>
    ValueTask<int> ReceiveAsync(Memory<byte> buffer, CancellationToken cancellationToken);

    /// <summary>Asks for all links, or all addresses.</summary>
    void RequestDump(ushort type, uint sequence);
}

/// <summary>
/// A NETLINK_ROUTE socket that hears of every change of interfaces and addresses in this network namespace. .NET knows no such
/// address family, but drives the socket like any other once it exists.
/// </summary>
internal sealed class NetlinkSocket : INetlink
{
    private const int FamilyNetlink = 16;
    private const int TypeRawCloseOnExec = 3 | 0x80000;
    private const int ProtocolRoute = 0;

    // RTMGRP_LINK, RTMGRP_IPV4_IFADDR, RTMGRP_IPV6_IFADDR.
    private const uint Groups = 0x1 | 0x10 | 0x100;

    // Room for a burst: a node that starts a hundred pods at once creates as many interfaces, each told of several times.
    private const int ReceiveBufferBytes = 1024 * 1024;

    private readonly Socket socket;

    /// <exception cref="IOException">The kernel refuses such a socket.</exception>
    internal NetlinkSocket()
    {
        var file = LibC.Socket(FamilyNetlink, TypeRawCloseOnExec, ProtocolRoute);
        if (file < 0)
        {
            throw Failure("socket");
        }

        var handle = new SafeSocketHandle(file, ownsHandle: true);
        if (LibC.Bind(handle, new LibC.NetlinkAddress { Family = FamilyNetlink, Groups = Groups }, Marshal.SizeOf<LibC.NetlinkAddress>()) < 0)
        {
            var failure = Failure("bind");
            handle.Dispose();
            throw failure;
        }

        socket = new Socket(handle) { ReceiveBufferSize = ReceiveBufferBytes };
    }

    /// <inheritdoc/>
    public async ValueTask<int> ReceiveAsync(Memory<byte> buffer, CancellationToken cancellationToken)
    {
        try
        {
            return await socket.ReceiveAsync(buffer, SocketFlags.None, cancellationToken).ConfigureAwait(false);
        }
        catch (SocketException e) when (e.SocketErrorCode == SocketError.NoBufferSpaceAvailable)
        {
            return 0;
        }
    }

    /// <inheritdoc/>
    public void RequestDump(ushort type, uint sequence)
    {
        Span<byte> request = stackalloc byte[NetlinkMessages.RequestLength];
        NetlinkMessages.WriteDumpRequest(request, type, sequence);
        socket.Send(request);
    }

    public void Dispose() => socket.Dispose();

    private static IOException Failure(string call) =>
        new($"Cannot watch the network interfaces: netlink {call}: {new Win32Exception(Marshal.GetLastPInvokeError()).Message}");
}
