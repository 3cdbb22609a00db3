using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace LoadBalancer.Speaker.Links;

/// <summary>The few system calls that .NET has no method for.</summary>
internal static partial class LibC
{
    internal const short PollIn = 0x001;
    internal const int MessageDontWait = 0x40;
    internal const int Interrupted = 4;
    internal const int OutOfMemory = 12;
    internal const int NoBufferSpace = 105;
    internal const int ProtocolIpv6 = 41;
    internal const int Ipv6JoinGroup = 20;
    internal const int Ipv6LeaveGroup = 21;

    /// <summary>SOL_SOCKET.</summary>
    internal const int SocketLevel = 1;

    /// <summary>SO_ATTACH_FILTER: a program of the classic packet filter takes the place of the one before.</summary>
    internal const int AttachFilter = 26;

    /// <summary>SO_ATTACH_BPF: a program takes the place of the socket's filter.</summary>
    internal const int AttachProgram = 50;

    /// <summary>That of BPF maps and programs, usually at /sys/fs/bpf.</summary>
    internal const uint BpfFileSystem = 0xCAFE4A11;

    // Twice what struct statfs takes on 64-bit machines.
    private const int StatFsWords = 32;

    private const int ReadWrite = 3;
    private const int Shared = 1;
    private const int EventNonBlocking = 0x800;
    private const int EventCloseOnExec = 0x80000;

    /// <summary>An eventfd(2), which wakes a poll from another thread.</summary>
    internal static int EventFd() => EventFd(0, EventNonBlocking | EventCloseOnExec);

    [LibraryImport("libc", EntryPoint = "eventfd", SetLastError = true)]
    private static partial int EventFd(uint initial, int flags);

    [LibraryImport("libc", EntryPoint = "poll", SetLastError = true)]
    internal static partial int Poll(Span<PollFd> fds, nuint count, int timeoutMilliseconds);

    [LibraryImport("libc", EntryPoint = "send", SetLastError = true)]
    internal static partial nint Send(int socket, ReadOnlySpan<byte> data, nuint length, int flags);

    [LibraryImport("libc", EntryPoint = "write", SetLastError = true)]
    internal static partial nint Write(SafeHandle file, in ulong value, nuint length);

    [LibraryImport("libc", EntryPoint = "socket", SetLastError = true)]
    internal static partial int Socket(int domain, int type, int protocol);

    [LibraryImport("libc", EntryPoint = "bind", SetLastError = true)]
    internal static partial int Bind(SafeHandle socket, in NetlinkAddress address, int length);

    [LibraryImport("libc", EntryPoint = "setsockopt", SetLastError = true)]
    internal static partial int SetSocketOption(SafeHandle socket, int level, int option, in Ipv6Membership value, int length);

    [LibraryImport("libc", EntryPoint = "setsockopt", SetLastError = true)]
    internal static partial int SetSocketOption(int socket, int level, int option, in int value, int length);

    [LibraryImport("libc", EntryPoint = "setsockopt", SetLastError = true)]
    internal static partial int SetSocketOption(int socket, int level, int option, in FilterProgram value, int length);

    /// <summary>The kind of file system a folder is in, as statfs(2) numbers them.</summary>
    /// <exception cref="IOException">There is no such folder.</exception>
    internal static uint FileSystemOf(string path)
    {
        Span<nint> buffer = stackalloc nint[StatFsWords];
        return StatFs(path, buffer) == 0 ? unchecked((uint)buffer[0]) : throw new IOException($"{path}: {Marshal.GetPInvokeErrorMessage(Marshal.GetLastPInvokeError())}");
    }

    [LibraryImport("libc", EntryPoint = "statfs", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int StatFs(string path, Span<nint> buffer);

    /// <summary>Memory shared with a file, to be read and written.</summary>
    /// <exception cref="IOException">The kernel refuses it.</exception>
    internal static nint MapShared(int file, int length)
    {
        var address = Map(0, (nuint)length, ReadWrite, Shared, file, 0);
        return address != -1 ? address : throw new IOException($"mmap: {Marshal.GetPInvokeErrorMessage(Marshal.GetLastPInvokeError())}");
    }

    /// <summary>Gives it back.</summary>
    internal static void Unmap(nint address, int length) => _ = Unmap(address, (nuint)length);

    [LibraryImport("libc", EntryPoint = "mmap", SetLastError = true)]
    private static partial nint Map(nint address, nuint length, int protection, int flags, int file, nint offset);

    [LibraryImport("libc", EntryPoint = "munmap")]
    private static partial int Unmap(nint address, nuint length);

    /// <summary>struct pollfd of poll(2).</summary>
    [StructLayout(LayoutKind.Sequential)]
    internal struct PollFd
    {
        internal int File;
        internal short Events;
        internal short Returned;
    }

    /// <summary>struct sock_fprog of linux/filter.h.</summary>
    [StructLayout(LayoutKind.Sequential)]
    internal struct FilterProgram
    {
        internal ushort Length;
        internal nint First;
    }

    /// <summary>struct ipv6_mreq of ipv6(7).</summary>
    [StructLayout(LayoutKind.Sequential)]
    internal struct Ipv6Membership
    {
        internal Ipv6Octets Group;
        internal int InterfaceIndex;
    }

    /// <summary>struct in6_addr.</summary>
    [InlineArray(16)]
    internal struct Ipv6Octets
    {
        private byte first;
    }

    /// <summary>struct sockaddr_nl of netlink(7).</summary>
    [StructLayout(LayoutKind.Sequential)]
    internal struct NetlinkAddress
    {
        internal ushort Family;
        internal ushort Padding;
        internal uint Port;
        internal uint Groups;
    }
}
