using LoadBalancer.Core.Addressing;
using LoadBalancer.Core.Heartbeats;
using LoadBalancer.Core.Ownership;

namespace LoadBalancer.Speaker.Membership;

/// <summary>
/// From whom each address came that this node owns: the kernel of the former owner knows the connections that began there. It is known for
/// as long as the former owner is heard on the wire; one that was lost has lost its connections, and whoever still uses one is to be told. One
/// thread at a time.
/// </summary>
public sealed class FormerOwners
{
    /// <summary>None.</summary>
    public static readonly IReadOnlyDictionary<IpAddress, MacAddress> None = new Dictionary<IpAddress, MacAddress>();

    /// <summary>How long the hosts are told that the connections of a lost node are over: a host that has not sent anything since then asks late.</summary>
    public static readonly TimeSpan Tells = TimeSpan.FromMinutes(10);

    private readonly Dictionary<IpAddress, Former> nodes = [];

    /// <summary>Takes in what was decided.</summary>
    /// <param name="transitions">What changed.</param>
    /// <param name="self">This node.</param>
    public void Note(IReadOnlyList<OwnershipTransition> transitions, string self)
    {
        for (var i = 0; i < transitions.Count; i++)
        {
            var (vip, action, before, after) = transitions[i];
            if (after.Phase != OwnershipPhase.Owner)
            {
                nodes.Remove(vip);
            }
            else if (action == OwnershipAction.Announce && before.Owner is { } former && former != self)
            {
                nodes[vip] = new Former(former, 0, null);
            }
        }
    }

    /// <summary>
    /// Who says that it owns what this node keeps: behind a cut both did, and what began there then goes on there. A former owner that lives
    /// counts for more.
    /// </summary>
    /// <param name="ownership">What this node owns.</param>
    /// <param name="view">Who is alive, and claims what.</param>
    public void NoteRivals(SegmentOwnership ownership, SegmentView view)
    {
        foreach (var (vip, state) in ownership.All)
        {
            if (state.Part is not OwnershipPart.Holder { Contested: true } || nodes.GetValueOrDefault(vip) is { Node: not null, LostAt: null })
            {
                continue;
            }

            foreach (var (claimant, _, claim) in view.Claims.For(vip))
            {
                if (claim.Kind == ClaimKind.Owner && claimant != view.Self.Node)
                {
                    nodes[vip] = new Former(claimant, 0, null);
                }
            }
        }
    }

    /// <summary>What the run before this one knew: the hardware addresses, which say who it was.</summary>
    /// <param name="left">What it left in the kernel.</param>
    /// <param name="ownership">What this node owns.</param>
    /// <param name="view">Who is alive.</param>
    /// <param name="now">Monotonic time.</param>
    public void Adopt(IReadOnlyDictionary<IpAddress, MacAddress> left, SegmentOwnership ownership, SegmentView view, TimeSpan now)
    {
        foreach (var (vip, mac) in left)
        {
            if (ownership[vip].Phase == OwnershipPhase.Owner)
            {
                var peer = mac.Value == 0 ? null : view.Peers.FirstOrDefault(peer => peer.Mac == mac);
                nodes.TryAdd(vip, peer is null ? new Former("", 0, now) : new Former(peer.Node, 0, null));
            }
        }
    }

    /// <summary>The former owners with their hardware addresses; zero for one that is lost, which is forgotten after <see cref="Tells"/>.</summary>
    public IReadOnlyDictionary<IpAddress, MacAddress> Heard(SegmentView view, TimeSpan now)
    {
        if (nodes.Count == 0)
        {
            return None;
        }

        var macs = new Dictionary<IpAddress, MacAddress>(nodes.Count);
        foreach (var (vip, former) in nodes)
        {
            if (now - former.LostAt > Tells)
            {
                nodes.Remove(vip);
                continue;
            }

            var found = Find(view, former.Node) is { } peer && (former.LostAt is null || former.Run == peer.Run) ? peer : null;
            nodes[vip] = found is null ? former with { LostAt = former.LostAt ?? now } : new Former(former.Node, found.Run, null);
            macs.Add(vip, found?.Mac ?? default);
        }

        return macs;
    }

    private static SegmentMember? Find(SegmentView view, string node)
    {
        foreach (var peer in view.Peers)
        {
            if (peer.Node == node && peer.Source == MemberSource.Wire && !peer.Deaf && !peer.Apart && peer.Mac.Value != 0)
            {
                return peer;
            }
        }

        return null;
    }

    // The run that was heard last; 0 for one that never was.
    private readonly record struct Former(string Node, ulong Run, TimeSpan? LostAt);
}
