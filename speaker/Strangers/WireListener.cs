using LoadBalancer.Core.Addressing;
using LoadBalancer.Core.Conflicts;
using LoadBalancer.Core.Packets;
using LoadBalancer.Speaker.Links;
using LoadBalancer.Speaker.Membership;

namespace LoadBalancer.Speaker.Strangers;

/// <summary>
/// Picks out of everything said on the wire what concerns a pool address, and hands it over. On the links' threads: one look-up for
/// what does not concern us, no allocation, no waiting.
/// </summary>
/// <param name="wake">Signalled when there is something to look at.</param>
/// <param name="next">Hears everything after this, or null.</param>
/// <param name="follow">Told what matters, before anything else goes by it; null for nobody.</param>
public sealed class WireListener(WakeUp wake, INeighborObserver? next = null, Action<IpRangeSet>? follow = null) : INeighborObserver
{
    /// <summary>
    /// How many statements may wait: a second of what a link's announcers may send at most. A flood beyond that says nothing new.
    /// </summary>
    internal const int Capacity = 1024;

    private readonly StatementRing ring = new(Capacity);
    private volatile IpRangeSet watched = IpRangeSet.Empty;
    private volatile IReadOnlySet<MacAddress> known = new HashSet<MacAddress>();
    private int pending;
    private long missed;

    /// <summary>The addresses that matter: those of the pools.</summary>
    public IpRangeSet Watched
    {
        get => watched;
        set
        {
            follow?.Invoke(value);
            watched = value;
        }
    }

    /// <summary>The hardware addresses of the cluster: what their nodes say of addresses concerns nobody here, and there is much of it.</summary>
    public IReadOnlySet<MacAddress> Known
    {
        get => known;
        set => known = value;
    }

    /// <summary>The number of statements that were lost because too many came at once.</summary>
    public long Missed => Volatile.Read(ref missed);

    /// <inheritdoc/>
    public void OnArp(LinkRunner link, in ArpPacket packet)
    {
        if (AddressStatement.TryRead(packet, out var statement) && watched.Contains(statement.Address) && !known.Contains(statement.Mac))
        {
            Add(link, statement);
        }

        next?.OnArp(link, packet);
    }

    /// <inheritdoc/>
    public void OnNdp(LinkRunner link, in NdpPacket packet)
    {
        if (AddressStatement.TryRead(packet, out var statement) && watched.Contains(statement.Address) && !known.Contains(statement.Mac))
        {
            Add(link, statement);
        }

        next?.OnNdp(link, packet);
    }

    /// <summary>Takes the oldest statement; false if there is none.</summary>
    internal bool TryTake(out LinkRunner link, out AddressStatement statement) => ring.TryTake(out link, out statement);

    /// <summary>What comes from now on wakes again.</summary>
    internal void Rearm() => Volatile.Write(ref pending, 0);

    private void Add(LinkRunner link, in AddressStatement statement)
    {
        if (!ring.TryAdd(link, statement))
        {
            Interlocked.Increment(ref missed);
        }

        // One signal, a system call, for all that comes until the other thread looks.
        if (Interlocked.Exchange(ref pending, 1) == 0)
        {
            wake.Signal();
        }
    }
}
