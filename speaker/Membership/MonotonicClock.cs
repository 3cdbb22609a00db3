namespace LoadBalancer.Speaker.Membership;

/// <summary>The time since the program started, the only clock that decides anything here: it never jumps.</summary>
/// <param name="time">The clock behind it.</param>
public sealed class MonotonicClock(TimeProvider time)
{
    private const long NanosecondsPerSecond = 1_000_000_000;

    private readonly long origin = time.GetTimestamp();

    /// <summary>Zero at the start.</summary>
    public TimeSpan Now => time.GetElapsedTime(origin);

    /// <summary>What <see cref="NanosecondsAt"/> gave, as a time of this clock.</summary>
    public TimeSpan At(long nanoseconds) =>
        new((nanoseconds - (origin * (NanosecondsPerSecond / time.TimestampFrequency))) / TimeSpan.NanosecondsPerTick);

    /// <summary>A time of this clock as a timestamp of the one behind it, in nanoseconds.</summary>
    public long NanosecondsAt(TimeSpan at) =>
        (origin * (NanosecondsPerSecond / time.TimestampFrequency)) + (at.Ticks * TimeSpan.NanosecondsPerTick);
}
