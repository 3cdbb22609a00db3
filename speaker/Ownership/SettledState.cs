using LoadBalancer.Core.Ownership;
using LoadBalancer.Core.Packets;
using LoadBalancer.Speaker.Membership;

namespace LoadBalancer.Speaker.Ownership;

/// <summary>What all links are decided by.</summary>
/// <param name="Snapshot">The VIPs; another one after any change of Services, endpoints, Nodes or pools.</param>
/// <param name="IsComplete">Whether those are all.</param>
/// <param name="IsCurrent">Whether what is known from the API server is what it has now.</param>
/// <param name="IsKeyed">Whether there is a heartbeat key.</param>
/// <param name="LeaveBy">While the program stops: when this node stops answering at the latest.</param>
internal readonly record struct DecisionFacts(VipSnapshot Snapshot, bool IsComplete, bool IsCurrent, bool IsKeyed, TimeSpan? LeaveBy);

/// <summary>
/// By what the last decision was made. As long as all of that is the same, and no time has come that it waited for, deciding again would come to the
/// same: with thousands of VIPs a renewed Lease or a question that is due must not cost a look at each of them. One thread at a time.
/// </summary>
internal sealed class SettledState
{
    // Should anything have been overlooked.
    private static readonly TimeSpan Longest = TimeSpan.FromSeconds(10);

    private readonly List<Link> links = [];
    private DecisionFacts facts;
    private TimeSpan until = TimeSpan.MinValue;

    /// <summary>When to decide again though nothing has changed, or null.</summary>
    public TimeSpan? Deadline { get; private set; }

    /// <summary>Whether a decision now would be the last one again. Never while the program stops.</summary>
    public bool IsSame(in DecisionFacts found, IReadOnlyList<LinkTurn> turns, TimeSpan now)
    {
        if (now >= until || found != facts || found.LeaveBy is not null || turns.Count != links.Count)
        {
            return false;
        }

        for (var i = 0; i < turns.Count; i++)
        {
            if (!links[i].IsSame(turns[i]))
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>It was decided.</summary>
    /// <param name="by">By what.</param>
    /// <param name="turns">And by which links.</param>
    /// <param name="deadline">When something waits to be decided, or null.</param>
    /// <param name="now">Monotonic time.</param>
    /// <param name="isFinal">Whether nothing changed: what a decision changes may lead to another one.</param>
    public void Note(in DecisionFacts by, IReadOnlyList<LinkTurn> turns, TimeSpan? deadline, TimeSpan now, bool isFinal)
    {
        if (!isFinal)
        {
            until = TimeSpan.MinValue;
            return;
        }

        facts = by;
        links.Clear();
        links.AddRange(turns.Select(static turn => new Link(turn)));

        // One that is over already led to nothing, and waits for something else.
        Deadline = deadline > now ? deadline : null;
        until = Deadline < now + Longest ? Deadline.Value : now + Longest;
    }

    // The table is another one when the hardware address is.
    private readonly struct Link(LinkTurn turn)
    {
        private readonly Segment segment = turn.Segment;
        private readonly LinkFacts facts = turn.Segment.Link.Facts;
        private readonly SegmentView view = turn.View;
        private readonly bool mute = turn.Mute;
        private readonly bool knowsTheOthers = turn.KnowsTheOthers;
        private readonly List<Segment> sameWire = [.. turn.SameWire.Select(static other => other.Segment)];

        public bool IsSame(LinkTurn turn) =>
            turn.Segment == segment && ReferenceEquals(turn.Segment.Link.Facts, facts) && turn.Mute == mute && turn.KnowsTheOthers == knowsTheOthers
            && turn.View.SaysTheSame(view) && sameWire.SequenceEqual(turn.SameWire.Select(static other => other.Segment));
    }
}
