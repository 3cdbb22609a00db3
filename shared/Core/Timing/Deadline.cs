namespace LoadBalancer.Core.Timing;

/// <summary>When to look again though nothing has changed; null for never.</summary>
public static class Deadline
{
    /// <summary>The earlier of two.</summary>
    public static TimeSpan? Earlier(TimeSpan? a, TimeSpan? b) => a is null || b < a ? b : a;

    /// <summary>The earlier of two, one of which there always is.</summary>
    public static TimeSpan Earlier(TimeSpan a, TimeSpan? b) => b < a ? b.Value : a;
}
