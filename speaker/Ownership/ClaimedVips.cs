using LoadBalancer.Core.Addressing;
using LoadBalancer.Core.Ownership;
using LoadBalancer.Core.Pools;

namespace LoadBalancer.Speaker.Ownership;

/// <summary>
/// What the API server has not told this node yet, its peers have: after a start without it, what they hold for this node is its own,
/// whatever Service it belongs to; and an owner whose speaker goes away before a new Service is known here needs its deputy now. One
/// thread at a time.
/// </summary>
/// <param name="isCurrent">Whether what is known from the API server is what it has now.</param>
internal sealed class ClaimedVips(Func<bool> isCurrent)
{
    private static readonly Pool UnknownPool = new() { Name = "", Ranges = [] };

    private readonly HashSet<IpAddress> known = [];
    private readonly HashSet<string> away = new(StringComparer.Ordinal);
    private VipSnapshot? snapshotSeen;

    /// <summary>Takes in which VIPs are known: one that is no longer is a deleted Service's.</summary>
    public void Remember(VipSnapshot snapshot)
    {
        if (ReferenceEquals(snapshot, snapshotSeen))
        {
            return;
        }

        var changed = snapshotSeen is null ? null : snapshot.ChangedSince(snapshotSeen);
        snapshotSeen = snapshot;
        if (known.Count > (2 * snapshot.Vips.Count) + 1000)
        {
            known.Clear();
            changed = null;
        }

        known.UnionWith(changed?.Where(snapshot.Vips.ContainsKey) ?? snapshot.Vips.Keys);
    }

    /// <summary>The VIPs to decide on a segment: those known, with those that are claimed and not, or not well, known.</summary>
    /// <param name="ownership">This node's part in them.</param>
    /// <param name="view">Who is alive, and what they claim.</param>
    /// <param name="snapshot">The VIPs known.</param>
    /// <param name="isComplete">Whether those are all VIPs.</param>
    public IReadOnlyDictionary<IpAddress, VipFacts> With(SegmentOwnership ownership, SegmentView view, VipSnapshot snapshot, bool isComplete)
    {
        away.Clear();
        away.UnionWith(view.Peers.Where(static peer => peer is { Away: true, GraceOver: false }).Select(static peer => peer.Node));
        if (isComplete && away.Count == 0)
        {
            return snapshot.Vips;
        }

        var isSure = isComplete && isCurrent();
        Dictionary<IpAddress, VipFacts>? vips = null;
        foreach (var vip in view.Claims.Vips)
        {
            foreach (var (_, _, claim) in view.Claims.For(vip))
            {
                if (claim.Subject == view.Self.Node ? !isComplete : away.Contains(claim.Subject) && IsMissing(vip))
                {
                    Add(vip);
                }
            }
        }

        if (!isComplete)
        {
            foreach (var (vip, _) in ownership.All.Where(static entry => entry.Value.Answers))
            {
                Add(vip);
            }
        }

        return vips is null ? snapshot.Vips : vips;

        // While the API server is away, an address that was a deleted Service's may be a new one's.
        bool IsMissing(IpAddress vip) =>
            isSure ? !known.Contains(vip) && !snapshot.Unusable.ContainsKey(vip) : snapshot.Vips.GetValueOrDefault(vip) is not { Served: true };

        // In place of facts that may be half of them: a Service without the endpoints it has looks like one that has none.
        void Add(IpAddress vip) => (vips ??= new Dictionary<IpAddress, VipFacts>(snapshot.Vips))[vip] =
            new VipFacts { Address = vip, ElectionAddress = vip, Pool = UnknownPool, Served = true };
    }
}
