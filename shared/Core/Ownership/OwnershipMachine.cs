namespace LoadBalancer.Core.Ownership;

/// <summary>Where a node stands towards one VIP on one segment.</summary>
public enum OwnershipPhase
{
    /// <summary>Another node owns it, or nobody.</summary>
    Away,

    /// <summary>This node answers for it and announces it.</summary>
    Owner,

    /// <summary>Another node owns it; this one still answers, so that no request falls between the two.</summary>
    HandingOver,
}

/// <summary>
/// What is remembered of one VIP on one segment between two decisions. The default is a VIP never seen. Claims will fill
/// <paramref name="Term"/>; a deputy is a further phase.
/// </summary>
/// <param name="Phase">Where this node stands.</param>
/// <param name="Owner">The node held to be the owner, or null.</param>
/// <param name="Reason">Why nobody owns it.</param>
/// <param name="Until">While handing over: when to stop answering.</param>
/// <param name="Term">Rises with each change of owner this node has seen.</param>
public readonly record struct OwnershipState(OwnershipPhase Phase, string? Owner, NoOwner Reason, TimeSpan Until, ulong Term);

/// <summary>What is to be done about a VIP on a link.</summary>
public enum OwnershipAction
{
    /// <summary>Nothing.</summary>
    None,

    /// <summary>Start to answer, and announce.</summary>
    Announce,

    /// <summary>Another took over or will: go on answering until <see cref="OwnershipState.Until"/>, announce no more.</summary>
    KeepAnswering,

    /// <summary>Answer no more.</summary>
    StopAnswering,
}

/// <summary>What one decision is made from.</summary>
/// <param name="Self">This node's name.</param>
/// <param name="Decision">Who owns the VIP by the facts of the moment.</param>
/// <param name="Holding">Whether this node was lost by its peers: they have taken over already.</param>
/// <param name="LeaveBy">While this node shuts down: when it stops answering at the latest; else null.</param>
/// <param name="MayAct">Whether the peers have had the time to hear that this node is ready.</param>
public readonly record struct OwnershipInput(string Self, OwnerDecision Decision, bool Holding, TimeSpan? LeaveBy, bool MayAct = true);

/// <summary>The pure state machine of one VIP on one segment.</summary>
public static class OwnershipMachine
{
    /// <summary>
    /// How long the former owner answers on in a planned move. The new owner learns of it from the same frame and answers within
    /// milliseconds; longer would only prolong the time in which two nodes answer.
    /// </summary>
    public static TimeSpan HandOver => TimeSpan.FromMilliseconds(200);

    /// <summary>One step.</summary>
    /// <param name="state">The state so far.</param>
    /// <param name="input">The facts.</param>
    /// <param name="now">Monotonic time.</param>
    /// <returns>The new state, and what is to be done.</returns>
    public static (OwnershipState State, OwnershipAction Action) Step(OwnershipState state, in OwnershipInput input, TimeSpan now)
    {
        var decision = input.Decision;
        var next = state with
        {
            Owner = decision.Owner,
            Reason = decision.Reason,
            Term = decision.Owner == state.Owner ? state.Term : state.Term + 1,
        };

        if (decision.Owner == input.Self && state.Phase == OwnershipPhase.Away && !input.MayAct)
        {
            return (next, OwnershipAction.None);
        }

        if (decision.Owner == input.Self)
        {
            return (next with { Phase = OwnershipPhase.Owner, Until = default },
                state.Phase == OwnershipPhase.Owner ? OwnershipAction.None : OwnershipAction.Announce);
        }

        return state.Phase switch
        {
            OwnershipPhase.Owner => GiveUp(next, input, now),
            OwnershipPhase.HandingOver => GoOnHandingOver(next, input, now),
            _ => (next, OwnershipAction.None),
        };
    }

    private static (OwnershipState State, OwnershipAction Action) GiveUp(OwnershipState next, in OwnershipInput input, TimeSpan now)
    {
        var until = input.LeaveBy ?? now + HandOver;
        return MayGoOn(input) && now < until
            ? (next with { Phase = OwnershipPhase.HandingOver, Until = until }, OwnershipAction.KeepAnswering)
            : (next with { Phase = OwnershipPhase.Away, Until = default }, OwnershipAction.StopAnswering);
    }

    private static (OwnershipState State, OwnershipAction Action) GoOnHandingOver(OwnershipState next, in OwnershipInput input, TimeSpan now)
    {
        // Leaving ends early when every peer is known to have taken over.
        var until = input.LeaveBy is { } leaveBy && leaveBy < next.Until ? leaveBy : next.Until;
        return MayGoOn(input) && now < until
            ? (next with { Until = until }, OwnershipAction.None)
            : (next with { Phase = OwnershipPhase.Away, Until = default }, OwnershipAction.StopAnswering);
    }

    // A node that lost the VIP because traffic sent to it would be lost stops at once; so does one the others have given up already.
    // One that an administrator took the VIP from serves it as well as before: that is a planned move.
    private static bool MayGoOn(in OwnershipInput input) =>
        !input.Holding
        && input.Decision.Self is Ineligible.None or Ineligible.Leaving or Ineligible.NodeExcluded or Ineligible.NodeSelector
        && (input.Decision.Owner is not null || input.LeaveBy is not null)
        && input.Decision.Reason != NoOwner.NoServingEndpoint;
}
