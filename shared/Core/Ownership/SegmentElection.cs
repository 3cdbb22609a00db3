using LoadBalancer.Core.Addressing;
using LoadBalancer.Core.Pools;

namespace LoadBalancer.Core.Ownership;

/// <summary>
/// Decides who owns a VIP on one segment: of the nodes that may, the first in the election order. Made anew for each pass over the
/// VIPs; what does not depend on the VIP is worked out once.
/// </summary>
public sealed class SegmentElection
{
    // The worst first: lower is better, 0 is a candidate without a flaw and ends the search.
    private const int NodeNotReady = 4;
    private const int NotInSubnet = 2;
    private const int HoldsBack = 1;

    private readonly ElectionOrders orders;
    private readonly SegmentMember self;
    private readonly int selfId;
    private readonly List<(SegmentMember Member, NodeFacts Facts)>?[] membersById;
    private readonly Dictionary<Pool, bool[]> selected = new(ReferenceEqualityComparer.Instance);

    /// <summary>An election among the members of a segment.</summary>
    /// <param name="orders">The remembered orders.</param>
    /// <param name="view">Who is alive.</param>
    /// <param name="nodes">What the API server says of a node; <see cref="NodeFacts.Unknown"/> if nothing.</param>
    public SegmentElection(ElectionOrders orders, SegmentView view, Func<string, NodeFacts> nodes)
    {
        this.orders = orders;
        self = view.Self;
        selfId = orders.IdOf(self.Node);
        foreach (var peer in view.Peers)
        {
            orders.IdOf(peer.Node);
        }

        membersById = new List<(SegmentMember, NodeFacts)>?[orders.Nodes.Count];
        foreach (var member in view.Peers.Append(self))
        {
            (membersById[orders.IdOf(member.Node)] ??= []).Add((member, nodes(member.Node)));
        }
    }

    /// <summary>Who owns the VIP here.</summary>
    public OwnerDecision Decide(VipFacts vip)
    {
        var selfFit = Check(selfId, vip, out _);
        if (!vip.Served)
        {
            return new OwnerDecision(null, NoOwner.NoServingEndpoint, selfFit);
        }

        int? best = null;
        var bestFlaws = int.MaxValue;
        foreach (var entry in orders.Order(vip.ElectionAddress))
        {
            if (entry.Node < membersById.Length && Check(entry.Node, vip, out var flaws) == Ineligible.None && flaws < bestFlaws)
            {
                best = entry.Node;
                bestFlaws = flaws;
                if (flaws == 0)
                {
                    break;
                }
            }
        }

        return best is { } id
            ? new OwnerDecision(orders.Nodes[id], NoOwner.None, selfFit)
            : new OwnerDecision(null, NoOwner.NoEligibleNode, selfFit);
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

    /// <summary>Each living node and why it may not own the VIP, in the order of preference: for an Event or a diagnosis.</summary>
    public IReadOnlyList<(string Node, Ineligible Why)> Explain(VipFacts vip)
    {
        List<(string, Ineligible)> list = [];
        foreach (var entry in orders.Order(vip.ElectionAddress))
        {
            if (entry.Node < membersById.Length && membersById[entry.Node] is not null)
            {
                list.Add((orders.Nodes[entry.Node], Check(entry.Node, vip, out _)));
            }
        }

        return list;
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
        : !member.Ready ? Ineligible.SpeakerNotReady
        : facts.Excluded ? Ineligible.NodeExcluded
        : facts.NetworkUnavailable ? Ineligible.NetworkUnavailable
        : !Selected(vip.Pool, id) ? Ineligible.NodeSelector
        : vip.Pool.Interfaces.Count > 0 && !vip.Pool.Interfaces.Contains(member.Link) ? Ineligible.Interface
        : !member.Covers(vip.Address) && member.CoversElsewhere(vip.Address) ? Ineligible.OtherSubnet
        : vip.ServingNodes is { } serving && !serving.Contains(member.Node) ? Ineligible.NoLocalEndpoint
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
