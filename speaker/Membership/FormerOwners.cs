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

    /// <summary>How long segments are sent on after an address was let go: a host that has not heard of the move asks again after half a minute.</summary>
    public static readonly TimeSpan LetGo = TimeSpan.FromSeconds(30);

    private readonly Dictionary<IpAddress, Former> nodes = [];

    // Between two owners: who had an address before nobody did, or before this node was to take it and might not yet.
    private readonly Dictionary<IpAddress, Former> between = [];

    // Of addresses that were let go: hosts that have not heard of it still send here. Since when, from the next look on.
    private readonly Dictionary<IpAddress, (Former Former, TimeSpan? Since)> letGo = [];

    /// <summary>Takes in what was decided.</summary>
    /// <param name="transitions">What changed.</param>
    /// <param name="claims">What the peers claim: a node that hears of a Service only when its address moves to it has not followed who had it.</param>
    /// <param name="self">This node.</param>
    public void Note(IReadOnlyList<OwnershipTransition> transitions, ClaimView claims, string self)
    {
        for (var i = 0; i < transitions.Count; i++)
        {
            var (vip, action, before, after) = transitions[i];
            var had = before.Owner == self ? null : before.Owner;
            if (after.Answers && after.Phase != OwnershipPhase.Deputy)
            {
                letGo.Remove(vip);
                if (IsTaken(transitions[i]))
                {
                    Take(vip, ClaimantOf(vip, claims, self) ?? had);
                }
            }
            else
            {
                Leave(vip, had, isGone: after is { Owner: null, Reason: NoOwner.None }, isOpen: after.Owner is null || after.Owner == self);
            }
        }
    }

    /// <summary>Says in what was decided from whom each address came that is taken.</summary>
    public void Name(List<OwnershipTransition> transitions)
    {
        for (var i = 0; i < transitions.Count; i++)
        {
            if (IsTaken(transitions[i]) && nodes.TryGetValue(transitions[i].Vip, out var former) && former.Node.Length > 0)
            {
                transitions[i] = transitions[i] with { Before = transitions[i].Before with { Owner = former.Node } };
            }
        }
    }

    private static bool IsTaken(in OwnershipTransition transition) =>
        transition is { Action: OwnershipAction.Announce, Before.Phase: OwnershipPhase.Away or OwnershipPhase.Deputy, After.Phase: OwnershipPhase.Owner };

    // Whoever has it, or still answers until this node does; of several the one that had it last.
    private static string? ClaimantOf(IpAddress vip, ClaimView claims, string self)
    {
        PeerClaim? found = null;
        foreach (var claim in claims.For(vip))
        {
            if (claim.Claim.Kind is ClaimKind.Owner or ClaimKind.Yielding && claim.Claimant != self && !(claim.Claim.Term <= found?.Claim.Term))
            {
                found = claim;
            }
        }

        return found?.Claimant;
    }

    private void Take(IpAddress vip, string? had)
    {
        var knew = between.Remove(vip, out var earlier);
        if (had is not null || knew)
        {
            nodes[vip] = had is null ? earlier : new Former(had, 0, null);
        }
    }

    // If nobody has it, or this node is to take it, whoever had it last is still the one who knows its connections.
    private void Leave(IpAddress vip, string? had, bool isGone, bool isOpen)
    {
        if (nodes.Remove(vip, out var former) && !isGone)
        {
            letGo[vip] = (former, null);
        }

        if (isGone || !isOpen)
        {
            between.Remove(vip);
        }
        else if (former.Node is not null || had is not null)
        {
            between[vip] = former.Node is not null ? former : new Former(had!, 0, null);
        }
    }

    /// <summary>
    /// Who says that it owns what this node keeps: behind a cut both did, and what began there then goes on there. A former owner that lives
    /// counts for more.
    /// </summary>
    /// <param name="vips">Of which addresses it is asked.</param>
    /// <param name="ownership">What this node owns.</param>
    /// <param name="view">Who is alive, and claims what.</param>
    public void NoteRivals(IEnumerable<IpAddress> vips, SegmentOwnership ownership, SegmentView view)
    {
        foreach (var vip in vips)
        {
            if (ownership[vip].Part is not OwnershipPart.Holder { Contested: true } || nodes.GetValueOrDefault(vip) is { Node: not null, LostAt: null })
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
            var peer = mac.Value == 0 ? null : view.Peers.FirstOrDefault(peer => peer.Mac == mac);
            if (ownership[vip].Phase == OwnershipPhase.Owner)
            {
                nodes.TryAdd(vip, peer is null ? new Former("", 0, now) : new Former(peer.Node, 0, null));
            }
            else if (peer is not null && (ownership[vip].Owner ?? view.Self.Node) == view.Self.Node)
            {
                // It may still become this node's: nobody has heard of it, or the others have not lost the former run yet.
                between.TryAdd(vip, new Former(peer.Node, 0, null));
                letGo.TryAdd(vip, (new Former(peer.Node, 0, null), null));
            }
        }
    }

    /// <summary>
    /// The former owners with their hardware addresses; zero for one that is lost, which is forgotten after <see cref="Tells"/>. Also, for a
    /// while, of addresses that were let go.
    /// </summary>
    public IReadOnlyDictionary<IpAddress, MacAddress> Heard(SegmentView view, TimeSpan now)
    {
        if (nodes.Count + letGo.Count == 0)
        {
            return None;
        }

        var macs = new Dictionary<IpAddress, MacAddress>(nodes.Count + letGo.Count);
        foreach (var (vip, (former, at)) in letGo)
        {
            var since = at ?? now;
            letGo[vip] = (former, since);
            if (now - since < LetGo && Peer(view, former) is { } peer)
            {
                macs.Add(vip, peer.Mac);
            }
            else
            {
                letGo.Remove(vip);
            }
        }

        foreach (var (vip, former) in nodes)
        {
            if (now - former.LostAt > Tells)
            {
                nodes.Remove(vip);
                continue;
            }

            var peer = Peer(view, former);
            nodes[vip] = peer is null ? former with { LostAt = former.LostAt ?? now } : new Former(former.Node, peer.Run, null);
            macs.Add(vip, peer?.Mac ?? default);
        }

        return macs;
    }

    /// <summary>When to look again, for addresses that were let go; null for none.</summary>
    public TimeSpan? Due => letGo.Count == 0 ? null : letGo.Values.Min(static entry => entry.Since) + LetGo;

    private static SegmentMember? Peer(SegmentView view, in Former former) =>
        Find(view, former.Node) is { } peer && (former.LostAt is null || former.Run == peer.Run) ? peer : null;

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
