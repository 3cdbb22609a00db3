using LoadBalancer.Core.Addressing;
using LoadBalancer.Core.Heartbeats;

namespace LoadBalancer.Core.Ownership;

/// <summary>Which run of a peer is believed, what was heard of it, and the proof that another one has still to give.</summary>
internal sealed class PeerRun
{
    private static readonly TimeSpan PendingFor = TimeSpan.FromSeconds(1);

    private ulong confirmAbove;
    private ulong pendingBoot;
    private ulong pendingSequence;
    private MacAddress pendingMac;
    private TimeSpan pendingUntil;

    // A bit for each of the last 64 sequence numbers that was heard, the newest lowest.
    private ulong seen;

    /// <summary>Nothing is believed yet.</summary>
    /// <param name="confirmAbove">A run is believed only if it has heard one of our frames later than this.</param>
    public PeerRun(ulong confirmAbove) => this.confirmAbove = confirmAbove;

    /// <summary>As another knew it on the same segment.</summary>
    public PeerRun(PeerRun other)
    {
        confirmAbove = other.confirmAbove;
        seen = other.seen;
        Boot = other.Boot;
        Sequence = other.Sequence;
    }

    /// <summary>The run that is believed; 0 while none was confirmed.</summary>
    public ulong Boot { get; private set; }

    /// <summary>The last sequence number heard of it.</summary>
    public ulong Sequence { get; private set; }

    /// <summary>Whether the frame's run has heard a frame we sent after the run on record was believed: it is no recording of an earlier one.</summary>
    public bool IsProvenBy(in HeartbeatFrame frame, ulong ownBoot) => frame.HeardBoot == ownBoot && frame.HeardSequence > confirmAbove;

    /// <summary>Another run is believed from now on.</summary>
    /// <param name="boot">Its name.</param>
    /// <param name="lastSequenceSent">The last sequence number this node has used: the next run has to have heard a later one.</param>
    public void Begin(ulong boot, ulong lastSequenceSent)
    {
        Boot = boot;
        Sequence = 0;
        confirmAbove = lastSequenceSent;
        EndProof();
    }

    /// <summary>The sender of a frame is to be given the chance to prove itself, by an echo of what it is sent.</summary>
    /// <returns>Whether to answer it: once per run and a second, so that recordings played back do not make us answer each of them.</returns>
    public bool AskForProof(in HeartbeatFrame frame, TimeSpan now)
    {
        var answer = frame.Boot != pendingBoot || now >= pendingUntil;
        pendingBoot = frame.Boot;
        pendingSequence = frame.Sequence;
        pendingMac = frame.Source;
        pendingUntil = now + PendingFor;
        return answer;
    }

    /// <summary>Whether a proof is waited for.</summary>
    public bool AwaitsProof(TimeSpan now) => now < pendingUntil;

    /// <summary>No proof is waited for any more.</summary>
    public void EndProof() => pendingUntil = TimeSpan.Zero;

    /// <summary>Where the frame goes that is to be echoed.</summary>
    public HeartbeatTarget ProofTarget(int losses) => new(pendingMac, pendingBoot, pendingSequence, losses);

    /// <summary>Whether this is the first copy of a message about claims that was overtaken by at most 64 others (a window as in RFC 4303 §3.4.3).</summary>
    public bool IsLate(in HeartbeatFrame frame) =>
        frame.Kind is HeartbeatKind.Claims or HeartbeatKind.ClaimRequest
        && Sequence - frame.Sequence < 64 && (seen >> (int)(Sequence - frame.Sequence) & 1) == 0;

    /// <summary>This number was heard.</summary>
    public void MarkSeen(ulong sequence) => seen |= 1UL << (int)(Sequence - sequence);

    /// <summary>This number, above all before, was heard.</summary>
    public void Advance(ulong sequence)
    {
        var by = sequence - Sequence;
        seen = (by < 64 ? seen << (int)by : 0) | 1;
        Sequence = sequence;
    }
}
