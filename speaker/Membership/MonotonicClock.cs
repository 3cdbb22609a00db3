namespace LoadBalancer.Speaker.Membership;

/// <summary>The time since the program started, the only clock that decides anything here: it never jumps.</summary>
/// <param name="time">The clock behind it.</param>
public sealed class MonotonicClock(TimeProvider time)
{
    private readonly long origin = time.GetTimestamp();

    /// <summary>Zero at the start.</summary>
    public TimeSpan Now => time.GetElapsedTime(origin);
}
