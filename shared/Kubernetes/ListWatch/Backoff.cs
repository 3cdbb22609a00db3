namespace LoadBalancer.Kubernetes.ListWatch;

/// <summary>Exponential waiting times with jitter, as a pure function of how often something failed in a row.</summary>
/// <param name="Base">The wait after the first failure.</param>
/// <param name="Limit">The longest wait.</param>
public readonly record struct Backoff(TimeSpan Base, TimeSpan Limit)
{
    /// <summary>The reflector's: 0.8 s, doubled each time, at most 30 s (as client-go's reflector).</summary>
    public static readonly Backoff Watch = new(TimeSpan.FromSeconds(0.8), TimeSpan.FromSeconds(30));

    /// <summary>
    /// The wait after the given number of failures in a row: <c>Base × 2^(failures-1)</c>, up to half as much again by jitter, so that
    /// the speakers of all nodes do not come back at the same instant; never above <see cref="Limit"/>.
    /// </summary>
    /// <param name="failures">At least 1.</param>
    /// <param name="random">0 to 1.</param>
    public TimeSpan After(int failures, double random)
    {
        var doubled = Base.Ticks * Math.Pow(2, Math.Clamp(failures - 1, 0, 40));
        return TimeSpan.FromTicks((long)Math.Min(Limit.Ticks, doubled * (1 + (random / 2))));
    }
}
