using LoadBalancer.Core.Addressing;
using LoadBalancer.Core.Heartbeats;

namespace LoadBalancer.Core.Ownership;

/// <summary>
/// Decides who owns a VIP on one segment: the node that claims it while it is fit, else the first in the election order of those that
/// may. Made anew for each pass over the VIPs; what does not depend on the VIP is worked out once.
/// </summary>
public sealed partial class SegmentElection
{
    private readonly ElectionOrders orders;
    private readonly SegmentView view;
    private readonly SegmentMember self;
    private readonly bool hasUnheard;
    private readonly bool areCurrent;
    private readonly TimeSpan now;
    private readonly int selfId;
    private readonly List<(SegmentMember Member, NodeFacts Facts)>?[] membersById;

    /// <summary>An election among the members of a segment.</summary>
    /// <param name="orders">The remembered orders.</param>
    /// <param name="view">Who is alive.</param>
    /// <param name="nodes">What the API server says of a node; <see cref="NodeFacts.Unknown"/> if nothing.</param>
    /// <param name="areCurrent">Whether what this node knows from the API server is what it has now.</param>
    /// <param name="now">Monotonic time.</param>
    public SegmentElection(
        ElectionOrders orders, SegmentView view, Func<string, NodeFacts> nodes, bool areCurrent = true, TimeSpan now = default)
    {
        this.areCurrent = areCurrent;
        this.now = now;
        this.orders = orders;
        this.view = view;
        self = view.Self;

        // Who is known by its Lease only hears no claims and goes by the order alone; so must everybody then. Other parts concern nobody here.
        hasUnheard = view.Peers.Any(static peer => peer is { Source: MemberSource.Lease, Ready: true, Apart: false });
        selfId = orders.IdOf(self.Node);
        foreach (var peer in view.Peers)
        {
            orders.IdOf(peer.Node);
        }

        membersById = new List<(SegmentMember, NodeFacts)>?[orders.Nodes.Count];
        foreach (var member in view.Peers.Where(static peer => !peer.Apart).Append(self).Concat(view.Siblings))
        {
            (membersById[orders.IdOf(member.Node)] ??= []).Add((member, nodes(member.Node)));
        }
    }

    /// <summary>Who owns a VIP that nobody claims yet: the first of the candidates.</summary>
    public OwnerDecision Decide(VipFacts vip) => Decide(vip, default);

    /// <summary>Who owns the VIP here: the node that claims it, while it is fit; else the first of the candidates.</summary>
    /// <param name="vip">The VIP.</param>
    /// <param name="own">This node's part in it.</param>
    public OwnerDecision Decide(VipFacts vip, in OwnershipState own)
    {
        var selfFit = Check(selfId, vip, out _);
        var order = orders.Order(vip.ElectionAddress);
        var incumbent = FindIncumbent(vip, own, order, out var highest);
        var decision = new OwnerDecision(null, NoOwner.None, selfFit)
        {
            Incumbent = incumbent.Node < 0 ? null : orders.Nodes[incumbent.Node],
            Term = incumbent.Term,
            HighestTerm = highest,
            DoubtedClaims = own.Doubts is { } doubted && Claims(doubted, vip.Address),
            FormerGaveWay = incumbent.Node < 0 && own.Term > 0 && own.Owner is { } former && former != self.Node && IsPresent(orders.IdOf(former)),
        };
        if (!vip.Served)
        {
            return decision with { Reason = NoOwner.NoServingEndpoint };
        }

        if (incumbent.Node >= 0 && Keeps(incumbent, vip, order, out var away))
        {
            return Describe(decision, incumbent.Node, vip, own, order, away);
        }

        if (Respects(incumbent, own))
        {
            return Describe(decision with { Disputed = true }, incumbent.Node, vip, own, order, away: false);
        }

        var elected = Elect(vip, order, incumbent.Yields ? incumbent.Node : -1, (own.Part as OwnershipPart.Watcher)?.Skipped ?? 0, out _);
        if (elected < 0 && incumbent.Yields)
        {
            elected = Elect(vip, order, -1, 0, out _);
        }

        return elected < 0
            ? decision with { Reason = NoOwner.NoEligibleNode }
            : Describe(decision, elected, vip, own, order, away: false);
    }

    /// <summary>
    /// The hardware address of a VIP's owner if this node is to look whether the owner answers: it is the one that would take over. Else null.
    /// </summary>
    public MacAddress? Watches(VipFacts vip, string owner)
    {
        var id = orders.IdOf(owner);
        if (id == selfId || !IsPresent(id) || !HearsUs(id) || hasUnheard || Elect(vip, orders.Order(vip.ElectionAddress), id, 0, out _) != selfId)
        {
            return null;
        }

        foreach (var (claimant, link, claim) in view.Claims.For(vip.Address))
        {
            if (claim.Kind == ClaimKind.Owner && claimant == owner)
            {
                return MacOf(id, vip, link);
            }
        }

        return null;
    }

    /// <summary>
    /// Whether this node is the one to report on the VIP: the first in its order that is alive, fit or not. Every node comes to the same
    /// answer, so that a withdrawal is told once.
    /// </summary>
    /// <param name="electionAddress">See <see cref="VipFacts.ElectionAddress"/>.</param>
    public bool SelfReports(IpAddress electionAddress)
    {
        foreach (var entry in orders.Order(electionAddress))
        {
            if (entry.Node < membersById.Length && membersById[entry.Node] is { } members && members.Exists(m => !m.Member.Leaving))
            {
                return entry.Node == selfId;
            }
        }

        return false;
    }

    private OwnerDecision Describe(
        OwnerDecision decision, int owner, VipFacts vip, in OwnershipState own, ReadOnlySpan<ElectionOrders.Entry> order, bool away)
    {
        var members = owner < membersById.Length ? membersById[owner] : null;
        var name = orders.Nodes[owner];
        bool claimed = false, rival = false, deputyClaimed = false;
        string? deputy = null, voice = null;
        var deputyRank = UInt128.MaxValue;
        foreach (var (claimant, link, claim) in view.Claims.For(vip.Address))
        {
            var by = orders.IdOf(claimant);
            if (claim.Kind == ClaimKind.Deputy && claim.Subject == name && IsPresent(by))
            {
                deputyClaimed = true;
                var rank = RankOf(by, order);
                (deputy, deputyRank) = rank < deputyRank ? (claimant, rank) : (deputy, deputyRank);
            }
            else if (claim.Kind == ClaimKind.Owner && IsPresent(by))
            {
                claimed |= claimant == name;
                rival |= claimant != name;
            }

            voice = claim.Kind == ClaimKind.Owner && claimant == name ? link : voice;
        }

        if (away && own.Phase == OwnershipPhase.Deputy && RankOf(selfId, order) < deputyRank)
        {
            deputy = self.Node;
        }
        else if (away && deputy is null)
        {
            deputy = ElectDeputy(owner, order);
        }

        return decision with
        {
            Owner = name,
            Claimed = claimed && owner != selfId,
            Rival = rival && owner == selfId,
            OwnerAway = away,
            Deputy = away ? deputy : null,
            DeputyClaimed = deputyClaimed,
            OwnerMac = owner == selfId || members is null ? default : MacOf(owner, vip, voice),
            Unheard = owner != selfId && members is not null && members.TrueForAll(static m => m.Member.Source == MemberSource.Lease),
        };
    }

    // Whoever is there and ready: it is the owner that serves the traffic. Nobody is away for a deputy while somebody is known by its Lease alone.
    private string? ElectDeputy(int owner, ReadOnlySpan<ElectionOrders.Entry> order)
    {
        foreach (var entry in order)
        {
            if (entry.Node != owner && entry.Node < membersById.Length && membersById[entry.Node] is { } members
                && members.Exists(static m => m.Member is { Ready: true, Leaving: false, Away: false }))
            {
                return orders.Nodes[entry.Node];
            }
        }

        return null;
    }

    // Somebody who claims something may have been met after this election began, or be in another part.
    private bool IsMember(int id) => id < membersById.Length && membersById[id] is not null;

    private bool IsPresent(int id) =>
        id < membersById.Length && membersById[id] is { } members && members.Exists(static m => m.Member is { Away: false, Deaf: false });

    private bool IsDeaf(int id) => membersById[id] is { } members && members.TrueForAll(static m => m.Member.Deaf);

    // Of one that does not hear this node no answer can be expected.
    private bool HearsUs(int id) => membersById[id] is { } members && members.Exists(static m => m.Member.HearsUs);

    private bool IsAway(int id) =>
        membersById[id] is { } members && members.TrueForAll(static m => m.Member.Away);

    private static UInt128 RankOf(int id, ReadOnlySpan<ElectionOrders.Entry> order)
    {
        foreach (var entry in order)
        {
            if (entry.Node == id)
            {
                return entry.Rank;
            }
        }

        return UInt128.MaxValue;
    }
}
