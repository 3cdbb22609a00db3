using System.Net.Sockets;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using LoadBalancer.Core.Addressing;
using LoadBalancer.Core.Packets;

namespace LoadBalancer.Speaker.Links;

/// <summary>
/// Groups joined by sockets that never receive anything (IPV6_JOIN_GROUP, RFC 3493 §5.2). It takes no capability.
/// </summary>
/// <remarks>
/// The kernel accounts memberships to their socket, up to <c>net.core.optmem_max</c>: some hundreds or thousands of them. When a
/// socket is full, the next is opened. .NET's own socket option loses the error number by which that is known.
/// </remarks>
internal sealed class KernelGroups : IMulticastGroups
{
    private readonly LinkFacts link;
    private readonly List<Member> members = [];
    private readonly Dictionary<IpAddress, Member> joined = [];

    internal KernelGroups(LinkFacts link) => this.link = link;

    /// <summary>The number of sockets in use.</summary>
    internal int Sockets => members.Count;

    /// <inheritdoc/>
    public string? Join(IpAddress group)
    {
        foreach (var member in members)
        {
            if (member.Full)
            {
                continue;
            }

            var error = SetMembership(member, LibC.Ipv6JoinGroup, group);
            if (error is 0)
            {
                Note(group, member);
                return null;
            }

            if (error is not (LibC.OutOfMemory or LibC.NoBufferSpace))
            {
                return Marshal.GetPInvokeErrorMessage(error);
            }

            member.Full = true;
        }

        return JoinByAnother(group);
    }

    /// <inheritdoc/>
    public void Leave(IpAddress group)
    {
        if (!joined.Remove(group, out var member))
        {
            return;
        }

        // Fails if the interface is gone, and the membership with it.
        _ = SetMembership(member, LibC.Ipv6LeaveGroup, group);
        member.Full = false;
        if (--member.Groups == 0)
        {
            members.Remove(member);
            member.Socket.Dispose();
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        members.ForEach(member => member.Socket.Dispose());
        members.Clear();
        joined.Clear();
    }

    private string? JoinByAnother(IpAddress group)
    {
        Member member;
        try
        {
            member = new Member(new Socket(AddressFamily.InterNetworkV6, SocketType.Dgram, ProtocolType.Udp));
        }
        catch (SocketException e)
        {
            return e.SocketErrorCode == SocketError.AddressFamilyNotSupported ? "this node's kernel has no IPv6" : e.Message;
        }

        if (SetMembership(member, LibC.Ipv6JoinGroup, group) is not 0 and var error)
        {
            member.Socket.Dispose();
            return Marshal.GetPInvokeErrorMessage(error);
        }

        members.Add(member);
        Note(group, member);
        return null;
    }

    private void Note(IpAddress group, Member member)
    {
        joined.Add(group, member);
        member.Groups++;
    }

    private int SetMembership(Member member, int option, IpAddress group)
    {
        var request = new LibC.Ipv6Membership { InterfaceIndex = link.Index };
        group.WriteBytes(request.Group);
        return LibC.SetSocketOption(member.Socket.SafeHandle, LibC.ProtocolIpv6, option, request, Unsafe.SizeOf<LibC.Ipv6Membership>()) == 0
            ? 0
            : Marshal.GetLastPInvokeError();
    }

    private sealed class Member(Socket socket)
    {
        internal Socket Socket { get; } = socket;

        internal int Groups { get; set; }

        internal bool Full { get; set; }
    }
}
