using LoadBalancer.Core.Addressing;
using LoadBalancer.Core.Heartbeats;
using LoadBalancer.Core.Timing;

namespace LoadBalancer.Core.Ownership;

/// <summary>A VIP for which something is to be done, with what led to it.</summary>
/// <param name="Vip">The address.</param>
/// <param name="Action">What to do; None if only the owner changed.</param>
/// <param name="Before">The state before.</param>
/// <param name="After">The state after.</param>
public readonly record struct OwnershipTransition(IpAddress Vip, OwnershipAction Action, OwnershipState Before, OwnershipState After);

/// <summary>The ownership of all VIPs on one segment. One thread at a time.</summary>
public sealed class SegmentOwnership
{
    private readonly Dictionary<IpAddress, OwnershipState> states = [];
    private readonly List<IpAddress> gone = [];

    // Until when those wait that wait for a time to come.
    private readonly Dictionary<IpAddress, TimeSpan> waiting = [];
    private int reunionsSeen;

    /// <summary>The number of VIPs this node owns here.</summary>
    public int Owned { get; private set; }

    /// <summary>The number of VIPs this node answers for in place of an owner whose speaker is away.</summary>
    public int Represented { get; private set; }

    /// <summary>The number of VIPs this node still answers for until another node does.</summary>
    public int HandedOver { get; private set; }

    /// <summary>The state of a VIP; the default for an unknown one.</summary>
    public OwnershipState this[IpAddress vip] => states.GetValueOrDefault(vip);

    /// <summary>Decides every VIP anew.</summary>
    /// <param name="vips">All VIPs, by address.</param>
    /// <param name="election">Who is alive and fit.</param>
    /// <param name="view">The segment the election is of.</param>
    /// <param name="leaveBy">While this node shuts down: when it stops answering at the latest.</param>
    /// <param name="now">Monotonic time.</param>
    /// <param name="transitions">Receives what changed.</param>
    /// <returns>When to decide again though nothing has changed, or null.</returns>
    public TimeSpan? Decide(
        IReadOnlyDictionary<IpAddress, VipFacts> vips,
        SegmentElection election,
        SegmentView view,
        TimeSpan? leaveBy,
        TimeSpan now,
        List<OwnershipTransition> transitions)
    {
        DropGone(vips, transitions);
        waiting.Clear();
        Owned = 0;
        Represented = 0;
        HandedOver = 0;

        // Whoever was cut off may have announced the same addresses, to hosts that believe it still.
        var reunited = view.Reunions != reunionsSeen;
        reunionsSeen = view.Reunions;
        foreach (var (address, facts) in vips)
        {
            var before = states.GetValueOrDefault(address);
            if (reunited && before.Part is OwnershipPart.Holder holder)
            {
                before = states[address] = before with { Part = holder with { Contested = true } };
            }

            Count(Decide(facts, before, election, view, leaveBy, now, transitions), 1);
        }

        return NextDue();
    }

    /// <summary>
    /// Decides some VIPs anew. For all others nothing has changed since the last decision that theirs depends on, and no time has come that they
    /// waited for (<see cref="AddDue"/>): deciding them would come to the same. The view is the one of the last decision, but for the claims on these.
    /// </summary>
    /// <param name="some">Which.</param>
    /// <param name="vips">All VIPs, by address; one of <paramref name="some"/> that is not among them is gone.</param>
    /// <param name="election">Who is alive and fit.</param>
    /// <param name="view">The segment the election is of.</param>
    /// <param name="now">Monotonic time.</param>
    /// <param name="transitions">Receives what changed.</param>
    /// <returns>When to decide again though nothing has changed, or null.</returns>
    public TimeSpan? DecideSome(
        IReadOnlyCollection<IpAddress> some, IReadOnlyDictionary<IpAddress, VipFacts> vips, SegmentElection election, SegmentView view, TimeSpan now,
        List<OwnershipTransition> transitions)
    {
        foreach (var address in some)
        {
            if (!vips.TryGetValue(address, out var facts))
            {
                if (states.ContainsKey(address))
                {
                    Drop(address, transitions);
                }

                continue;
            }

            var before = states.GetValueOrDefault(address);
            Count(before, -1);
            Count(Decide(facts, before, election, view, null, now, transitions), 1);
        }

        return NextDue();
    }

    /// <summary>Adds the VIPs for which a time has come that they waited for.</summary>
    public void AddDue(TimeSpan now, ISet<IpAddress> due)
    {
        foreach (var (address, at) in waiting)
        {
            if (at <= now)
            {
                due.Add(address);
            }
        }
    }

    /// <summary>
    /// Another interface of this node on the segment has owned the VIP until now: this one goes on with it, in the same term, and
    /// announces that it has another hardware address.
    /// </summary>
    /// <returns>The transition, or null if there is nothing to go on with.</returns>
    public OwnershipTransition? Adopt(IpAddress vip, in OwnershipState other)
    {
        var before = this[vip];
        if (other.Phase != OwnershipPhase.Owner || before.Phase == OwnershipPhase.Owner)
        {
            return null;
        }

        states[vip] = other;
        return new OwnershipTransition(vip, OwnershipAction.Announce, before, other);
    }

    /// <summary>Whether the node answers for the VIP on this segment.</summary>
    public bool Answers(IpAddress vip) => this[vip].Answers;

    /// <summary>What this node claims about a VIP in a state.</summary>
    /// <param name="vip">The VIP.</param>
    /// <param name="state">Its state.</param>
    /// <param name="self">This node.</param>
    /// <returns>The claim, or null to leave it as it is: a node that leaves goes on owning what its deputy answers for.</returns>
    public static Claim? ClaimOf(IpAddress vip, in OwnershipState state, string self) => state.Part switch
    {
        OwnershipPart.Holder { Yields: false, StandsDown: false } => new Claim(vip, self, state.Term, ClaimKind.Owner),
        OwnershipPart.Holder => new Claim(vip, self, state.Term, ClaimKind.Yielding),
        OwnershipPart.Former => new Claim(vip, self, Math.Max(1, state.Term), ClaimKind.Yielding),
        OwnershipPart.Deputy deputy => new Claim(vip, deputy.For, Math.Max(1, state.Term), ClaimKind.Deputy),
        _ when state.Owner == self => null,
        _ => new Claim(vip, self, 1, ClaimKind.Released),
    };

    /// <summary>The VIPs in a phase.</summary>
    public IEnumerable<KeyValuePair<IpAddress, OwnershipState>> All => states;

    /// <summary>Notes whether the owner of a VIP, which claims it, was found not to answer for it.</summary>
    public void Doubt(IpAddress vip, string? owner)
    {
        // Who took it over asks no more, and does not forget why while the other still claims it.
        if (states.TryGetValue(vip, out var state) && state.Doubts != owner && (owner is not null || state.Phase == OwnershipPhase.Away))
        {
            states[vip] = state with { Doubts = owner };
        }
    }

    /// <summary>This node gives a VIP away that another should own, though it is fit itself.</summary>
    public void Yield(IpAddress vip)
    {
        if (states.TryGetValue(vip, out var state) && state.Part is OwnershipPart.Holder holder)
        {
            states[vip] = state with { Part = holder with { Yields = true } };
        }
    }

    // A VIP whose Service is gone is nobody's: stop at once, another Service may get the address on another node.
    private void DropGone(IReadOnlyDictionary<IpAddress, VipFacts> vips, List<OwnershipTransition> transitions)
    {
        gone.Clear();
        foreach (var address in states.Keys)
        {
            if (!vips.ContainsKey(address))
            {
                gone.Add(address);
            }
        }

        foreach (var address in gone)
        {
            Drop(address, transitions);
        }
    }

    private void Drop(IpAddress address, List<OwnershipTransition> transitions)
    {
        states.Remove(address, out var before);
        waiting.Remove(address);
        Count(before, -1);
        var action = before.Phase == OwnershipPhase.Away ? OwnershipAction.None : OwnershipAction.StopAnswering;
        transitions.Add(new OwnershipTransition(address, action, before, default));
    }

    private OwnershipState Decide(
        VipFacts facts, in OwnershipState before, SegmentElection election, SegmentView view, TimeSpan? leaveBy, TimeSpan now, List<OwnershipTransition> transitions)
    {
        var address = facts.Address;
        var input = new OwnershipInput(view.Self.Node, election.Decide(facts, before), leaveBy, view.MayAct, view.MayServe, view.Majority, view.StandsDown);
        var (after, action) = OwnershipMachine.Step(before, input, now);
        if (after != before)
        {
            states[address] = after;
            transitions.Add(new OwnershipTransition(address, action, before, after));
        }

        // What is disputed is settled by waiting, too.
        var judgedAt = after.Dispute == default ? null : (TimeSpan?)(after.Dispute.Since + OwnershipMachine.FactsPatience);
        if (Deadline.Earlier(After(after.Part.Due, now), After(judgedAt, now)) is { } due)
        {
            waiting[address] = due;
        }
        else
        {
            waiting.Remove(address);
        }

        return after;
    }

    // A wait that is over and led to nothing goes on until something changes: looking again at once would find the same.
    private static TimeSpan? After(TimeSpan? due, TimeSpan now) => due > now ? due : null;

    private TimeSpan? NextDue()
    {
        TimeSpan? next = null;
        foreach (var due in waiting.Values)
        {
            next = Deadline.Earlier(next, due);
        }

        return next;
    }

    private void Count(in OwnershipState state, int by)
    {
        var phase = state.Phase;
        Owned += phase == OwnershipPhase.Owner ? by : 0;
        HandedOver += phase == OwnershipPhase.HandingOver ? by : 0;
        Represented += phase == OwnershipPhase.Deputy ? by : 0;
    }
}
