using LoadBalancer.Core.Addressing;
using LoadBalancer.Core.Pools;

namespace LoadBalancer.Core.Ownership;

/// <content>Who may own a VIP, and who comes first of those that may.</content>
public sealed partial class SegmentElection
{
    // The worst first: lower is better, 0 is a candidate without a flaw and ends the search.
    private const int NodeNotReady = 4;
    private const int NotInSubnet = 2;
    private const int HoldsBack = 1;

    private readonly Dictionary<Pool, bool[]> selected = new(ReferenceEqualityComparer.Instance);

    /// <summary>The node that would own the VIP if nobody had it, or null.</summary>
    public string? Preferred(VipFacts vip)
    {
        var elected = Elect(vip, orders.Order(vip.ElectionAddress), -1, 0, out _);
        return elected < 0 ? null : orders.Nodes[elected];
    }

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
}
