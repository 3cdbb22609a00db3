using System.Runtime.InteropServices;

namespace LoadBalancer.Speaker.Links;

/// <summary>
/// Keeps a <see cref="LinkSet"/> up to date: the kernel's change messages take effect at once, and a full dump every
/// <see cref="ScanInterval"/> heals whatever was missed.
/// </summary>
/// <remarks>
/// Netlink and not /sys/class/net: that shows the namespace in which sysfs was mounted, which need not be ours.
/// </remarks>
public sealed class LinkScanner
{
    /// <summary>The time between full dumps.</summary>
    public static readonly TimeSpan ScanInterval = TimeSpan.FromSeconds(30);

    // The kernel fills dump datagrams up to 32 KiB if the reader's buffer is that large.
    private const int DatagramBytes = 64 * 1024;

    private readonly LinkSelection selection;
    private readonly LinkSet links;
    private readonly TimeProvider time;
    private readonly Func<INetlink> open;
    private readonly InterfaceTable table = new();
    private readonly TaskCompletionSource scanned = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private uint sequence;

    // The request under way, GetLink or GetAddress; 0 for none. The kernel takes one dump at a time from a socket.
    private ushort dumping;
    private long requestedAt;

    // Something was missed since the dump under way began.
    private bool redump;
    private bool complete;

    /// <summary>A scanner that writes to <paramref name="links"/>.</summary>
    public LinkScanner(LinkSelection selection, LinkSet links, TimeProvider time)
        : this(selection, links, time, static () => new NetlinkSocket())
    {
    }

    /// <param name="selection">Which interfaces are links.</param>
    /// <param name="links">Where they are written.</param>
    /// <param name="time">The clock of the full dumps.</param>
    /// <param name="open">Opens the way to the kernel.</param>
    internal LinkScanner(LinkSelection selection, LinkSet links, TimeProvider time, Func<INetlink> open)
    {
        this.open = open;
        this.selection = selection;
        this.links = links;
        this.time = time;
    }

    /// <summary>Completes when the links have been read for the first time.</summary>
    public Task Scanned => scanned.Task;

    /// <summary>Follows the kernel until cancelled.</summary>
    /// <exception cref="IOException">Netlink does not work here.</exception>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        using var socket = open();
        using var timer = new PeriodicTimer(ScanInterval, time);
        var buffer = new byte[DatagramBytes];
        BeginDump(socket);

        var tick = timer.WaitForNextTickAsync(cancellationToken).AsTask();
        var datagram = socket.ReceiveAsync(buffer, cancellationToken).AsTask();
        while (true)
        {
            if (await Task.WhenAny(datagram, tick).ConfigureAwait(false) == tick)
            {
                await tick.ConfigureAwait(false);
                BeginPeriodicDump(socket);
                tick = timer.WaitForNextTickAsync(cancellationToken).AsTask();
            }
            else
            {
                Take(socket, buffer.AsSpan(0, await datagram.ConfigureAwait(false)));
                datagram = socket.ReceiveAsync(buffer, cancellationToken).AsTask();
            }
        }
    }

    // One that is under way, begun a moment ago because something was missed, is as good as another.
    private void BeginPeriodicDump(INetlink socket)
    {
        if (dumping == 0)
        {
            BeginDump(socket);
        }
        else if (time.GetElapsedTime(requestedAt) >= ScanInterval)
        {
            throw new IOException($"Netlink did not complete a dump of the network interfaces within {ScanInterval.TotalSeconds:0} s.");
        }
    }

    private void BeginDump(INetlink socket)
    {
        table.BeginDump();
        Request(socket, NetlinkMessages.GetLink);
    }

    private void Request(INetlink socket, ushort type)
    {
        dumping = type;
        requestedAt = time.GetTimestamp();
        socket.RequestDump(type, ++sequence);
    }

    private void Take(INetlink socket, ReadOnlySpan<byte> datagram)
    {
        var interrupted = datagram.IsEmpty;
        var done = false;
        while (NetlinkMessages.TryTake(ref datagram, out var message))
        {
            var answersUs = message.Sequence == sequence && dumping != 0;
            interrupted |= answersUs && (message.Flags & NetlinkMessages.FlagDumpInterrupted) != 0;
            done |= answersUs && message.Type == NetlinkMessages.Done;
            if (answersUs && message.Type == NetlinkMessages.Error)
            {
                throw new IOException($"Netlink refuses to list the network interfaces: error {MemoryMarshal.Read<int>(message.Body)}.");
            }

            table.Apply(message);
        }

        Conclude(socket, interrupted, done);
    }

    private void Conclude(INetlink socket, bool interrupted, bool done)
    {
        redump |= interrupted;
        if (done && dumping == NetlinkMessages.GetLink)
        {
            Request(socket, NetlinkMessages.GetAddress);
        }
        else if (done)
        {
            dumping = 0;
        }

        if (redump && dumping == 0)
        {
            redump = false;
            BeginDump(socket);
        }
        else if (done && dumping == 0)
        {
            table.EndDump();
            complete = true;
        }

        if (complete)
        {
            links.Update(selection.Select(table));
            scanned.TrySetResult();
        }
    }
}
