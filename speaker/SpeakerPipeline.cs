using LoadBalancer.Core.Pools;
using LoadBalancer.Core.Timing;
using LoadBalancer.Hosting;
using LoadBalancer.Kubernetes.ListWatch;
using LoadBalancer.Kubernetes.Resources;
using LoadBalancer.Speaker.Membership;
using LoadBalancer.Speaker.NodeLoss;
using LoadBalancer.Speaker.Ownership;
using LoadBalancer.Speaker.Report;

namespace LoadBalancer.Speaker;

/// <summary>What the speaker knows from the API server, each kept current by a reflector.</summary>
/// <param name="Services">The Services that have an address.</param>
/// <param name="EndpointSlices">All EndpointSlices.</param>
/// <param name="Nodes">All Nodes.</param>
/// <param name="Leases">The speakers' Leases.</param>
public sealed record SpeakerStores(
    IStore<AnnouncedService> Services,
    IStore<EndpointSliceResource> EndpointSlices,
    IStore<NodeResource> Nodes,
    IStore<LeaseResource> Leases)
{
    /// <summary>Whether each has had its first LIST. Stays true when the API server goes away.</summary>
    public bool HaveSynced => Services.HasSynced && EndpointSlices.HasSynced && Nodes.HasSynced && Leases.HasSynced;

    /// <summary>The kinds that have not, for people.</summary>
    public string Missing => string.Join(", ", new[]
    {
        (Name: "Services", Services.HasSynced), (Name: "EndpointSlices", EndpointSlices.HasSynced),
        (Name: "Nodes", Nodes.HasSynced), (Name: "Leases", Leases.HasSynced),
    }.Where(kind => !kind.HasSynced).Select(kind => kind.Name));
}

/// <summary>
/// How a request gets its answer: stores → facts of the VIPs → members and ownership → the links' tables, announcements and Events.
/// Level-triggered: whatever happens wakes <see cref="Step"/>, which looks at everything and decides. One thread.
/// </summary>
public sealed class SpeakerPipeline
{
    /// <summary>How long a node that leaves goes on answering at most, if it does not hear that others answer in its place.</summary>
    public static readonly TimeSpan LongestLeave = TimeSpan.FromSeconds(1);

    // Facts are made anew this often at most: a burst of thousands of Services must not cost a core.
    private static readonly TimeSpan CatalogPause = TimeSpan.FromMilliseconds(20);

    // And so that it takes no more than this part of a core; a single change after a calm is looked at at once.
    private const int Share = 10;

    private static readonly TimeSpan LongestSleep = TimeSpan.FromSeconds(1);

    private readonly SpeakerStores stores;
    private readonly Func<PoolConfig?> pools;
    private readonly Heartbeats heartbeats;
    private readonly HeartbeatKeyWatch keys;
    private readonly OwnershipPass pass;
    private readonly LossWatch losses;
    private readonly PublishedAddresses? published;
    private readonly VipCatalog catalog;
    private readonly Readiness readiness;
    private readonly MonotonicClock clock;
    private readonly WakeUp changed;
    private readonly TaskCompletionSource left = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private volatile VipSnapshot snapshot = VipSnapshot.Empty;
    private TimeSpan catalogDue;
    private TimeSpan? leaveBy;
    private bool complete;
    private bool dirty = true;
    private volatile bool leaving;

    /// <summary>A pipeline; nothing happens before the first <see cref="Step"/>.</summary>
    public SpeakerPipeline(
        SpeakerStores stores,
        Func<PoolConfig?> pools,
        Heartbeats heartbeats,
        HeartbeatKeyWatch keys,
        OwnershipPass pass,
        LossWatch losses,
        Readiness readiness,
        MonotonicClock clock,
        WakeUp changed,
        string? loadBalancerClass,
        PublishedAddresses? published = null)
    {
        this.published = published;
        this.stores = stores;
        this.pools = pools;
        this.heartbeats = heartbeats;
        this.keys = keys;
        this.pass = pass;
        this.losses = losses;
        this.readiness = readiness;
        this.clock = clock;
        this.changed = changed;
        Inquiries = new Inquiries<OwnershipPass>(changed);
        catalog = new VipCatalog(stores.Services, stores.EndpointSlices, stores.Nodes, stores.Leases, () => pass.IsCurrent, pools, loadBalancerClass);
        stores.Services.Changed += key =>
        {
            catalog.NoteService(key);
            FactsChanged();
        };
        stores.Nodes.Changed += _ =>
        {
            catalog.NoteNodes();
            FactsChanged();
        };
        stores.EndpointSlices.Changed += key =>
        {
            catalog.NoteSlice(key);
            if (catalog.Concerns(key))
            {
                FactsChanged();
            }
        };
        stores.Leases.Changed += key =>
        {
            if (catalog.ConcernsLease(key))
            {
                catalog.NoteNodes();
                Volatile.Write(ref dirty, true);
            }

            changed.Signal();
        };
    }

    /// <summary>Completes when this node has left: everybody else has taken over, or the time for it is up.</summary>
    public Task Left => left.Task;

    /// <summary>The VIPs as last decided on. From any thread.</summary>
    public VipSnapshot Snapshot => snapshot;

    /// <summary>Questions to the thread that decides, answered after each <see cref="Step"/>'s decision.</summary>
    public Inquiries<OwnershipPass> Inquiries { get; }

    /// <summary>Something of the API server's that matters has changed: Services, endpoints, Nodes or pools.</summary>
    public void FactsChanged()
    {
        // Whoever made it dirty has woken the thread, or is about to.
        if (!Interlocked.Exchange(ref dirty, true))
        {
            changed.Signal();
        }
    }

    /// <summary>Starts to leave.</summary>
    public void Leave()
    {
        leaving = true;
        changed.Signal();
    }

    /// <summary>Looks at everything and decides.</summary>
    /// <returns>How long to sleep at most before the next call.</returns>
    public TimeSpan Step()
    {
        var next = keys.Refresh() ?? TimeSpan.MaxValue;
        var now = clock.Now;
        JudgeReadiness();
        if (leaving && leaveBy is null)
        {
            leaveBy = heartbeats.HasPeers ? now + LongestLeave : now;
            heartbeats.Leave();
        }

        // Complete is what the facts were made from, not what the stores have by now: facts that lack a VIP would give it up.
        var synced = stores.HaveSynced && pools() is not null;
        var isNew = (Volatile.Read(ref dirty) || synced != complete) && now >= catalogDue;
        if (isNew)
        {
            Interlocked.Exchange(ref dirty, false);
            complete = synced;
            snapshot = catalog.Build();
        }

        var (began, decided) = (clock.Now, pass.Decided);
        var deadline = pass.Run(snapshot, complete, leaveBy, now);
        if (pass.Decided != decided)
        {
            SpeakerMetrics.DecisionSeconds.Observe((clock.Now - began).TotalSeconds);
        }

        if (isNew)
        {
            // With ten thousand Services and endpoints that flap, making the facts and deciding by them must not become all this thread does.
            var took = clock.Now - now;
            catalogDue = now + (CatalogPause > took * Share ? CatalogPause : took * Share);
        }

        Inquiries.Answer(pass);
        if (leaveBy <= now || (leaving && !pass.Answers))
        {
            left.TrySetResult();
        }

        next = Deadline.Earlier(next, deadline);
        next = Deadline.Earlier(next, losses.Step(heartbeats.Segments, now));
        next = Deadline.Earlier(next, published?.Step(pass, snapshot, now));
        next = Deadline.Earlier(next, Volatile.Read(ref dirty) || synced != complete ? catalogDue : null);
        next = Deadline.Earlier(next, leaveBy > now ? leaveBy : null);
        return next - now < LongestSleep ? next - now : LongestSleep;
    }

    private void JudgeReadiness()
    {
        var configured = pools() is not null;
        var keyed = heartbeats.Keys is not null;
        readiness.Set("stores", stores.HaveSynced, $"the first LIST of {stores.Missing} is not complete");
        readiness.Set("config", configured, "no valid pool configuration has been seen since the start");
        readiness.Set("heartbeat-key", keyed, "there is no heartbeat key yet; without one no address is announced");
        readiness.Set("links", heartbeats.Segments.Any(segment => segment.Link.Facts.Carrier), "no link is open and has a carrier");
        heartbeats.SetReady(configured && keyed && stores.HaveSynced);
    }
}
