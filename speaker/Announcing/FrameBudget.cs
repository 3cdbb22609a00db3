namespace LoadBalancer.Speaker.Announcing;

/// <summary>
/// How many broadcasts may go out on a link: so many at once, so many per second. Every host on the segment has to hear each of
/// them, and a Wi-Fi access point sends them at its lowest rate.
/// </summary>
internal struct FrameBudget(int perSecond, int burst)
{
    /// <summary>What take-overs may use: frames per second in the long run.</summary>
    internal const int PerSecond = 1_000;

    /// <summary>Frames that may follow one another without a pause after a quiet time.</summary>
    internal const int Burst = 100;

    /// <summary>What VIPs that keep coming and going may use, all together: 3,000 frames a minute.</summary>
    internal const int PerSecondOfChurn = 50;

    /// <summary>As <see cref="Burst"/>, of churn.</summary>
    internal const int BurstOfChurn = 20;

    // The time at which all frames sent so far would have gone out, had they been sent evenly (the virtual scheduling form of the
    // leaky bucket, ITU-T I.371).
    private TimeSpan even;

    /// <summary>Whether the budget is as large as it gets.</summary>
    internal readonly bool IsFull(TimeSpan now) => even <= now;

    /// <summary>Takes frames off the budget; false if there are not so many left.</summary>
    internal bool TryTake(int frames, TimeSpan now)
    {
        var after = (even > now ? even : now) + Time(frames);
        if (after - now > Time(burst))
        {
            return false;
        }

        even = after;
        return true;
    }

    /// <summary>How long until so many frames are in the budget; zero or less if they are.</summary>
    /// <param name="frames">At most the burst.</param>
    /// <param name="now">Monotonic.</param>
    internal readonly TimeSpan UntilAvailable(int frames, TimeSpan now) => even - now - Time(burst - frames);

    private readonly TimeSpan Time(int frames) => TimeSpan.FromTicks(frames * TimeSpan.TicksPerSecond / perSecond);
}
