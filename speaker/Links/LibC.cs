using System.Runtime.InteropServices;

namespace LoadBalancer.Speaker.Links;

/// <summary>The few system calls that .NET has no method for.</summary>
internal static partial class LibC
{
    internal const short PollIn = 0x001;
    internal const int MessageDontWait = 0x40;
    internal const int Interrupted = 4;

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

    /// <summary>struct pollfd of poll(2).</summary>
    [StructLayout(LayoutKind.Sequential)]
    internal struct PollFd
    {
        internal int File;
        internal short Events;
        internal short Returned;
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
