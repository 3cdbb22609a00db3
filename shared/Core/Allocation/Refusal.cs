namespace LoadBalancer.Core.Allocation;

/// <summary>A reason, and the same for people: which field, what was found, what would work.</summary>
/// <param name="Reason">For tests, metrics and look-up.</param>
/// <param name="Text">For people; the Service itself is named by whatever shows the text.</param>
public sealed record Refusal(AllocationReason Reason, string Text)
{
    /// <summary>Whether the Service's own request cannot be granted as it is written; otherwise waiting may help.</summary>
    public bool IsInvalidRequest => Reason is >= AllocationReason.RequestedTwice and <= AllocationReason.NotDualStack;

    /// <summary><c>text [Reason]</c>.</summary>
    public override string ToString() => $"{Text} [{Reason}]";
}
