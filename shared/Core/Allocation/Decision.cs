namespace LoadBalancer.Core.Allocation;

/// <summary>What is to be done about one Service.</summary>
/// <param name="Refusal">
/// Why what the Service asks for cannot be had now, or null if nothing is left to wish for. A Service with a refusal is looked at again
/// when an address becomes free or the configuration changes.
/// </param>
public abstract record Decision(Refusal? Refusal)
{
    /// <summary>The addresses the Service has after this decision, or null.</summary>
    public virtual Assignment? Result => null;

    /// <summary>The status is right as it is.</summary>
    /// <param name="Assignment">What the Service has.</param>
    /// <param name="Unmet">Why it does not have what it asks for.</param>
    public sealed record Keep(Assignment Assignment, Refusal? Unmet = null) : Decision(Unmet)
    {
        /// <inheritdoc/>
        public override Assignment Result => Assignment;
    }

    /// <summary>The status is to show these addresses.</summary>
    /// <param name="Assignment">What the Service gets, or has already without its status showing it.</param>
    /// <param name="Previous">What the status shows now.</param>
    /// <param name="Cause">Why <paramref name="Previous"/> cannot stay; null if it was empty.</param>
    /// <param name="Unmet">Why it does not have what it asks for.</param>
    public sealed record Set(Assignment Assignment, IReadOnlyList<string> Previous, Refusal? Cause, Refusal? Unmet = null)
        : Decision(Unmet)
    {
        /// <inheritdoc/>
        public override Assignment Result => Assignment;
    }

    /// <summary>The status is to be emptied.</summary>
    /// <param name="Previous">What the status shows now.</param>
    /// <param name="Cause">Why that cannot stay.</param>
    /// <param name="Unmet">Why there is nothing to put in its place; null if the Service is not to have any address.</param>
    public sealed record Clear(IReadOnlyList<string> Previous, Refusal Cause, Refusal? Unmet = null) : Decision(Unmet);

    /// <summary>The status is empty and stays so.</summary>
    /// <param name="Reason">Why.</param>
    public sealed record Wait(Refusal Reason) : Decision(Reason);

    /// <summary>The Service is none of our business: it holds nothing, and its status is not touched.</summary>
    /// <param name="Reason">Why.</param>
    public sealed record Leave(AllocationReason Reason) : Decision(Refusal: null);
}
