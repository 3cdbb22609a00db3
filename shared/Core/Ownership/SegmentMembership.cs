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

    /// <summary>How the message is meant.</summary>
    public HeartbeatMarks Marks { get; init; }
}

/// <summary>
/// Who is alive on one segment, from the frames heard on it and the passing of time. Fed with verified frames and a monotonic
/// <c>now</c>; one thread at a time. Hearing a frame of a known peer allocates nothing.
/// </summary>
public sealed partial class SegmentMembership
{
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
        ownId = SegmentRing.PlaceOf(ownName, Encoding.ASCII.GetBytes(identity.Link));
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
            if (peer.IsKnown && !peer.Replaced && now - peer.HeardAt < timings.ProbeFor)
            {
                peers.Add(new Peer(peer));
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
        | (Serving ? SpeakerState.Serving : 0)
        | (Leaving ? SpeakerState.Leaving : 0)
        | (now < holdUntil ? SpeakerState.Holding : 0)
        | (Carrier && (HearsNothing(now) || IsSecluded) ? SpeakerState.HearsNothing : 0)
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
            FollowChecks(peer, now);
            SayWhatIsMissed(peer, now);
            var isLost = FollowRumor(peer, now) || (peer.OnWire && now >= peer.ExpiresAt && !IsHeardOutFirst(peer, now));
            changed |= Follow(peer, now, isLost) | isLost;
            if (peer.Losses > 0 && peer.OnWire && now - peer.OnWireSince > timings.ForgetLosses)
            {
                peer.Losses = 0;
            }
        }

        FollowCompany(now);
        changed |= LiftFence(now);
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
            if (peer.OnWire && peer.ExpiresAt < next)
            {
                next = peer.ExpiresAt;
            }

            var due = NextPresence(peer, now);
            next = due < next ? due : next;
        }

        return next;
    }

    // A span: walking it is most of what the heartbeat thread does, and a list's enumerator costs several times as much.
    private ReadOnlySpan<Peer> Peers => CollectionsMarshal.AsSpan(peers);
}
