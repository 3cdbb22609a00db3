namespace LoadBalancer.Core.Ownership;

/// <summary>What the kernel of a peer is asked, because its speaker is silent or does not hear, and what it said.</summary>
internal sealed class KernelCheck
{
    private TimeSpan? answeredAt;

    /// <summary>Since when it is asked in this silence; null while it is not.</summary>
    public TimeSpan? Since { get; private set; }

    /// <summary>When it was last asked.</summary>
    public TimeSpan? AskedAt { get; private set; }

    /// <summary>Since when it is asked often; null while it is asked seldom, or not.</summary>
    public TimeSpan? AskedOftenSince { get; private set; }

    /// <summary>When it last said something, by an answer or by asking itself.</summary>
    public TimeSpan? HeardAt { get; private set; }

    /// <summary>Whether it was asked and did not answer, when the peer was given up: not that of a speaker that stays away from a living node.</summary>
    public bool WasInVain { get; set; }

    /// <summary>Whether the peer was kept although it was due to be lost, in this silence, so that the kernel is asked first.</summary>
    public bool HadLastChance { get; set; }

    /// <summary>It is asked.</summary>
    /// <returns>Whether it was not before, in this silence.</returns>
    public bool Ask(TimeSpan now)
    {
        var begins = Since is null;
        Since ??= now;
        AskedAt = now;
        return begins;
    }

    /// <summary>It is asked often, or seldom, from now on.</summary>
    public void FollowPace(bool often, TimeSpan now) => AskedOftenSince = often ? AskedOftenSince ?? now : null;

    /// <summary>It is asked no more.</summary>
    /// <returns>Whether it was.</returns>
    public bool End()
    {
        var was = Since is not null;
        Since = null;
        AskedOftenSince = null;
        return was;
    }

    /// <summary>It said that it has its address.</summary>
    /// <param name="now">Monotonic time.</param>
    /// <param name="answers">Whether it answered a question, which shows that it hears; one who asks only speaks.</param>
    public void Hear(TimeSpan now, bool answers)
    {
        HeardAt = now;
        answeredAt = answers ? now : answeredAt;
    }

    /// <summary>Whether it spoke in this silence, and no longer ago than that.</summary>
    public bool Speaks(TimeSpan now, TimeSpan goodFor) => Since is not null && HeardAt >= Since && now - HeardAt < goodFor;

    /// <summary>Whether it answered in this silence, and no longer ago than that: it does not only speak.</summary>
    public bool Hears(TimeSpan now, TimeSpan goodFor) => Since is not null && answeredAt >= Since && now - answeredAt < goodFor;

    /// <summary>The process stood still: time that was lost is no silence.</summary>
    public void Excuse(TimeSpan since, TimeSpan gap) => HeardAt += HeardAt <= since ? gap : TimeSpan.Zero;
}
