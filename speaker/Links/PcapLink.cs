using System.Runtime.InteropServices;
using LoadBalancer.Core.Packets;
using Microsoft.Win32.SafeHandles;
using SharpPcap;
using SharpPcap.LibPcap;

namespace LoadBalancer.Speaker.Links;

/// <summary>
/// A link by libpcap: an AF_PACKET socket with a ring and a filter in the kernel, in immediate mode, not promiscuous unless asked to be.
/// </summary>
/// <remarks>
/// SharpPcap opens, filters and reads. Waiting and sending are system calls on its socket: its own wait cannot be woken, and its
/// own send blocks on a full queue and throws. Nothing is allocated per frame (docs/decisions/0003-packet-capture.md).
/// </remarks>
public sealed class PcapLink : IPacketLink
{
    /// <summary>
    /// What the kernel passes up: ARP, the speakers' own frames, and neighbour solicitations and advertisements (ICMPv6 types 135
    /// and 136), from others. A VLAN's frames match as well, since the kernel has already taken the tag off, and arrive with it put back.
    /// </summary>
    public const string CaptureFilter =
        "inbound and (arp or ether proto 0x88b5 or (icmp6 and (ip6[40] == 135 or ip6[40] == 136)))";

    // A ring of 1 MiB holds 500 frames, all of it resident: 25 ms of a 20,000 frames/s storm while this process does not run.
    private const int RingBytes = 1024 * 1024;

    private const int Forever = -1;
    private const int CollectMilliseconds = 1;

    private readonly Device device;
    private readonly PcapHandle handle;
    private readonly SafeFileHandle wake;
    private volatile bool disposed;

    // How often the reader found nothing more to read; and that count when frames were last seen to wait.
    private long caughtUp;
    private long behindAt = -1;

    private PcapLink(LinkFacts facts, Device device, bool promiscuous)
    {
        IsPromiscuous = promiscuous;
        Facts = facts;
        this.device = device;
        handle = device.Handle;
        wake = new SafeFileHandle(LibC.EventFd(), ownsHandle: true);
    }

    /// <inheritdoc/>
    public LinkFacts Facts { get; }

    /// <inheritdoc/>
    public bool IsPromiscuous { get; }

    /// <inheritdoc/>
    public bool FilterBy(int program)
    {
        try
        {
            using var hold = new Hold(handle);
            return LibC.SetSocketOption(device.Socket, LibC.SocketLevel, LibC.AttachProgram, program, sizeof(int)) == 0;
        }
        catch (ObjectDisposedException)
        {
            return false;
        }
    }

    /// <inheritdoc/>
    public bool FilterBy(IReadOnlyList<FilterInstruction> program)
    {
        try
        {
            using var hold = new Hold(handle);
            return Attach(device.Socket, program);
        }
        catch (ObjectDisposedException)
        {
            return false;
        }
    }

    internal static unsafe bool Attach(int socket, IReadOnlyList<FilterInstruction> program)
    {
        FilterInstruction[] instructions = [.. program];
        fixed (FilterInstruction* first = instructions)
        {
            var given = new LibC.FilterProgram { Length = (ushort)instructions.Length, First = (nint)first };
            return LibC.SetSocketOption(socket, LibC.SocketLevel, LibC.AttachFilter, given, sizeof(LibC.FilterProgram)) == 0;
        }
    }

    /// <summary>
    /// Opens a link. The process needs CAP_NET_RAW. Promiscuous, the card hands over every frame; those to other hosts' addresses go no
    /// further than the filter.
    /// </summary>
    /// <exception cref="IOException">It cannot be opened; the message names the link and what libpcap said.</exception>
    public static PcapLink Open(LinkFacts facts, bool promiscuous = false)
    {
        try
        {
            var pcap = PcapInterface.GetAllPcapInterfaces().FirstOrDefault(i => i.Name == facts.Name)
                ?? throw new IOException($"{facts.Name}: libpcap does not list this interface; it is gone, or CAP_NET_RAW is missing.");
            var device = new Device(pcap);
            device.Open(new DeviceConfiguration
            {
                Mode = promiscuous ? DeviceModes.Promiscuous : DeviceModes.None,
                Immediate = true,
                Snaplen = EthernetFrame.MaximumLength,
                BufferSize = RingBytes,
            });
            try
            {
                device.Filter = promiscuous ? $"(ether multicast or ether dst {facts.Mac}) and ({CaptureFilter})" : CaptureFilter;
                device.NonBlockingMode = true;
                return new PcapLink(facts, device, promiscuous);
            }
            catch
            {
                device.Close();
                throw;
            }
        }
        catch (Exception e) when (e is PcapException or InvalidOperationException or DllNotFoundException)
        {
            throw new IOException($"{facts.Name}: {e.Message}", e);
        }
    }

    /// <inheritdoc/>
    public bool Send(ReadOnlySpan<byte> frame)
    {
        try
        {
            using var hold = new Hold(handle);
            return LibC.Send(device.Socket, frame, (nuint)frame.Length, LibC.MessageDontWait) == frame.Length;
        }
        catch (ObjectDisposedException)
        {
            return false;
        }
    }

    /// <inheritdoc/>
    /// <remarks>
    /// While the kernel writes a frame into the ring, poll(2) says that none waits, however many do (it looks at the newest slot alone). So
    /// what was seen to wait was read only when the reader says so, too.
    /// </remarks>
    public bool HasUnread
    {
        get
        {
            try
            {
                using var hold = new Hold(handle);
                var read = Volatile.Read(ref caughtUp);
                if (LibC.Poll([new() { File = device.Socket, Events = LibC.PollIn }], 1, 0) > 0)
                {
                    Volatile.Write(ref behindAt, read);
                    return true;
                }

                return Volatile.Read(ref behindAt) == read;
            }
            catch (ObjectDisposedException)
            {
                return false;
            }
        }
    }

    /// <inheritdoc/>
    public string Receive(FrameHandler handler)
    {
        try
        {
            using var hold = new Hold(handle);
            using var wakeHold = new Hold(wake);
            return ReceiveUntilStopped(handler);
        }
        catch (ObjectDisposedException)
        {
            return "closed";
        }
    }

    /// <summary>Ends <see cref="Receive"/>; its descriptors live until it has returned.</summary>
    public void Dispose()
    {
        if (!disposed)
        {
            disposed = true;
            _ = LibC.Write(wake, 1, sizeof(ulong));
            wake.Dispose();

            // Not device.Close(): it replaces the handle by a null pointer, which a Receive under way would pass to libpcap.
            handle.Dispose();
        }
    }

    private string ReceiveUntilStopped(FrameHandler handler)
    {
        nint header = 0, data = 0;
        var rate = default(ArrivalRate);
        var collect = false;
        while (!disposed)
        {
            switch (device.GetNextPacketPointers(ref header, ref data))
            {
                case 1:
                    rate.Note(ArrivedAt(header));
                    collect = rate.IsStorm;
                    handler(FrameAt(header, data));
                    break;
                case 0:
                    Volatile.Write(ref caughtUp, caughtUp + 1);
                    if ((collect ? WaitToCollect() : Wait()) is { } failure)
                    {
                        return failure;
                    }

                    collect = false;
                    break;
                default:
                    return device.LastError;
            }
        }

        return "closed";
    }

    // struct pcap_pkthdr: a struct timeval of two words, the captured length, the length on the wire.
    private static unsafe ReadOnlySpan<byte> FrameAt(nint header, nint data) => new((void*)data, *(int*)(header + (2 * nint.Size)));

    private static unsafe long ArrivedAt(nint header) => (*(nint*)header * 1_000_000L) + *(nint*)(header + nint.Size);

    private string? Wait() => Poll(
        [
            new() { File = (int)wake.DangerousGetHandle(), Events = LibC.PollIn },
            new() { File = device.Socket, Events = LibC.PollIn },
        ],
        Forever);

    private string? WaitToCollect() => Poll([new() { File = (int)wake.DangerousGetHandle(), Events = LibC.PollIn }], CollectMilliseconds);

    private static string? Poll(Span<LibC.PollFd> files, int milliseconds)
    {
        if (LibC.Poll(files, (nuint)files.Length, milliseconds) < 0)
        {
            var error = Marshal.GetLastPInvokeError();
            return error == LibC.Interrupted ? null : $"poll: {Marshal.GetPInvokeErrorMessage(error)}";
        }

        return (files[^1].Returned & ~LibC.PollIn) == 0 ? null : "the interface went down or away";
    }

    // Disposing from another thread must not free a descriptor that is in use, which the kernel would hand to the next file opened.
    private readonly ref struct Hold
    {
        private readonly SafeHandle handle;

        internal Hold(SafeHandle handle)
        {
            var held = false;
            handle.DangerousAddRef(ref held);
            this.handle = handle;
        }

        public void Dispose() => handle.DangerousRelease();
    }

    /// <summary>The pcap device with its socket in reach.</summary>
    private sealed class Device(PcapInterface pcap) : LibPcapLiveDevice(pcap)
    {
        internal int Socket => FileDescriptor;
    }
}
