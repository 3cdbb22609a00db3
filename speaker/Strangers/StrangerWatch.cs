using LoadBalancer.Core.Addressing;
using LoadBalancer.Core.Conflicts;
using LoadBalancer.Core.Ownership;
using LoadBalancer.Core.Pools;
using LoadBalancer.Kubernetes.Events;
using LoadBalancer.Kubernetes.Leases;
using LoadBalancer.Kubernetes.Resources;
using LoadBalancer.Speaker.Links;
using LoadBalancer.Speaker.Membership;
using LoadBalancer.Speaker.Ownership;
using LoadBalancer.Speaker.Report;
using Microsoft.Extensions.Logging;

namespace LoadBalancer.Speaker.Strangers;

/// <summary>
/// What becomes of statements on the wire about pool addresses. A peer's is nothing new: who owns what, peers settle by their claims. A
/// stranger's is a conflict if the address is a VIP this node answers for, and a quarantine if it is free. One thread calls <see cref="Step"/>.
/// </summary>
public sealed partial class StrangerWatch
{
    private static readonly TimeSpan LongestSleep = TimeSpan.FromSeconds(1);

    // Facts are made anew, and news published, this often at most: a burst must cost neither a core nor a write for each address.
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);

    // Looking at what is in use takes no more than this part of a core.
    private const int Share = 100;

    private const int Flood = 32;
    private static readonly TimeSpan FloodPause = TimeSpan.FromMilliseconds(10);

    // What the former run published holds until this one knows the segment; listening and the first heartbeats take a second or two.
    private static readonly TimeSpan FormerRun = TimeSpan.FromSeconds(10);

    private readonly WireListener listener;
    private readonly SpeakerStores stores;
    private readonly Func<PoolConfig?> pools;
    private readonly Func<IReadOnlyList<LinkRunner>> links;
    private readonly Func<LinkRunner, SegmentView?> viewOf;
    private readonly Func<VipSnapshot> vips;
    private readonly ConflictEvents events;
    private readonly ProbeTimings? timings;
    private readonly MonotonicClock clock;
    private readonly WakeUp wake;
    private readonly ILogger logger;
    private readonly KnownStations stations = new();
    private readonly Dictionary<ObjectKey, (string Text, IReadOnlyList<MacAddress> Macs)> macsOfLeases = [];
    private readonly Dictionary<LinkRunner, SegmentGuard> guards = [];
    private readonly List<KeyValuePair<IpAddress, AddressConflict>> over = [];
    private readonly List<IpAddress> checks = [];
    private readonly List<TakenAddress> freed = [];
    private readonly HashSet<IpAddress> used = [];
    private PoolFacts facts = PoolFacts.Empty;
    private TimeSpan factsDue;
    private TimeSpan leasesDue;
    private TimeSpan publishDue;
    private volatile bool dirty = true;
    private volatile bool leasesChanged = true;
    private volatile string published = "";
    private TimeSpan formerUntil;

    /// <summary>A watch that begins with the first <see cref="Step"/>.</summary>
    /// <param name="listener">What is heard.</param>
    /// <param name="stores">The API server's objects.</param>
    /// <param name="pools">The pools in force; null while none are known.</param>
    /// <param name="links">The open links.</param>
    /// <param name="viewOf">Who is alive on a link's segment, as ownership last saw it; null while that is not known.</param>
    /// <param name="vips">The VIPs with their Services.</param>
    /// <param name="recorder">Writes the Events.</param>
    /// <param name="node">This node.</param>
    /// <param name="timings">How free addresses are probed; null for not at all.</param>
    /// <param name="clock">The clock.</param>
    /// <param name="wake">Wakes the thread that calls <see cref="Step"/>.</param>
    /// <param name="logger">The log.</param>
    public StrangerWatch(
        WireListener listener, SpeakerStores stores, Func<PoolConfig?> pools, Func<IReadOnlyList<LinkRunner>> links,
        Func<LinkRunner, SegmentView?> viewOf, Func<VipSnapshot> vips, IEventRecorder recorder, string node, ProbeTimings? timings,
        MonotonicClock clock, WakeUp wake, ILogger logger)
    {
        this.listener = listener;
        this.stores = stores;
        this.pools = pools;
        this.links = links;
        this.viewOf = viewOf;
        this.vips = vips;
        events = new ConflictEvents(recorder, node);
        this.timings = timings;
        this.clock = clock;
        this.wake = wake;
        this.logger = logger;
        Inquiries = new Inquiries<StrangerWatch>(wake);
        stores.Services.Changed += _ => FactsChanged();
        stores.Nodes.Changed += _ => FactsChanged();
        stores.Leases.Changed += _ => leasesChanged = true;
    }

    /// <summary><see cref="Published"/> changed. Raised on the thread of <see cref="Step"/>.</summary>
    public event Action? PublishedChanged;

    /// <summary>Questions to the thread of <see cref="Step"/>, answered at its end.</summary>
    public Inquiries<StrangerWatch> Inquiries { get; }

    /// <summary>What is known of strangers on each link; for a report, on the thread of <see cref="Step"/>.</summary>
    internal IReadOnlyCollection<SegmentGuard> Guards => guards.Values;

    /// <summary>The value of the annotation <see cref="StrangerAnnotations.Taken"/> of this node's Lease. From any thread.</summary>
    public string Published => published;

    /// <summary>
    /// What the former run of this speaker had published stays so until this one probes, or for ten seconds. Called before the Lease is
    /// first written.
    /// </summary>
    public void RememberFormerRun(string? taken)
    {
        formerUntil = clock.Now + FormerRun;
        published = taken ?? "";
    }

    private bool KnowsPools => !ReferenceEquals(facts, PoolFacts.Empty);

    /// <summary>Services, Nodes or pools changed.</summary>
    public void FactsChanged()
    {
        // They are looked at once a second: whoever noted it first has woken the thread.
        if (!Interlocked.Exchange(ref dirty, true))
        {
            wake.Signal();
        }
    }

    /// <summary>Looks at what was heard, lets time pass, and sends what is due.</summary>
    /// <returns>How long to sleep at most before the next call.</returns>
    public TimeSpan Step()
    {
        var now = clock.Now;
        FollowFacts(now);
        FollowLinks(now);
        var next = Listen(now);
        foreach (var guard in guards.Values)
        {
            Advance(guard, now);
            next = guard.NextProbe(now) is { } due && due - now < next ? due - now : next;
        }

        Publish(now);
        Inquiries.Answer(this);
        StrangerMetrics.Missed.IncTo(listener.Missed);
        return next;
    }

    // In a flood frames are collected: waking up for each would cost far more than looking at it.
    private TimeSpan Listen(TimeSpan now)
    {
        if (TakeAll(now) >= Flood)
        {
            return FloodPause;
        }

        // What came before this and after the look above has not woken anybody.
        listener.Rearm();
        TakeAll(now);
        return LongestSleep;
    }

    private int TakeAll(TimeSpan now)
    {
        var heard = 0;
        while (heard < WireListener.Capacity && listener.TryTake(out var link, out var statement))
        {
            Take(link, statement, now);
            heard++;
        }

        return heard;
    }

    private void FollowFacts(TimeSpan now)
    {
        if (dirty && now >= factsDue && pools() is { } config && stores.HaveSynced)
        {
            Interlocked.Exchange(ref dirty, false);
            listener.Watched = IpRangeSet.Of(config.Pools.SelectMany(pool => pool.Ranges));
            var taken = guards.Values.SelectMany(guard => guard.Quarantine.All.Select(entry => entry.Address));
            facts = PoolFacts.Build(config, stores.Services, stores.Nodes, taken, timings?.Ahead ?? 0, used);

            // Of ten thousand Services it takes a while.
            var rest = (clock.Now - now) * Share;
            factsDue = now + (rest > Pause ? rest : Pause);
        }
    }

    private void FollowLinks(TimeSpan now)
    {
        var current = links();
        foreach (var gone in guards.Keys.Where(link => !current.Contains(link)).ToList())
        {
            guards.Remove(gone);
            StrangerMetrics.Remove(gone.Facts.Name);
        }

        foreach (var link in current)
        {
            guards.TryAdd(link, new SegmentGuard(link, timings ?? new ProbeTimings()));
        }

        stations.SetOwn([.. current.Select(static link => link.Mac)]);
        foreach (var link in current)
        {
            foreach (var peer in viewOf(link)?.Peers ?? [])
            {
                if (peer.Mac.Value != 0)
                {
                    stations.SetPeer(peer.Mac, now);
                }
            }
        }

        // Also nodes that are not heard on the wire, and those whose speaker is not running.
        if (leasesChanged || now >= leasesDue)
        {
            leasesChanged = false;
            leasesDue = now + (KnownStations.Memory / 4);
            foreach (var lease in stores.Leases.All())
            {
                foreach (var mac in MacsOf(lease))
                {
                    stations.SetPeer(mac, now);
                }
            }
        }

        stations.Advance(now);
        listener.Known = stations.All;
    }

    // Nearly every Lease that comes is a renewal.
    private IReadOnlyList<MacAddress> MacsOf(LeaseResource lease)
    {
        var text = lease.Annotations.GetValueOrDefault(StrangerAnnotations.Macs, "");
        if (!macsOfLeases.TryGetValue(lease.Key, out var known) || known.Text != text)
        {
            if (macsOfLeases.Count > 2 * stores.Leases.Count)
            {
                macsOfLeases.Clear();
            }

            macsOfLeases[lease.Key] = known = (text, StrangerAnnotations.MacsOf(lease));
        }

        return known.Macs;
    }

    private void Take(LinkRunner link, in AddressStatement statement, TimeSpan now)
    {
        if (stations.IsStranger(statement.Mac) && guards.TryGetValue(link, out var guard))
        {
            TakeStranger(guard, statement, now);
        }
    }

    private void TakeStranger(SegmentGuard guard, in AddressStatement statement, TimeSpan now)
    {
        var (vip, stranger) = (statement.Address, statement.Mac);
        if (guard.Link.Table.TryGet(vip, out var mac))
        {
            guard.Claims.Inc();
            var verdict = guard.Conflicts.Observe(vip, stranger, now);
            if (verdict.Defend && guard.Defend(vip, mac))
            {
                StrangerMetrics.Defences.WithLabels(guard.Name).Inc();
            }

            if (verdict.Change != ConflictChange.None)
            {
                StrangerMetrics.Began.WithLabels(guard.Name).Inc(verdict.Change == ConflictChange.Began ? 1 : 0);
                LogConflict(vip, stranger, guard.Name);
                events.Began(ServicesOf(vip), vip, stranger, guard.Name);
            }
        }
        else if (timings is not null && IsFree(vip) && guard.IsHere(vip) && guard.Quarantine.See(vip, stranger, now))
        {
            dirty = true;
            LogTaken(vip, stranger, guard.Name);
        }
    }

    private void Advance(SegmentGuard guard, TimeSpan now)
    {
        var version = guard.Quarantine.Version;
        var elected = timings is not null && KnowsPools && viewOf(guard.Link) is { } view && ProberElection.IsElected(view);
        guard.Elect(elected, AllPublished, now);
        AdvanceConflicts(guard, now);
        freed.Clear();
        guard.Quarantine.Retain(facts.IsFree);
        guard.Quarantine.Advance(now, guard.Probes, freed);
        foreach (var (address, mac) in freed)
        {
            LogFreed(address, mac, guard.Name);
        }

        dirty |= version != guard.Quarantine.Version;
        StrangerMetrics.Probes.WithLabels(guard.Name).Inc(guard.Probe(facts, now));
        StrangerMetrics.Conflicts.WithLabels(guard.Name).Set(guard.Conflicts.Count);
        StrangerMetrics.Taken.WithLabels(guard.Name).Set(guard.Quarantine.Count);
        StrangerMetrics.Prober.WithLabels(guard.Name).Set(guard.Probes ? 1 : 0);
    }

    private void AdvanceConflicts(SegmentGuard guard, TimeSpan now)
    {
        over.Clear();
        checks.Clear();
        guard.Conflicts.Advance(now, over, checks);
        foreach (var (vip, conflict) in over)
        {
            LogConflictEnded(vip, conflict.Stranger, guard.Name);
            events.Ended(ServicesOf(vip), vip, conflict);
        }

        checks.ForEach(vip => guard.Ask(vip));
        foreach (var (vip, conflict) in guard.Conflicts.All.Where(pair => !guard.Link.Table.TryGet(pair.Key, out _)).ToList())
        {
            if (IsFree(vip))
            {
                // The Service is gone, the stranger is not: the next Service must not get the address.
                guard.Conflicts.Drop(vip);
                guard.Quarantine.See(vip, conflict.Stranger, now);
                guard.Linger(now);
            }
            else if (vips().Vips.ContainsKey(vip))
            {
                // Another node's now, which hears the stranger itself.
                guard.Conflicts.Drop(vip);
            }
        }
    }

    // The VIPs are newer than the facts if a Service has just got its address.
    private bool IsFree(IpAddress address) => facts.IsFree(address) && !vips().Vips.ContainsKey(address);

    private IReadOnlyList<AnnouncedService> ServicesOf(IpAddress vip) => vips().Services.GetValueOrDefault(vip, []);

    private IEnumerable<TakenAddress> AllPublished() => stores.Leases.All().SelectMany(StrangerAnnotations.TakenOf);

    private void Publish(TimeSpan now)
    {
        if (!KnowsPools || now < publishDue || (now < formerUntil && !guards.Values.Any(guard => guard.Probes)))
        {
            return;
        }

        var text = StrangerAnnotations.Of(guards.Values.SelectMany(guard => guard.Published(now)).DistinctBy(taken => taken.Address));
        if (text != published)
        {
            published = text;
            publishDue = now + Pause;
            PublishedChanged?.Invoke();
        }
    }

    [LoggerMessage(EventId = 3200, Level = LogLevel.Warning,
        Message = "{Vip} is in use by another host, too: {Stranger} on {Link}. Look for it, and at the range the DHCP server hands out")]
    private partial void LogConflict(IpAddress vip, MacAddress stranger, string link);

    [LoggerMessage(EventId = 3201, Level = LogLevel.Information, Message = "{Vip} is not in use by {Stranger} on {Link} any more")]
    private partial void LogConflictEnded(IpAddress vip, MacAddress stranger, string link);

    [LoggerMessage(EventId = 3202, Level = LogLevel.Warning,
        Message = "{Address} of a pool is free, but {Stranger} on {Link} has it; it is not given out while that is so")]
    private partial void LogTaken(IpAddress address, MacAddress stranger, string link);

    [LoggerMessage(EventId = 3203, Level = LogLevel.Information, Message = "{Address} of a pool is free again: {Stranger} on {Link} answers no more")]
    private partial void LogFreed(IpAddress address, MacAddress stranger, string link);
}
