namespace LoadBalancer.Core.Conflicts;

/// <summary>How free addresses are probed ahead of time. Slow on purpose: nothing waits for it, and every host on the segment hears it.</summary>
public sealed record ProbeTimings
{
    /// <summary>Between two looks at a free address.</summary>
    public TimeSpan Interval { get; init; } = TimeSpan.FromMinutes(5);

    /// <summary>Between two looks at an address that was found taken.</summary>
    public TimeSpan TakenInterval => Interval / 5;

    /// <summary>How many of the free addresses of a pool and family are probed: those that are given out next.</summary>
    public int Ahead { get; init; } = 16;

    /// <summary>Probes in one look, PROBE_NUM (RFC 5227 §1.1): a broadcast on Wi-Fi gets lost, and a phone sleeps.</summary>
    public int Probes { get; init; } = 3;

    /// <summary>Between the probes of one look: PROBE_MIN.</summary>
    public TimeSpan Spacing { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>How long an answer to a probe may take: ANNOUNCE_WAIT.</summary>
    public TimeSpan AnswerTime { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>An address counts as free again after so many looks in a row without an answer.</summary>
    public int LooksUntilFree { get; init; } = 3;

    /// <summary>Frames a minute in the long run, on a segment: a twentieth of what all speakers may broadcast there.</summary>
    public int FramesPerMinute { get; init; } = 60;

    /// <summary>Frames at once after a quiet time: a new pool's first addresses are looked at before the first Service wants one.</summary>
    public int Burst { get; init; } = 32;
}
