using System.Runtime.InteropServices;
using System.Text;
using LoadBalancer.Core.Addressing;
using LoadBalancer.Core.Heartbeats;

namespace LoadBalancer.Core.Ownership;

/// <summary>What hearing a frame came to.</summary>
/// <param name="Refusal">Why it was not believed, or None.</param>
/// <param name="Changed">Whether <see cref="SegmentMembership.View"/> changed.</param>
/// <param name="AnswerNow">Whether the peer waits for a heartbeat: it is new, or has to be given the chance to prove itself.</param>
public readonly record struct HearResult(HeartbeatRefusal Refusal, bool Changed = false, bool AnswerNow = false);

/// <summary>A peer to send a heartbeat to.</summary>
/// <param name="Mac">Where to.</param>
/// <param name="HeardBoot">Its run as last heard.</param>
/// <param name="HeardSequence">The last sequence number heard of it.</param>
/// <param name="Losses">How often it was lost lately.</param>
public readonly record struct HeartbeatTarget(MacAddress Mac, ulong HeardBoot, ulong HeardSequence, int Losses)
{
    /// <summary>Who asked for all claims: how often it did, this time included, without a pause between.</summary>
    public int Dumps { get; init; }
}

/// <summary>
/// Who is alive on one segment, from the frames heard on it and the passing of time. Fed with verified frames and a monotonic
/// <c>now</c>; one thread at a time. Hearing a frame of a known peer allocates nothing.
/// </summary>
public sealed partial class SegmentMembership
{
    private static readonly TimeSpan PendingFor = TimeSpan.FromSeconds(1);

    private readonly MembershipTimings timings;
    private readonly byte[] ownName;
    private readonly ulong ownHash;
    private readonly ulong ownBoot;
    private readonly List<Peer> peers = [];
    private readonly SegmentParts parts = new();
    private HeartbeatIdentity identity;
    private TimeSpan listenUntil;
    private TimeSpan listenAtMost;
    private bool isBehind;
    private TimeSpan lastAdvance;
    private ulong confirmAbove;
    private SpeakerState stateSeen;
    private TimeSpan? readySince;
    private bool mayAct;

    /// <summary>A membership that starts to listen now.</summary>
    /// <param name="timings">The waiting times.</param>
    /// <param name="identity">This node on this link.</param>
    /// <param name="boot">Names this run: random, not 0.</param>
    /// <param name="now">Monotonic time since any origin.</param>
    /// <param name="lastSequenceSent">The last sequence number this node has used on any link; what echoes no later one may be a recording.</param>
    public SegmentMembership(MembershipTimings timings, HeartbeatIdentity identity, ulong boot, TimeSpan now, ulong lastSequenceSent = 0)
    {
        confirmAbove = lastSequenceSent;
        this.timings = timings;
        this.identity = identity;
        ownName = Encoding.ASCII.GetBytes(identity.Node);
        ownHash = Peer.HashOf(ownName);
        ownBoot = boot;
        Listen(now);
    }

    /// <summary>
    /// Goes on with what a former membership knew of the same segment, whose link was closed meanwhile: who there is, and what was heard of
    /// each last. Without it a node alone would think itself the larger part, and recordings of this very run would pass for its peers.
    /// </summary>
    /// <param name="former">That of the closed link.</param>
    /// <param name="now">Monotonic time.</param>
    public void Remember(SegmentMembership former, TimeSpan now)
    {
        witnesses.Remember(former.witnesses);
        foreach (var peer in former.Peers)
        {
            if (peer.Boot != 0 && !peer.Replaced && now - peer.HeardAt < timings.ProbeFor)
            {
                peers.Add(peer.Absent());
            }
        }
    }

    /// <summary>This node on this link.</summary>
    public HeartbeatIdentity Identity
    {
        get => identity;
        set => identity = value;
    }

    /// <summary>For how long the frames this node sends are good: a stall longer than that made the peers take over.</summary>
    public TimeSpan OwnGoodFor { get; set; } = TimeSpan.FromMilliseconds(350);

    /// <summary>Whether the rest of the program is fit to own VIPs.</summary>
    public bool Ready { get; set; }

    /// <summary>Whether the program is shutting down.</summary>
    public bool Leaving { get; set; }

    /// <summary>Whether frames can pass on the link.</summary>
    public bool Carrier { get; private set; } = true;

    /// <summary>The stalls of this process noticed so far.</summary>
    public int Stalls { get; private set; }

    /// <summary>The peers alive on the wire.</summary>
    public int AliveCount { get; private set; }

    /// <summary>How often a peer came back that had been given up and went on meanwhile: the segment was cut in two.</summary>
    public int Reunions { get; private set; }

    /// <summary>XOR of the name hashes of the peers alive on the wire: equal on nodes that hear the same set (each XOR its own name).</summary>
    public ulong Digest { get; private set; }

    /// <summary>What to say about this node in frames.</summary>
    public SpeakerState StateAt(TimeSpan now) =>
        (Ready && Carrier && now >= listenUntil ? SpeakerState.Ready : 0)
        | (Serving && (servingTold || unsent.Count == 0) ? SpeakerState.Serving : 0)
        | (Leaving ? SpeakerState.Leaving : 0)
        | (now < holdUntil ? SpeakerState.Holding : 0)
        | (Carrier && HearsNothing(now) ? SpeakerState.HearsNothing : 0)
        | (Vouches(now) ? SpeakerState.Vouches : 0);

    /// <summary>The carrier came or went. A node back on the wire listens again before it may win.</summary>
    public void SetCarrier(bool carrier, TimeSpan now)
    {
        if (carrier && !Carrier)
        {
            Listen(now);
        }

        // What is owned without a carrier is owned by nobody; back on the wire, the peers say what is still ours.
        Carrier = carrier;
        Serving &= carrier;
    }

    /// <summary>Listens anew: nothing could be heard until now.</summary>
    public void Listen(TimeSpan now)
    {
        listenUntil = now + timings.Listen;
        listenAtMost = now + (5 * timings.Listen);
        lastLook = now;
        lastAdvance = now;
        heardAt = now;
        askedSince = null;
        witnessAskedSince = null;
    }

    /// <summary>Takes in a verified frame.</summary>
    /// <param name="frame">The frame.</param>
    /// <param name="now">Monotonic time.</param>
    /// <param name="lastSequenceSent">The last sequence number this node has used on any link.</param>
    public HearResult Hear(in HeartbeatFrame frame, TimeSpan now, ulong lastSequenceSent)
    {
        Look(now);
        NoteArrival(now);
        if (frame.Node.SequenceEqual(ownName))
        {
            return new HearResult(frame.Boot == ownBoot ? HeartbeatRefusal.OwnFrame : HeartbeatRefusal.SameName);
        }

        if (Find(frame) is not { } peer)
        {
            if (peers.Count >= timings.MaxPeers && !ForgetOne(now, lastSequenceSent))
            {
                return new HearResult(HeartbeatRefusal.TooManyPeers);
            }

            peer = new Peer(frame) { ConfirmAbove = confirmAbove };
            peers.Add(peer);
        }

        if (frame.Boot != peer.Boot)
        {
            if (frame.HeardBoot != ownBoot || frame.HeardSequence <= peer.ConfirmAbove)
            {
                return AskToConfirm(peer, frame, now);
            }

            // It has heard a frame we sent after the run on record was believed, so it is not a recording of an earlier run.
            peer.Boot = frame.Boot;
            peer.Departed = false;
            peer.Sequence = 0;
            peer.ClaimSequence = 0;

            // What it owned is still its own; deputy it is no more.
            claimsChanged |= peer.Claims.RemoveDeputies();
            peer.PendingUntil = TimeSpan.Zero;
            peer.ConfirmAbove = lastSequenceSent;
        }

        if (frame.Sequence <= peer.Sequence)
        {
            return peer.Alive && peer.IsLate(frame) ? TakeLate(peer, frame) : new HearResult(HeartbeatRefusal.Replayed);
        }

        if (!peer.Alive && frame.HeardBoot != ownBoot && frame.Kind != HeartbeatKind.Heartbeat)
        {
            // A hello shows that it lives, not that it hears us: believed as it is, one-way loss would bring it back once a second.
            // A heartbeat is sent to us often enough to stay believed, and what such a peer claims must be known.
            peer.Advance(frame.Sequence);
            return AskToConfirm(peer, frame, now);
        }

        return Believe(peer, frame, now);
    }

    /// <summary>
    /// Lets time pass: notices its own stalls, gives the peers the lost time back, and declares dead who was silent too long. To be
    /// called often, at least every 100 ms.
    /// </summary>
    /// <param name="now">Monotonic time.</param>
    /// <param name="behind">Whether frames were received that <see cref="Hear"/> was not called for yet: who is silent may have spoken.</param>
    /// <param name="arrivals">How many frames of any kind came in so far.</param>
    /// <returns>Whether <see cref="View"/> changed.</returns>
    public bool Advance(TimeSpan now, bool behind = false, long arrivals = 0)
    {
        isBehind = behind;
        Look(now);
        var (stoodDown, suspected) = (StandsDown, Suspects);
        FollowHearing(now, behind, arrivals);
        if (now - lastAdvance > OwnGoodFor && AliveCount > 0)
        {
            // The peers may have taken over meanwhile: find out before answering beside them.
            Hold(now, Math.Max(1, ownLosses));
            fencedSince = now;
        }

        lastAdvance = now;
        var changed = stoodDown != StandsDown || suspected != Suspects;
        foreach (var peer in Peers)
        {
            changed |= FollowReplacement(peer, now);
            if (peer.Alive && now >= peer.ExpiresAt && !IsHeardOutFirst(peer, now))
            {
                Lose(peer, now);
                changed = true;
            }
            else if (peer.Losses > 0 && peer.Alive && now - peer.AliveSince > timings.ForgetLosses)
            {
                peer.Losses = 0;
            }

            changed |= FollowPresence(peer, now);
        }

        changed |= LiftFence(now);
        servingTold = Serving && (servingTold || unsent.Count == 0);
        var state = StateAt(now);
        changed |= state != stateSeen;
        if ((state & SpeakerState.Ready) == 0)
        {
            readySince = null;
        }
        else if (readySince is null)
        {
            readySince = now;
        }

        changed |= mayAct != MayAct(now) || mayServe != MayServe(now);
        mayAct = MayAct(now);
        mayServe = MayServe(now);
        stateSeen = state;
        return changed;
    }

    /// <summary>When <see cref="Advance"/> will next have something to do, as far as is known now.</summary>
    public TimeSpan NextDeadline(TimeSpan now)
    {
        var next = WitnessDue(now);
        if (now < listenUntil)
        {
            next = listenUntil;
        }

        // What else keeps it from acting has a time of its own, or comes with a frame.
        if (!mayAct && readySince + timings.Settle is { } settled && now < settled && settled < next)
        {
            next = settled;
        }

        if (now < holdUntil && holdUntil < next)
        {
            next = holdUntil;
        }

        foreach (var peer in Peers)
        {
            if (peer.Alive && peer.ExpiresAt < next)
            {
                next = peer.ExpiresAt;
            }

            var due = NextPresence(peer, now);
            next = due < next ? due : next;
        }

        return next;
    }

    /// <summary>Fills in whom to send heartbeats to: the living, and those who have still to prove themselves.</summary>
    /// <param name="now">Monotonic time.</param>
    /// <param name="newcomersOnly">Only those who wait for an answer (<see cref="HearResult.AnswerNow"/>).</param>
    /// <param name="targets">Receives them.</param>
    /// <returns>Their number; what finds no room is left out.</returns>
    public int Targets(TimeSpan now, bool newcomersOnly, Span<HeartbeatTarget> targets)
    {
        var count = 0;
        foreach (var peer in Peers)
        {
            var wanted = !newcomersOnly || peer.AnswerDue;
            peer.AnswerDue = false;
            if (wanted && peer.Alive && count < targets.Length)
            {
                targets[count++] = new HeartbeatTarget(peer.Mac, peer.Boot, peer.Sequence, peer.Losses);
            }

            if (wanted && now < peer.PendingUntil && count < targets.Length)
            {
                targets[count++] = new HeartbeatTarget(peer.PendingMac, peer.PendingBoot, peer.PendingSequence, peer.Losses);
            }
            else if (!newcomersOnly && IsProbed(peer, now) && count < targets.Length)
            {
                peer.ProbeAt = now + timings.ProbeInterval;
                targets[count++] = new HeartbeatTarget(peer.Mac, 0, 0, peer.Losses);
            }
        }

        return count;
    }

    /// <summary>Whether frames of the node were ever believed on this link.</summary>
    public bool HasHeard(string node)
    {
        foreach (var peer in Peers)
        {
            if (peer.Boot != 0 && string.Equals(peer.Identity.Node, node, StringComparison.Ordinal))
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>A snapshot of who is alive.</summary>
    /// <param name="now">Monotonic time.</param>
    /// <param name="fromLeases">Nodes alive by their Lease on this segment; those ever heard on the link are left out.</param>
    public SegmentView View(TimeSpan now, IReadOnlyList<SegmentMember> fromLeases)
    {
        var members = new List<SegmentMember>(AliveCount + fromLeases.Count);
        foreach (var peer in Peers)
        {
            if (peer.Alive || peer.AwaySince is not null)
            {
                members.Add(Member(peer.Identity, MemberSource.Wire, peer.State, peer.HearsUs) with
                {
                    Mac = peer.Mac,
                    Renamed = peer.ServedAs != default && peer.ServedAs != peer.Mac,
                    Ready = peer.Alive && peer.AwaySince is null && !peer.Deaf && (peer.State & SpeakerState.Ready) != 0,
                    Away = peer.AwaySince is not null,
                    HearsNothing = IsKnownToHearNothing(peer, now),
                    Deaf = peer.Deaf,
                    YieldsBlindly = YieldsBlindly(peer, now),
                    GraceOver = IsGraceOver(peer, now),
                });
            }
        }

        // Who was not heard in the first second or two may be heard yet. Until then nothing new is taken, and nothing is given up for it.
        var unheard = fromLeases.Where(member => !HasHeard(member.Node) && member.Node != identity.Node).ToList();
        var isEarly = unheard.Count > 0 && now < listenAtMost;
        var isOutside = !isEarly && unheard.Count > 0 && !parts.Divide(identity.Node, [.. members], unheard, members);

        return new SegmentView(Member(identity, MemberSource.Self, StateAt(now), true), members, MayAct(now) && !isEarly && !isOutside)
        {
            MayServe = MayServe(now),
            Majority = HasMajority(now),
            StandsDown = StandsDown,
            Claims = ClaimsOfPeers(),
            Reunions = Reunions,
        };
    }

    // Told to the peers first, acted upon a moment later: nodes that start together see each other ready before they decide.
    private bool MayAct(TimeSpan now) => readySince is { } since && now >= since + timings.Settle && MayServe(now) && !HoldsStill(now);

    private static SegmentMember Member(HeartbeatIdentity identity, MemberSource source, SpeakerState state, bool hearsUs) => new(
        identity.Node, identity.Link, source, identity.Prefixes, identity.OtherPrefixes,
        (state & SpeakerState.Ready) != 0, (state & SpeakerState.Leaving) != 0, (state & SpeakerState.Holding) != 0, hearsUs)
    {
        Serving = (state & SpeakerState.Serving) != 0,
    };

    // A span: walking it is most of what the heartbeat thread does, and a list's enumerator costs several times as much.
    private ReadOnlySpan<Peer> Peers => CollectionsMarshal.AsSpan(peers);

    private static HearResult AskToConfirm(Peer peer, in HeartbeatFrame frame, TimeSpan now)
    {
        // Once per run and a second: recordings played back do not make us answer each of them.
        var answer = frame.Boot != peer.PendingBoot || now >= peer.PendingUntil;
        peer.PendingBoot = frame.Boot;
        peer.PendingSequence = frame.Sequence;
        peer.PendingMac = frame.Source;
        peer.PendingUntil = now + PendingFor;
        peer.AnswerDue |= answer;
        return new HearResult(HeartbeatRefusal.Unconfirmed, AnswerNow: answer);
    }

    private HearResult Believe(Peer peer, in HeartbeatFrame frame, TimeSpan now)
    {
        var describes = frame.Kind is HeartbeatKind.Hello or HeartbeatKind.Heartbeat;
        var changed = (describes && peer.UpdateIdentity(frame)) | peer.State != frame.Flags | peer.Mac != frame.Source;
        peer.Advance(frame.Sequence);
        peer.Mac = frame.Source;
        peer.State = frame.Flags;
        peer.ServedAs = (frame.Flags & SpeakerState.Serving) != 0 ? frame.Source : peer.ServedAs;
        peer.SaidDeafAt = (frame.Flags & SpeakerState.HearsNothing) != 0 ? now : peer.SaidDeafAt;
        peer.HeardAt = now;
        peer.GoodFor = frame.GoodFor;
        peer.ExpiresAt = now + frame.GoodFor;
        peer.StallsExcused = 0;
        peer.LastChance = false;
        peer.Replaced = false;
        peerHeardAt = now;
        peer.ClaimDigest = frame.ClaimDigest;
        changed |= peer.ViewDigest != frame.ViewDigest;
        peer.ViewDigest = frame.ViewDigest;
        peer.AskedInVain = false;
        if (frame.Kind == HeartbeatKind.Heartbeat)
        {
            var hearsUs = frame.HeardBoot == ownBoot;
            changed |= hearsUs != peer.HearsUs;
            peer.HearsUs = hearsUs;
            peer.HeardOfUs = hearsUs ? frame.HeardSequence : 0;
            peer.MarkedAt = peer.HeardOfUs > peer.Mark ? null : peer.MarkedAt;
            ListenToLosses(peer, hearsUs ? frame.Losses : 0, now);
        }

        var isNew = !peer.Alive;
        if (isNew)
        {
            Reunions += peer.Departed ? 1 : 0;
            peer.Departed = false;
            peer.Alive = true;
            peer.MarkedAt = null;
            witnesses.Forget(peer.Mac);
            peer.PendingUntil = TimeSpan.Zero;
            peer.AnswerDue = true;
            peer.AliveSince = now;
            AliveCount++;
            Digest ^= peer.NameHash;
        }

        if (!HasStaleEcho(peer, now))
        {
            AskNoMore(peer);
        }

        changed |= FollowPresence(peer, now);
        changed |= TakeSuspects(peer, frame.Suspects, now);
        changed |= frame.Kind == HeartbeatKind.Claims && TakeClaims(peer, frame);
        peer.DumpDue |= frame.Kind == HeartbeatKind.ClaimRequest;
        return new HearResult(HeartbeatRefusal.None, changed | isNew, isNew || peer.DumpDue || !peer.ClaimsKnown);
    }

    private Peer? Find(in HeartbeatFrame frame)
    {
        foreach (var peer in Peers)
        {
            if (peer.Is(frame))
            {
                return peer;
            }
        }

        return null;
    }

    // What is forgotten could be played back; nothing recorded until now is believed of whoever is met anew.
    private bool ForgetOne(TimeSpan now, ulong lastSequenceSent)
    {
        var index = peers.FindIndex(peer => !peer.Alive && peer.AwaySince is null && now >= peer.PendingUntil);
        if (index < 0)
        {
            return false;
        }

        peers.RemoveAt(index);
        confirmAbove = lastSequenceSent;
        return true;
    }
}
