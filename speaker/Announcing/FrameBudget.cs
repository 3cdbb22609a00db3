using LoadBalancer.Core.Timing;

namespace LoadBalancer.Speaker.Announcing;

/// <summary>
/// How many broadcasts may go out on a link: so many at once, so many per second. Every host on the segment has to hear each of
/// them, and a Wi-Fi access point sends them at its lowest rate.
/// </summary>
internal static class FrameBudget
{
    /// <summary>What take-overs may use: frames per second in the long run.</summary>
    internal const int PerSecond = 1_000;

    /// <summary>Frames that may follow one another without a pause after a quiet time.</summary>
    internal const int Burst = 100;

    /// <summary>What VIPs that keep coming and going may use, all together: 3,000 frames a minute.</summary>
    internal const int PerSecondOfChurn = 50;

    /// <summary>As <see cref="Burst"/>, of churn.</summary>
    internal const int BurstOfChurn = 20;

    /// <summary>The full budget of take-overs.</summary>
    internal static LeakyBucket OfTakeOvers => new(TimeSpan.FromSeconds(1) / PerSecond, Burst);

    /// <summary>The full budget of churn.</summary>
    internal static LeakyBucket OfChurn => new(TimeSpan.FromSeconds(1) / PerSecondOfChurn, BurstOfChurn);
}
