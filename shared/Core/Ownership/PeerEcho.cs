namespace LoadBalancer.Core.Ownership;

/// <summary>What a peer says it hears: of this node, of others, and at all.</summary>
internal sealed class PeerEcho
{
    private ulong heardOfUs;

    // The last of our sequence numbers before the heartbeat whose echo is waited for; and when that was sent, null while none is.
    private ulong mark;
    private TimeSpan? markedAt;

    /// <summary>Whether it hears this node.</summary>
    public bool HearsUs { get; private set; }

    /// <summary>Since when it says that it does not; null while it does, or is lost.</summary>
    public TimeSpan? UnheardSince { get; private set; }

    /// <summary>Whom it suspects, see <see cref="SegmentMembership.Suspects"/>.</summary>
    public uint Suspects { get; set; }

    /// <summary>When it last said that it hears nothing.</summary>
    public TimeSpan? SaidDeafAt { get; set; }

    /// <summary>XOR of the name hashes of the peers it hears, as it last told.</summary>
    public ulong ViewDigest { get; set; }

    /// <summary>A heartbeat is about to be sent to it.</summary>
    /// <param name="lastSequence">The last sequence number used before.</param>
    /// <param name="now">Monotonic time.</param>
    public void Mark(ulong lastSequence, TimeSpan now)
    {
        if (markedAt is null)
        {
            markedAt = now;
            mark = lastSequence;
        }
    }

    /// <summary>A heartbeat of it says what it has heard of this node.</summary>
    /// <returns>Whether that changed.</returns>
    public bool Take(bool hearsUs, ulong sequence, TimeSpan now)
    {
        var changed = hearsUs != HearsUs;
        HearsUs = hearsUs;
        UnheardSince = hearsUs ? null : UnheardSince ?? now;
        heardOfUs = hearsUs ? sequence : 0;
        markedAt = heardOfUs > mark ? null : markedAt;
        return changed;
    }

    /// <summary>It is heard again after it was lost: what was sent to it before needs no echo.</summary>
    public void Begin() => markedAt = null;

    /// <summary>It is lost.</summary>
    public void End()
    {
        HearsUs = false;
        UnheardSince = null;
        Suspects = 0;
    }

    /// <summary>Whether what it says it has heard of this node stays behind what was sent to it so long ago.</summary>
    public bool IsStale(TimeSpan now, TimeSpan after) => !HearsUs || now - markedAt >= after;

    /// <summary>Whether it has heard nothing of this node for so long.</summary>
    public bool IsStaleFor(TimeSpan now, TimeSpan least) => now - UnheardSince >= least || now - markedAt >= least;

    /// <summary>The process stood still: time that was lost is no silence.</summary>
    public void Excuse(TimeSpan since, TimeSpan gap) => markedAt += markedAt <= since ? gap : TimeSpan.Zero;
}
