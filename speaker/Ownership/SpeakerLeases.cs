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
/// addresses, and whether they may own VIPs.
/// </summary>
public sealed class SpeakerLeases
{
    private static readonly TimeSpan DefaultDuration = TimeSpan.FromSeconds(40);

    private readonly IStore<LeaseResource> store;
    private readonly LeaseLiveness liveness;
    private readonly HashSet<string> observed = new(StringComparer.Ordinal);
    private readonly IStore<NodeResource> nodes;
    private readonly string node;

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

    /// <summary>Looks at all Leases. Called whenever one may have changed, by one thread.</summary>
    public void Observe(TimeSpan now)
    {
        var held = new HashSet<string>(StringComparer.Ordinal);
        foreach (var lease in store.All())
        {
            if (NodeLease.IsHeld(lease))
            {
                held.Add(lease.HolderIdentity);
                var duration = lease.LeaseDurationSeconds > 0 ? TimeSpan.FromSeconds(lease.LeaseDurationSeconds) : DefaultDuration;
                liveness.Observe(lease.HolderIdentity, VersionOf(lease), duration, now);
            }
        }

        foreach (var gone in observed.Except(held))
        {
            liveness.Remove(gone);
        }

        observed.Clear();
        observed.UnionWith(held);
    }

    /// <summary>The nodes with a fresh Lease that names a subnet of the link; whether they were heard on the wire is not asked here.</summary>
    public IReadOnlyList<SegmentMember> On(LinkFacts link)
    {
        List<SegmentMember> members = [];
        foreach (var lease in store.All())
        {
            if (IsAnotherNodes(lease)
                && MemberOn(lease, link) is { } member)
            {
                members.Add(member);
            }
        }

        return members;
    }

    /// <summary>Whether the API server was in reach later than at a moment: this node's Lease was renewed since. True while it has none.</summary>
    public bool RenewedSince(TimeSpan moment) => !observed.Contains(node) || liveness.OwnRenewedAt > moment;

    /// <summary>Whether another node with a fresh Lease has an interface of one of these names that is not among those heard.</summary>
    /// <param name="names">Names of interfaces.</param>
    /// <param name="heard">The interfaces heard on this node's links.</param>
    public bool HasElsewhere(IReadOnlyList<string> names, IReadOnlyList<LinkVerdict> heard) =>
        store.All().Any(lease => IsAnotherNodes(lease)
            && SpeakerAnnotations.LinksOf(lease).Any(link => names.Contains(link.Name)
                && !heard.Any(verdict => verdict.Node == lease.HolderIdentity && verdict.Link == link.Name)));

    private bool IsAnotherNodes(LeaseResource lease) =>
        NodeLease.IsHeld(lease) && lease.HolderIdentity != node && liveness.IsFresh(lease.HolderIdentity)
        && nodes.Get(new ObjectKey("", lease.HolderIdentity)) is not null;

    // Only a renewal is a sign of life; a label that somebody sets is not.
    private static string VersionOf(LeaseResource lease) => lease.RenewTime?.UtcTicks.ToString("x", null) ?? lease.ResourceVersion;

    private static SegmentMember? MemberOn(LeaseResource lease, LinkFacts link)
    {
        var links = SpeakerAnnotations.LinksOf(lease);
        foreach (var (name, prefixes) in links)
        {
            if (prefixes.Any(theirs => link.Prefixes.Any(ours => ours.Network == theirs.Network && ours.Length == theirs.Length)))
            {
                return new SegmentMember(
                    lease.HolderIdentity, name, MemberSource.Lease, prefixes,
                    [.. links.Where(other => other.Name != name).SelectMany(other => other.Prefixes)],
                    Ready: lease.Annotations.GetValueOrDefault(SpeakerAnnotations.Ready) == "true",
                    Leaving: false, Holding: false, HearsUs: false)
                {
                    Hears = SpeakerAnnotations.HeardOn(lease, name),
                };
            }
        }

        return null;
    }
}
