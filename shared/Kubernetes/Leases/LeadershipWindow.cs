namespace LoadBalancer.Kubernetes.Leases;

/// <summary>
/// A stretch of monotonic time during which this process may act as leader. It ends by itself: nobody has to be told, no timer has
/// to fire, and a process that was stopped finds it over when it looks.
/// </summary>
/// <param name="Term">Counts the windows that did not follow each other without a gap; 0 before the first.</param>
/// <param name="EndsAt">The clock's timestamp at which it ends; <see cref="long.MinValue"/> if there is none.</param>
public sealed record LeadershipWindow(long Term, long EndsAt)
{
    /// <summary>No leadership.</summary>
    public static readonly LeadershipWindow None = new(0, long.MinValue);

    /// <summary>Whether the timestamp lies within it.</summary>
    public bool IsOpenAt(long timestamp) => timestamp < EndsAt;
}
