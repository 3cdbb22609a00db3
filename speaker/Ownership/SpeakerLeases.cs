using LoadBalancer.Core.Addressing;
using LoadBalancer.Core.Ownership;
using LoadBalancer.Core.Packets;
using LoadBalancer.Kubernetes.Leases;
using LoadBalancer.Kubernetes.ListWatch;
using LoadBalancer.Kubernetes.Resources;
using LoadBalancer.Speaker.Membership;

namespace LoadBalancer.Speaker.Ownership;

/// <summary>
/// What speakers tell of themselves by their Leases, for peers that cannot hear them on the wire: which links they have, with which
/// addresses, and whether they may own VIPs. A renewal is a Lease that says the same: a hundred speakers renew ten times a second, and
/// what they say is read once. One thread at a time.
/// </summary>
public sealed class SpeakerLeases
{
    private static readonly TimeSpan DefaultDuration = TimeSpan.FromSeconds(40);

    private readonly IStore<LeaseResource> store;
    private readonly LeaseLiveness liveness;
    private readonly Dictionary<ObjectKey, SpeakerLease> known = [];
    private readonly List<ObjectKey> gone = [];
    private readonly Dictionary<LinkFacts, IReadOnlyList<SegmentMember>> members = new(ReferenceEqualityComparer.Instance);
    private readonly IStore<NodeResource> nodes;
    private readonly string node;
    private volatile bool leasesChanged = true;
    private volatile bool nodesChanged;
    private long look;

    /// <summary>The Leases as this node sees them.</summary>
    /// <param name="store">The speakers' Leases, each named after its node.</param>
    /// <param name="nodes">All Nodes: whose Lease names none of them is no speaker's.</param>
    /// <param name="node">This node.</param>
    public SpeakerLeases(IStore<LeaseResource> store, IStore<NodeResource> nodes, string node)
    {
        this.store = store;
        this.nodes = nodes;
        this.node = node;
        liveness = new LeaseLiveness(node);
        store.Changed += _ => leasesChanged = true;
        nodes.Changed += _ => nodesChanged = true;
    }

    /// <summary>What this node's Lease says.</summary>
    /// <param name="links">The open links.</param>
    /// <param name="ready">Whether this speaker may own VIPs.</param>
    /// <param name="gateways">The routers this node sends through; the controller gives none of them to a Service.</param>
    /// <param name="segments">Who is alive on the links.</param>
    public static IReadOnlyDictionary<string, string> Annotations(
        IEnumerable<LinkFacts> links, bool ready, IEnumerable<IpAddress>? gateways = null, IEnumerable<Segment>? segments = null) => new Dictionary<string, string>
        {
            [SpeakerAnnotations.Links] = SpeakerAnnotations.Of(links),
            [SpeakerAnnotations.Ready] = ready ? "true" : "false",
            [SpeakerAnnotations.Hears] = SpeakerAnnotations.Of((segments ?? []).Select(static segment =>
                KeyValuePair.Create(segment.Name, (segment.LastView?.Peers ?? [])
                    .Where(static peer => peer is { Source: MemberSource.Wire, HearsUs: true }).Select(static peer => peer.Node)))),
            [SpeakerAnnotations.Gateways] = string.Join(',', gateways ?? []),
        };

    /// <summary>Looks at the Leases that changed since the last time.</summary>
    public void Observe(TimeSpan now)
    {
        if (!leasesChanged)
        {
            return;
        }

        leasesChanged = false;
        look++;
        var saysOther = false;
        foreach (var lease in store.All())
        {
            if (!known.TryGetValue(lease.Key, out var entry))
            {
                known.Add(lease.Key, entry = new SpeakerLease());
            }

            entry.Look = look;
            saysOther |= Take(entry, lease, now);
        }

        gone.Clear();
        gone.AddRange(known.Where(entry => entry.Value.Look != look).Select(static entry => entry.Key));
        foreach (var key in gone)
        {
            known.Remove(key, out var entry);
            Forget(entry!);
            saysOther = true;
        }

        // That one ran out is seen by the renewals of this node's own.
        foreach (var entry in known.Values)
        {
            var isFresh = entry.Lease is { } lease && NodeLease.IsHeld(lease) && liveness.IsFresh(lease.HolderIdentity);
            saysOther |= isFresh != entry.IsFresh;
            entry.IsFresh = isFresh;
        }

        if (saysOther)
        {
            members.Clear();
        }
    }

    /// <summary>The nodes with a fresh Lease that names a subnet of the link; whether they were heard on the wire is not asked here.</summary>
    public IReadOnlyList<SegmentMember> On(LinkFacts link)
    {
        if (nodesChanged)
        {
            nodesChanged = false;
            members.Clear();
        }

        if (!members.TryGetValue(link, out var found))
        {
            // Those of links that are no more.
            if (members.Count > 64)
            {
                members.Clear();
            }

            members.Add(link, found = [.. known.Values.Where(IsAnotherNodes).Select(entry => MemberOn(entry, link)).OfType<SegmentMember>()]);
        }

        return found;
    }

    /// <summary>Whether the API server was in reach later than at a moment: this node's Lease was renewed since. True while it has none.</summary>
    public bool RenewedSince(TimeSpan moment) =>
        !known.Values.Any(entry => entry.Lease is { } lease && NodeLease.IsHeld(lease) && lease.HolderIdentity == node) || liveness.OwnRenewedAt > moment;

    /// <summary>Whether another node with a fresh Lease has an interface of one of these names that is not among those heard.</summary>
    /// <param name="names">Names of interfaces.</param>
    /// <param name="heard">The interfaces heard on this node's links.</param>
    public bool HasElsewhere(IReadOnlyList<string> names, IReadOnlyList<LinkVerdict> heard) =>
        known.Values.Any(entry => IsAnotherNodes(entry)
            && entry.Links.Any(link => names.Contains(link.Name)
                && !heard.Any(verdict => verdict.Node == entry.Lease!.HolderIdentity && verdict.Link == link.Name)));

    private bool IsAnotherNodes(SpeakerLease entry) =>
        entry.IsFresh && entry.Lease!.HolderIdentity != node && nodes.Get(new ObjectKey("", entry.Lease.HolderIdentity)) is not null;

    // Whether it says anything else than before.
    private bool Take(SpeakerLease entry, LeaseResource lease, TimeSpan now)
    {
        if (ReferenceEquals(entry.Lease, lease))
        {
            return false;
        }

        var before = entry.Lease;
        if (before is not null && before.HolderIdentity != lease.HolderIdentity)
        {
            Forget(entry);
        }

        entry.Lease = lease;
        if (NodeLease.IsHeld(lease))
        {
            var duration = lease.LeaseDurationSeconds > 0 ? TimeSpan.FromSeconds(lease.LeaseDurationSeconds) : DefaultDuration;
            liveness.Observe(lease.HolderIdentity, VersionOf(lease), duration, now);
        }

        if (before is null || TextOf(before, SpeakerAnnotations.Links) != TextOf(lease, SpeakerAnnotations.Links))
        {
            entry.Links = SpeakerAnnotations.LinksOf(lease);
            return true;
        }

        return before.HolderIdentity != lease.HolderIdentity
            || TextOf(before, SpeakerAnnotations.Ready) != TextOf(lease, SpeakerAnnotations.Ready)
            || TextOf(before, SpeakerAnnotations.Hears) != TextOf(lease, SpeakerAnnotations.Hears);
    }

    private void Forget(SpeakerLease entry)
    {
        if (entry.Lease is { } lease && NodeLease.IsHeld(lease))
        {
            liveness.Remove(lease.HolderIdentity);
        }
    }

    private static string TextOf(LeaseResource lease, string annotation) => lease.Annotations.GetValueOrDefault(annotation, "");

    // Only a renewal is a sign of life; a label that somebody sets is not.
    private static string VersionOf(LeaseResource lease) => lease.RenewTime?.UtcTicks.ToString("x", null) ?? lease.ResourceVersion;

    private static SegmentMember? MemberOn(SpeakerLease entry, LinkFacts link)
    {
        var lease = entry.Lease!;
        foreach (var (name, prefixes) in entry.Links)
        {
            if (prefixes.Any(theirs => link.Prefixes.Any(ours => ours.Network == theirs.Network && ours.Length == theirs.Length)))
            {
                return new SegmentMember(
                    lease.HolderIdentity, name, MemberSource.Lease, prefixes,
                    [.. entry.Links.Where(other => other.Name != name).SelectMany(other => other.Prefixes)],
                    Ready: TextOf(lease, SpeakerAnnotations.Ready) == "true",
                    Leaving: false, Holding: false, HearsUs: false)
                {
                    Hears = SpeakerAnnotations.HeardOn(lease, name),
                };
            }
        }

        return null;
    }

    /// <summary>A Lease as it was last looked at, with what it says.</summary>
    private sealed class SpeakerLease
    {
        public LeaseResource? Lease { get; set; }

        public IReadOnlyList<NodeLink> Links { get; set; } = [];

        public bool IsFresh { get; set; }

        public long Look { get; set; }
    }
}
