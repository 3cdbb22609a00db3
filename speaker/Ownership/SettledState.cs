using LoadBalancer.Core.Addressing;
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
/// same: with thousands of VIPs a renewed Lease, a question that is due, or one more Service must not cost a look at each of them. One thread at a time.
/// </summary>
internal sealed class SettledState
{
    // Should anything have been overlooked.
    private static readonly TimeSpan Longest = TimeSpan.FromSeconds(10);

    private readonly List<Link> links = [];

    // What a decision changed may lead to another one.
    private readonly HashSet<IpAddress> open = [];
    private DecisionFacts facts;
    private TimeSpan until = TimeSpan.MinValue;

    /// <summary>When to decide again though nothing has changed, or null.</summary>
    public TimeSpan? Due { get; private set; }

    /// <summary>Which VIPs a decision now might decide otherwise than the last one, beside those whose time has come.</summary>
    /// <param name="found">By what it would be made.</param>
    /// <param name="turns">And by which links.</param>
    /// <param name="now">Monotonic time.</param>
    /// <param name="some">Receives them, if it cannot be all of them.</param>
    /// <returns>Whether it can be all of them. Always while the program stops.</returns>
    public bool MayBeAll(in DecisionFacts found, IReadOnlyList<LinkTurn> turns, TimeSpan now, ISet<IpAddress> some)
    {
        some.Clear();
        if (now >= until || found with { Snapshot = facts.Snapshot } != facts || found.LeaveBy is not null || turns.Count != links.Count
            || found.Snapshot.ChangedSince(facts.Snapshot) is not { } changed)
        {
            return true;
        }

        some.UnionWith(open);
        some.UnionWith(changed);
        for (var i = 0; i < turns.Count; i++)
        {
            if (!links[i].IsSame(turns[i]) || turns[i].View.Claims.ChangedSince(links[i].Claims) is not { } claimed)
            {
                return true;
            }

            some.UnionWith(claimed);
        }

        // Several links on a wire and owners that are away lead to VIPs that only a look at all of them finds.
        return (some.Count > 0 || now >= Due) && (!found.IsComplete || turns.Any(static turn => turn.SameWire.Count > 0 || turn.View.Peers.Any(static peer => peer.Away)));
    }

    /// <summary>The next decision may be on all VIPs.</summary>
    public void Forget() => until = TimeSpan.MinValue;

    /// <summary>Nothing had to be decided by these facts either.</summary>
    public void Follow(in DecisionFacts found) => facts = found;

    /// <summary>It was decided.</summary>
    /// <param name="by">By what.</param>
    /// <param name="turns">And by which links.</param>
    /// <param name="deadline">When something waits to be decided, or null.</param>
    /// <param name="now">Monotonic time.</param>
    /// <param name="wasAll">Whether all VIPs were decided.</param>
    /// <param name="changed">The VIPs of which anything changed by that.</param>
    public void Note(in DecisionFacts by, IReadOnlyList<LinkTurn> turns, TimeSpan? deadline, TimeSpan now, bool wasAll, IEnumerable<IpAddress> changed)
    {
        facts = by;
        links.Clear();
        links.AddRange(turns.Select(static turn => new Link(turn)));
        open.Clear();
        open.UnionWith(changed);

        // One that is over already led to nothing, and waits for something else.
        Due = deadline > now ? deadline : null;
        until = wasAll ? now + Longest : until;
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

        public ClaimView Claims => view.Claims;

        public bool IsSame(LinkTurn turn) =>
            turn.Segment == segment && ReferenceEquals(turn.Segment.Link.Facts, facts) && turn.Mute == mute && turn.KnowsTheOthers == knowsTheOthers
            && turn.View.SaysTheSame(view) && sameWire.SequenceEqual(turn.SameWire.Select(static other => other.Segment));
    }
}
