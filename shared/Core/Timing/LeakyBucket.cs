namespace LoadBalancer.Core.Timing;

/// <summary>
/// A budget: so many at once after a quiet time, and one a <paramref name="pace"/> in the long run. The virtual scheduling form of the
/// leaky bucket, ITU-T I.371: all it remembers is one time. A bucket of the default value allows nothing.
/// </summary>
/// <param name="pace">Between two in the long run, above zero.</param>
/// <param name="burst">How many may follow one another without a pause after a quiet time, at least 1.</param>
public struct LeakyBucket(TimeSpan pace, int burst)
{
    // The time at which all that were taken so far would have been, had they been taken evenly.
    private TimeSpan even;

    /// <summary>Whether the budget is as large as it gets.</summary>
    /// <param name="now">Monotonic time.</param>
    public readonly bool IsFull(TimeSpan now) => even <= now;

    /// <summary>Takes some off the budget; false if there are not so many left, and then none is taken.</summary>
    /// <param name="now">Monotonic time.</param>
    /// <param name="count">How many, at most the burst.</param>
    public bool TryTake(TimeSpan now, int count = 1)
    {
        var after = (even > now ? even : now) + (count * pace);
        if (after - now > burst * pace)
        {
            return false;
        }

        even = after;
        return true;
    }

    /// <summary>How long until so many are in the budget; zero or less if they are.</summary>
    /// <param name="now">Monotonic time.</param>
    /// <param name="count">How many, at most the burst.</param>
    public readonly TimeSpan UntilAvailable(TimeSpan now, int count = 1) => even - now - ((burst - count) * pace);
}
