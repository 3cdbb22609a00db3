namespace LoadBalancer.Core.Allocation;

/// <summary>A reason, and the same for people: which field, what was found, what would work.</summary>
/// <param name="Reason">For tests, metrics and look-up.</param>
/// <param name="Text">For people; the Service itself is named by whatever shows the text.</param>
public sealed record Refusal(AllocationReason Reason, string Text)
{
    /// <summary>Whether the request makes no sense as it is written, whatever the pools are.</summary>
    public bool IsInvalidRequest => Reason is AllocationReason.RequestedTwice
        or AllocationReason.RequestNotAnAddress or AllocationReason.RequestedTooMany;

    /// <summary><c>text [Reason]</c>.</summary>
    public override string ToString() => $"{Text} [{Reason}]";
}
