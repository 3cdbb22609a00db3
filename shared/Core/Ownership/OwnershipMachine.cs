namespace LoadBalancer.Core.Ownership;

/// <summary>What is remembered of one VIP on one segment between two decisions. The default is a VIP never seen.</summary>
/// <param name="Owner">The node held to be the owner, or null.</param>
/// <param name="Reason">Why nobody owns it.</param>
/// <param name="Term">As owner the term this node claims; else the highest term it has seen.</param>
public readonly record struct OwnershipState(string? Owner, NoOwner Reason, ulong Term)
{
    private readonly OwnershipPart? part;

    /// <summary>The part this node plays, with what only that has to remember.</summary>
    public OwnershipPart Part
    {
        get => part ?? OwnershipPart.Idle;
        init => part = value == OwnershipPart.Idle ? null : value;
    }

    /// <summary>Where this node stands.</summary>
    public OwnershipPhase Phase => Part.Phase;

    /// <summary>A node that claims the VIP and was found not to answer for it; kept for as long as it claims it.</summary>
    public string? Doubts { get; init; }

    /// <summary>The claim of another node that was found to be right last: when facts change after that, they count at once.</summary>
    public AcceptedClaim Accepted { get; init; }

    /// <summary>Since when a claim of another node contradicts the facts of this one; with which claim. The default for none.</summary>
    public (AcceptedClaim Claim, TimeSpan Since) Dispute { get; init; }

    /// <summary>Whether this node answers for it.</summary>
    public bool Answers => Phase != OwnershipPhase.Away;
}

/// <summary>A claim of another node.</summary>
/// <param name="Node">The node.</param>
/// <param name="Term">Its term.</param>
public readonly record struct AcceptedClaim(string? Node, ulong Term);

/// <summary>What is to be done about a VIP on a link.</summary>
public enum OwnershipAction
{
    /// <summary>Nothing.</summary>
    None,

    /// <summary>Start to answer, or go on, and announce.</summary>
    Announce,

    /// <summary>Start to answer. Everybody knows where the VIP is: this node's speaker was away, its deputy answered.</summary>
    Resume,

    /// <summary>Start to answer with the owner's hardware address, and repeat that address.</summary>
    Deputize,

    /// <summary>Another is to take over: go on answering, announce no more.</summary>
    KeepAnswering,

    /// <summary>Answer no more.</summary>
    StopAnswering,
}

/// <summary>What one decision is made from.</summary>
/// <param name="Self">This node's name.</param>
/// <param name="Decision">Who owns the VIP by the facts of the moment.</param>
/// <param name="LeaveBy">While this node shuts down: when it stops answering at the latest; else null.</param>
/// <param name="MayAct">Whether this node may take what is free.</param>
/// <param name="MayServe">Whether this node may go on with what is its own: it knows what the others claim.</param>
/// <param name="Majority">Whether this node hears more than half of the nodes it knows.</param>
/// <param name="StandsDown">Whether this node's link hears nothing, as far as it can tell.</param>
public readonly record struct OwnershipInput(
    string Self, OwnerDecision Decision, TimeSpan? LeaveBy, bool MayAct = true, bool MayServe = true, bool Majority = true,
    bool StandsDown = false);

/// <summary>The pure state machine of one VIP on one segment.</summary>
public static class OwnershipMachine
{
    /// <summary>
    /// How long the former owner answers on when the new one cannot be heard. It learns of the change from the same fact and answers
    /// within milliseconds; longer would only prolong the time in which two nodes answer.
    /// </summary>
    public static TimeSpan HandOver => TimeSpan.FromMilliseconds(200);

    /// <summary>How long the former owner answers on for traffic that is lost at its node, if nobody says that it took over.</summary>
    public static TimeSpan LostTraffic => TimeSpan.FromSeconds(1);

    /// <summary>How long the elected node is waited for when nobody has the VIP; then the next may take it: the first may not know the Service yet.</summary>
    public static TimeSpan Patience => TimeSpan.FromMilliseconds(1500);

    /// <summary>
    /// How long a claim that is newer than this node's facts, and contradicts them, is respected: longer than it takes to notice that the API
    /// server is away (HTTP/2 pings, 25 s).
    /// </summary>
    public static TimeSpan FactsPatience => TimeSpan.FromSeconds(30);

    /// <summary>How long a VIP is left alone that its owner has just let go in favour of somebody.</summary>
    public static TimeSpan GaveWay => TimeSpan.FromMilliseconds(500);

    /// <summary>
    /// The term of a take-over. One by the larger part of the segment is odd and above all before. One by a part that may be the one that
    /// was cut off is even and just below the last odd one: while the parts cannot hear each other it makes no difference, and when they
    /// can again, the VIP stays where most of the nodes have it, instead of moving to the node whose cable was loose.
    /// </summary>
    /// <param name="highest">The highest term seen.</param>
    /// <param name="majority">Whether the node hears more than half of the nodes it knows.</param>
    public static ulong NextTerm(ulong highest, bool majority) => majority ? (highest | 1) + 2 : Math.Max(2, highest & ~1UL);

    /// <summary>One step.</summary>
    /// <param name="state">The state so far.</param>
    /// <param name="input">The facts.</param>
    /// <param name="now">Monotonic time.</param>
    /// <returns>The new state, and what is to be done.</returns>
    public static (OwnershipState State, OwnershipAction Action) Step(OwnershipState state, in OwnershipInput input, TimeSpan now)
    {
        var decision = input.Decision;
        var next = Judge(state with { Owner = decision.Owner, Reason = decision.Reason }, input, now);
        if (decision.Owner == input.Self)
        {
            return input.LeaveBy is { } leaveBy ? Leave(next, decision, leaveBy, now) : Own(state, next, input, now);
        }

        // It left, and nobody answered in its place in time: it is this node's still, for a deputy that comes later and for its own next run.
        if (input.LeaveBy is not null && state.Owner == input.Self && state.Part is OwnershipPart.Watcher && decision.Incumbent is null)
        {
            return (state, OwnershipAction.None);
        }

        return state.Part switch
        {
            OwnershipPart.Watcher watcher => Watch(state, watcher, next, input, now),
            OwnershipPart.Deputy deputy => Represent(deputy, next, input),
            var part => GiveUp(state, part as OwnershipPart.Former, next, input, now),
        };
    }

    private static OwnershipState Judge(OwnershipState state, in OwnershipInput input, TimeSpan now)
    {
        var decision = input.Decision;
        if (decision.Incumbent is null || decision.Incumbent == input.Self || decision.Owner != decision.Incumbent)
        {
            return state;
        }

        var claim = new AcceptedClaim(decision.Incumbent, decision.Term);
        return !decision.Disputed ? state with { Accepted = claim, Dispute = default }
            : state.Dispute.Claim == claim ? state
            : state with { Dispute = (claim, now) };
    }

    private static (OwnershipState State, OwnershipAction Action) Own(
        OwnershipState state, OwnershipState next, in OwnershipInput input, TimeSpan now)
    {
        var decision = input.Decision;
        var resumes = decision.Incumbent == input.Self;
        if (resumes && state.Part is OwnershipPart.Holder holder)
        {
            return GoOn(state, holder, next, input);
        }

        var watcher = state.Part as OwnershipPart.Watcher;
        if (!(resumes ? input.MayServe : input.MayAct))
        {
            return (watcher is null ? next : next with { Term = Math.Max(state.Term, decision.HighestTerm) }, OwnershipAction.None);
        }

        // Whoever still wants to be relieved says so. One that just stopped heard a better claim, which is on its way to us.
        if (decision.FormerGaveWay && watcher is not null && !(watcher.WaitsUntil <= now))
        {
            return (watcher.WaitsUntil is null ? state with { Part = watcher with { WaitsUntil = now + GaveWay } } : state, OwnershipAction.None);
        }

        var owner = next with
        {
            Part = new OwnershipPart.Holder { StandsDown = input.StandsDown, Contested = decision.Rival },
            Doubts = decision.DoubtedClaims ? state.Doubts : null,
            Term = resumes ? decision.Term : NextTerm(Math.Max(state.Term, decision.HighestTerm), input.Majority),
        };
        return (owner, resumes && watcher is not null ? OwnershipAction.Resume : OwnershipAction.Announce);
    }

    // The winner announces once more when the loser has stopped: what the loser said last must not be the last word.
    // So does one that stood down: another may have had the VIP meanwhile and be gone again.
    private static (OwnershipState State, OwnershipAction Action) GoOn(
        OwnershipState state, OwnershipPart.Holder holder, OwnershipState next, in OwnershipInput input)
    {
        var decision = input.Decision;
        var settled = !input.StandsDown && ((holder.Contested && !decision.Rival) || holder.StandsDown);
        var action = settled ? OwnershipAction.Announce
            : input.StandsDown && !holder.StandsDown ? OwnershipAction.KeepAnswering
            : OwnershipAction.None;
        var contested = decision.Rival || (input.StandsDown && holder.Contested);
        return (next with
        {
            Part = contested == holder.Contested && input.StandsDown == holder.StandsDown
                ? holder
                : holder with { Contested = contested, StandsDown = input.StandsDown },
            Doubts = decision.DoubtedClaims ? state.Doubts : null,
        }, action);
    }

    // The node stays when its speaker goes: it remains the owner, and answers until its deputy does.
    private static (OwnershipState State, OwnershipAction Action) Leave(OwnershipState next, in OwnerDecision decision, TimeSpan leaveBy, TimeSpan now)
    {
        var stops = decision.DeputyClaimed || now >= leaveBy;
        return next.Part switch
        {
            OwnershipPart.Watcher => (next, OwnershipAction.None),
            OwnershipPart.Holder holder when !stops => (next with { Part = holder with { LeavesBy = leaveBy } }, OwnershipAction.None),
            OwnershipPart.Former when !stops => (next with { Part = new OwnershipPart.Former(leaveBy) }, OwnershipAction.None),
            _ => (Stopped(next), OwnershipAction.StopAnswering),
        };
    }

    private static (OwnershipState State, OwnershipAction Action) GiveUp(
        OwnershipState state, OwnershipPart.Former? former, OwnershipState next, in OwnershipInput input, TimeSpan now)
    {
        var decision = input.Decision;
        if (DeputyFor(input) is { } deputy)
        {
            return (Represents(next, deputy, decision), OwnershipAction.Deputize);
        }

        var limit = input.LeaveBy
            ?? (decision.Unheard ? HandOver + now : IsTrafficLost(decision.Self) ? LostTraffic + now : (TimeSpan?)null);
        var until = former?.Until is { } before && limit is not null && !(limit < before) ? before : limit;
        var taken = decision.Claimed || (decision.OwnerAway && decision.DeputyClaimed);
        var goesOn = !taken && !(until <= now)
            && (decision.Owner is not null || input.LeaveBy is not null) && decision.Reason != NoOwner.NoServingEndpoint;
        return goesOn
            ? (next with { Part = former is not null && former.Until == until ? former : new OwnershipPart.Former(until) },
                former is null ? OwnershipAction.KeepAnswering : OwnershipAction.None)
            : (Stopped(next) with { Term = Math.Max(state.Term, decision.HighestTerm) }, OwnershipAction.StopAnswering);
    }

    private static (OwnershipState State, OwnershipAction Action) Represent(OwnershipPart.Deputy deputy, OwnershipState next, in OwnershipInput input)
    {
        var decision = input.Decision;
        var done = decision.Owner is null || decision.Claimed || input.LeaveBy is not null || decision.Unheard
            || (decision.OwnerAway && decision.Deputy != input.Self && decision.DeputyClaimed);
        if (done)
        {
            return (Stopped(next) with { Term = Math.Max(next.Term, decision.HighestTerm) }, OwnershipAction.StopAnswering);
        }

        // The owner may have come back with another interface. A successor that has not claimed yet is waited for.
        if (!decision.OwnerAway || decision.OwnerMac.Value == 0)
        {
            return (next, OwnershipAction.None);
        }

        var isSame = deputy.For == decision.Owner && deputy.Mac == decision.OwnerMac;
        return (Represents(next, isSame ? deputy : new OwnershipPart.Deputy(decision.Owner!, decision.OwnerMac), decision),
            decision.OwnerMac != deputy.Mac ? OwnershipAction.Deputize : OwnershipAction.None);
    }

    // The owner's speaker is away, this node is the one to stand in for it, and knows what to answer; else null.
    private static OwnershipPart.Deputy? DeputyFor(in OwnershipInput input) => input is
    {
        Decision: { OwnerAway: true, Owner: { } owner, OwnerMac: { Value: not 0 } mac },
        MayAct: true,
        LeaveBy: null,
    } && input.Decision.Deputy == input.Self
        ? new OwnershipPart.Deputy(owner, mac)
        : null;

    private static OwnershipState Represents(OwnershipState state, OwnershipPart.Deputy deputy, in OwnerDecision decision) =>
        state with { Part = deputy, Term = decision.Term };

    private static (OwnershipState State, OwnershipAction Action) Watch(
        OwnershipState state, OwnershipPart.Watcher watcher, OwnershipState next, in OwnershipInput input, TimeSpan now)
    {
        var decision = input.Decision;
        next = next with { Term = Math.Max(state.Term, decision.HighestTerm) };
        if (DeputyFor(input) is { } deputy)
        {
            return (Represents(next, deputy, decision), OwnershipAction.Deputize);
        }

        // Nobody ever had it, and the node that should take it does not: it may not know of it yet.
        if (decision.Owner is null || decision.Incumbent is not null || decision.Unheard || next.Term > 0 || !input.MayAct)
        {
            return (next with { Part = OwnershipPart.Idle }, OwnershipAction.None);
        }

        if (watcher.WaitsUntil is { } until && state.Owner == decision.Owner)
        {
            return (now < until ? next : next with { Part = new OwnershipPart.Watcher(now + Patience, watcher.Skipped + 1) }, OwnershipAction.None);
        }

        return (next with { Part = watcher with { WaitsUntil = now + Patience } }, OwnershipAction.None);
    }

    private static OwnershipState Stopped(OwnershipState state) => state with { Part = OwnershipPart.Idle };

    private static bool IsTrafficLost(Ineligible why) =>
        why is not (Ineligible.None or Ineligible.Leaving or Ineligible.SpeakerNotReady or Ineligible.NodeExcluded or Ineligible.NodeSelector);
}
