namespace LoadBalancer.Core.Ownership;

/// <summary>
/// Which nodes' Leases are renewed, by our own monotonic clock: a Lease counts only after it was seen to change, since its renewTime is
/// the wall clock of another node. Time is counted by the changes of this node's own Lease, each for a quarter of its duration at most
/// (a speaker renews four times as often as it must): while the API server is down no Lease changes, and that says nothing about the
/// nodes; when it is back, each node has time to renew. One thread at a time.
/// </summary>
/// <param name="ownNode">This node's name.</param>
public sealed class LeaseLiveness(string ownNode)
{
    private readonly Dictionary<string, Entry> entries = new(StringComparer.Ordinal);
    private TimeSpan? ownChangedAt;
    private TimeSpan ownQuarter;
    private TimeSpan countedThen;

    /// <summary>Takes in a Lease as the store has it; calling it again with the same version says nothing new.</summary>
    /// <param name="node">The node whose Lease it is.</param>
    /// <param name="version">Anything that differs after each renewal.</param>
    /// <param name="duration">For how long a renewal is good.</param>
    /// <param name="now">Monotonic time.</param>
    public void Observe(string node, string version, TimeSpan duration, TimeSpan now)
    {
        var known = entries.TryGetValue(node, out var entry);
        if (known && entry.Version == version)
        {
            return;
        }

        entries[node] = new Entry(version, duration, known ? Counted(now) : null);
        if (known && node == ownNode)
        {
            countedThen = Counted(now);
            ownChangedAt = now;
            ownQuarter = duration / 4;
        }
    }

    /// <summary>The node released or deleted its Lease: it is gone, and a later one starts anew.</summary>
    public void Remove(string node) => entries.Remove(node);

    /// <summary>When this node's own Lease was last seen to be renewed: the API server is in reach. Null before.</summary>
    public TimeSpan? OwnRenewedAt => ownChangedAt;

    /// <summary>Whether the node's Lease is fresh.</summary>
    public bool IsFresh(string node) =>
        entries.TryGetValue(node, out var entry) && entry.ChangedAt is { } changedAt
        && countedThen - changedAt <= entry.Duration;

    private TimeSpan Counted(TimeSpan now) =>
        ownChangedAt is { } since ? countedThen + (now - since < ownQuarter ? now - since : ownQuarter) : countedThen;

    private readonly record struct Entry(string Version, TimeSpan Duration, TimeSpan? ChangedAt);
}
