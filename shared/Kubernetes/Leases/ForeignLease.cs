using LoadBalancer.Kubernetes.Resources;

namespace LoadBalancer.Kubernetes.Leases;

/// <summary>
/// What is known of a Lease that someone else holds. Its times are by the holder's clock and say nothing here; what counts is for how
/// long, by our clock, we have seen no change of it.
/// </summary>
/// <param name="Lease">As last read.</param>
/// <param name="SeenAt">The clock's timestamp after it was first read in this state.</param>
internal sealed record ForeignLease(LeaseResource Lease, long SeenAt)
{
    /// <summary>The knowledge after another reading.</summary>
    internal static ForeignLease Observe(ForeignLease? before, LeaseResource read, long now) =>
        before is not null && before.Lease.ResourceVersion == read.ResourceVersion && before.Lease.Uid == read.Uid
            ? before
            : new ForeignLease(read, now);

    /// <summary>
    /// How long it is still to be respected. The holder's own duration counts if it is longer than ours: during an upgrade that changes
    /// it, the old holder still relies on it.
    /// </summary>
    internal TimeSpan Remaining(TimeProvider time, TimeSpan ownDuration)
    {
        var claimed = TimeSpan.FromSeconds(Lease.LeaseDurationSeconds);
        var duration = claimed > ownDuration ? claimed : ownDuration;
        return duration - time.GetElapsedTime(SeenAt);
    }
}
