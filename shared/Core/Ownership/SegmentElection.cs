using LoadBalancer.Core.Addressing;
using LoadBalancer.Core.Heartbeats;
using LoadBalancer.Core.Pools;

namespace LoadBalancer.Core.Ownership;

/// <summary>
/// Decides who owns a VIP on one segment: the node that claims it while it is fit, else the first in the election order of those that
/// may. Made anew for each pass over the VIPs; what does not depend on the VIP is worked out once.
/// </summary>
public sealed class SegmentElection
{
    // The worst first: lower is better, 0 is a candidate without a flaw and ends the search.
    private const int NodeNotReady = 4;
    private const int NotInSubnet = 2;
    private const int HoldsBack = 1;

    private readonly ElectionOrders orders;
    private readonly SegmentView view;
    private readonly SegmentMember self;
    private readonly bool hasUnheard;
    private readonly bool areCurrent;
    private readonly TimeSpan now;
    private readonly int selfId;
    private readonly List<(SegmentMember Member, NodeFacts Facts)>?[] membersById;
    private readonly Dictionary<Pool, bool[]> selected = new(ReferenceEqualityComparer.Instance);

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

        var elected = Elect(vip, order, incumbent.Yields ? incumbent.Node : -1, own.Skipped, out _);
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

    /// <summary>The node that would own the VIP if nobody had it, or null.</summary>
    public string? Preferred(VipFacts vip)
    {
        var elected = Elect(vip, orders.Order(vip.ElectionAddress), -1, 0, out _);
        return elected < 0 ? null : orders.Nodes[elected];
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

    /// <summary>
    /// This node's interface on the segment that speaks for the VIP, if this node owns it or stands in for its owner: a node with several
    /// has one voice. Every node comes to the same answer.
    /// </summary>
    public string Voice(VipFacts vip) => view.Siblings.Count == 0 ? self.Link : Voice(membersById[selfId]!, vip).Link;

    /// <summary>Whether the VIP belongs on this node's interface: the pool names it, or where it names none, the interface has the subnet.</summary>
    public bool Concerns(VipFacts vip) =>
        vip.Pool.Interfaces.Count > 0 ? vip.Pool.Interfaces.Contains(self.Link) : self.Covers(vip.Address);

    /// <summary>Each interface of each living node and why the VIP may not be there, in the order of preference: for an Event or a diagnosis.</summary>
    public IReadOnlyList<LinkVerdict> Explain(VipFacts vip)
    {
        List<LinkVerdict> list = [];
        foreach (var entry in orders.Order(vip.ElectionAddress))
        {
            if (entry.Node < membersById.Length && membersById[entry.Node] is { } members)
            {
                list.AddRange(members.OrderBy(static m => m.Member.Link, StringComparer.Ordinal)
                    .Select(m => new LinkVerdict(m.Member.Node, m.Member.Link, Check(entry.Node, m.Member, m.Facts, vip))));
            }
        }

        return list;
    }

    // Of all who claim the VIP: the highest term, then the first in the order. A peer that does not hear this node cannot know what
    // this one claims, so that this one gives way; not to one that hears nobody at all, and whose link is deaf does not count.
    private Incumbency FindIncumbent(VipFacts vip, in OwnershipState own, ReadOnlySpan<ElectionOrders.Entry> order, out ulong highest)
    {
        var best = Incumbency.None;
        highest = own.Term;
        if (own.Phase is OwnershipPhase.Owner or OwnershipPhase.HandingOver)
        {
            best = new Incumbency(selfId, own.Term, own.Yields, Outranked: true);
        }

        foreach (var (claimant, _, claim) in view.Claims.For(vip.Address))
        {
            var id = orders.IdOf(claim.Subject);
            var by = orders.IdOf(claimant);
            var members = id < membersById.Length ? membersById[id] : null;
            var counts = claim.Kind == ClaimKind.Deputy
                ? IsPresent(by) && (id == selfId ? own.Phase == OwnershipPhase.Away : members is null || IsAway(id))
                : members is not null && id != selfId && !IsDeaf(id);
            if (!counts)
            {
                continue;
            }

            highest = Math.Max(highest, claim.Term);
            var doubted = claim.Kind == ClaimKind.Owner && claimant == own.Doubts;
            var deaf = claim.Kind != ClaimKind.Deputy && members is not null && !doubted
                && !members.Exists(static m => m.Member.HearsUs || m.Member.Away || m.Member.HearsNothing);
            var yields = (claim.Kind == ClaimKind.Yielding && !YieldsBlindly(members)) || doubted;
            var found = new Incumbency(id, claim.Term, yields, Outranked: !deaf);
            if (found.Beats(best, order))
            {
                best = found;
            }
        }

        return best;
    }

    private bool Keeps(in Incumbency incumbent, VipFacts vip, ReadOnlySpan<ElectionOrders.Entry> order, out bool away)
    {
        away = false;
        var id = incumbent.Node;
        if (incumbent.Yields || hasUnheard)
        {
            return false;
        }

        // Known by its deputy only.
        if (id >= membersById.Length || membersById[id] is not { } members)
        {
            away = true;
            return true;
        }

        away = id == selfId ? self.Leaving : IsAway(id);
        var flaws = int.MaxValue;
        foreach (var (member, facts) in members)
        {
            if (!member.GraceOver && !member.Deaf && CheckFacts(id, member, facts, vip) == Ineligible.None)
            {
                flaws = Math.Min(flaws, Flaws(member, facts, vip.Address));
            }
        }

        if (flaws == int.MaxValue)
        {
            return false;
        }

        // The API server has given the node up: one that it has not is better, if there is one.
        return flaws < NodeNotReady || Elect(vip, order, id, 0, out var best) < 0 || best >= NodeNotReady;
    }

    // Who is there and claims the VIP is not fit by what this node knows of it. If it was when the claim was first heard, the facts have changed
    // since. Otherwise the other knows better, or will in a moment: two that overrule each other would both answer, for as long as they differ.
    private bool Respects(in Incumbency incumbent, in OwnershipState own)
    {
        if (incumbent.Node < 0 || incumbent.Node == selfId || incumbent.Yields || hasUnheard || !IsPresent(incumbent.Node))
        {
            return false;
        }

        var claim = new AcceptedClaim(orders.Nodes[incumbent.Node], incumbent.Term);
        return !areCurrent || (own.Accepted != claim && !(own.Dispute.Claim == claim && now - own.Dispute.Since >= OwnershipMachine.FactsPatience));
    }

    private int Elect(VipFacts vip, ReadOnlySpan<ElectionOrders.Entry> order, int without, int skip, out int bestFlaws)
    {
        var best = -1;
        bestFlaws = int.MaxValue;
        foreach (var entry in order)
        {
            if (entry.Node < membersById.Length && entry.Node != without
                && Check(entry.Node, vip, out var flaws) == Ineligible.None && flaws < bestFlaws && (entry.Node == selfId || skip-- <= 0))
            {
                best = entry.Node;
                bestFlaws = flaws;
                if (flaws == 0)
                {
                    break;
                }
            }
        }

        return best;
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

    // The interface that claims it; of one that does not yet, the one that will.
    private MacAddress MacOf(int id, VipFacts vip, string? claimedOn)
    {
        var members = membersById[id]!;
        foreach (var (member, _) in members)
        {
            if (member.Link == claimedOn)
            {
                return member.Mac;
            }
        }

        return Voice(members, vip).Mac;
    }

    // Two interfaces of a node on one segment never answer both: one that may, in the subnet if there is one, the first by name.
    private static SegmentMember Voice(List<(SegmentMember Member, NodeFacts Facts)> members, VipFacts vip)
    {
        var best = members[0].Member;
        for (var i = 1; i < members.Count; i++)
        {
            var other = members[i].Member;
            var order = FlawsOf(other, vip).CompareTo(FlawsOf(best, vip));
            best = order < 0 || (order == 0 && string.CompareOrdinal(other.Link, best.Link) < 0) ? other : best;
        }

        return best;

        static int FlawsOf(SegmentMember member, VipFacts vip) =>
            CheckLink(member, vip) != Ineligible.None ? 2 : member.Covers(vip.Address) ? 0 : 1;
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

    private bool Claims(string node, IpAddress vip)
    {
        foreach (var (claimant, _, claim) in view.Claims.For(vip))
        {
            if (claimant == node && claim.Kind == ClaimKind.Owner)
            {
                return true;
            }
        }

        return false;
    }

    private bool IsPresent(int id) =>
        id < membersById.Length && membersById[id] is { } members && members.Exists(static m => m.Member is { Away: false, Deaf: false });

    private static bool YieldsBlindly(List<(SegmentMember Member, NodeFacts Facts)>? members) =>
        members is not null && members.Exists(static m => m.Member.YieldsBlindly);

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

    // A node with two interfaces on the segment is judged by the better of them.
    private Ineligible Check(int id, VipFacts vip, out int flaws)
    {
        flaws = int.MaxValue;
        var why = Ineligible.SpeakerNotReady;
        if (membersById[id] is not { } members)
        {
            return why;
        }

        foreach (var (member, facts) in members)
        {
            var reason = Check(id, member, facts, vip);
            if (reason == Ineligible.None)
            {
                flaws = Math.Min(flaws, Flaws(member, facts, vip.Address));
            }

            why = flaws < int.MaxValue ? Ineligible.None : reason;
        }

        return why;
    }

    private Ineligible Check(int id, SegmentMember member, NodeFacts facts, VipFacts vip) =>
        member.Leaving ? Ineligible.Leaving
        : member.Deaf ? Ineligible.CannotHear
        : !member.Ready ? Ineligible.SpeakerNotReady
        : CheckFacts(id, member, facts, vip);

    private Ineligible CheckFacts(int id, SegmentMember member, NodeFacts facts, VipFacts vip) =>
        facts.Excluded ? Ineligible.NodeExcluded
        : facts.NetworkUnavailable ? Ineligible.NetworkUnavailable
        : !Selected(vip.Pool, id) ? Ineligible.NodeSelector
        : CheckLink(member, vip) is var link && link != Ineligible.None ? link
        : vip.ServingNodes is { } serving && !serving.Contains(member.Node) ? Ineligible.NoLocalEndpoint
        : Ineligible.None;

    // An interface that the pool names needs no subnet: it is the user's word.
    private static Ineligible CheckLink(SegmentMember member, VipFacts vip) =>
        vip.Pool.Interfaces.Count > 0 ? vip.Pool.Interfaces.Contains(member.Link) ? Ineligible.None : Ineligible.Interface
        : !member.Covers(vip.Address) && member.CoversElsewhere(vip.Address) ? Ineligible.OtherSubnet
        : Ineligible.None;

    private static int Flaws(SegmentMember member, NodeFacts facts, IpAddress address) =>
        (facts.Ready ? 0 : NodeNotReady) | (member.Covers(address) ? 0 : NotInSubnet) | (member.Holding ? HoldsBack : 0);

    private bool Selected(Pool pool, int id)
    {
        if (pool.NodeSelectors.Count == 0)
        {
            return true;
        }

        if (!selected.TryGetValue(pool, out var byId))
        {
            byId = new bool[membersById.Length];
            for (var i = 0; i < byId.Length; i++)
            {
                byId[i] = membersById[i] is { Count: > 0 } members && pool.NodeSelectors.Any(s => s.Matches(members[0].Facts.Labels));
            }

            selected.Add(pool, byId);
        }

        return byId[id];
    }

    /// <summary>A claim in the running.</summary>
    private readonly record struct Incumbency(int Node, ulong Term, bool Yields, bool Outranked)
    {
        public static Incumbency None => new(-1, 0, false, true);

        public bool Beats(in Incumbency other, ReadOnlySpan<ElectionOrders.Entry> order) =>
            other.Node < 0
            || (Outranked != other.Outranked ? !Outranked
                : Term != other.Term ? Term > other.Term
                : Node != other.Node ? RankOf(Node, order) < RankOf(other.Node, order)
                : !Yields && other.Yields);
    }
}
