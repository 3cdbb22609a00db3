using LoadBalancer.Core.Addressing;

namespace LoadBalancer.Core.Ownership;

/// <content>A node with several interfaces on the segment has one voice.</content>
public sealed partial class SegmentElection
{
    /// <summary>
    /// This node's interface on the segment that speaks for the VIP, if this node owns it or stands in for its owner: a node with several
    /// has one voice. Every node comes to the same answer.
    /// </summary>
    public string Voice(VipFacts vip) => view.Siblings.Count == 0 ? self.Link : Voice(membersById[selfId]!, vip).Link;

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
}
