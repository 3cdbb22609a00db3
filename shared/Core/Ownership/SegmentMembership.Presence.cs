using LoadBalancer.Core.Addressing;
using LoadBalancer.Core.Heartbeats;

namespace LoadBalancer.Core.Ownership;

/// <summary>A question to the kernel of a node whose speaker is silent: who has its address?</summary>
/// <param name="Mac">The node's hardware address.</param>
/// <param name="Address">Its address on the segment, of either family.</param>
/// <param name="Broadcast">Whether to ask everybody: the node's hardware may have been replaced.</param>
public readonly record struct CheckTarget(MacAddress Mac, IpAddress Address, bool Broadcast);

/// <content>
/// A silent speaker is not yet a dead node: its kernel is asked. While that answers, the node is away, not gone.
/// </content>
public sealed partial class SegmentMembership
{
    private static readonly TimeSpan AnswersMatterFor = TimeSpan.FromSeconds(1);

    private TimeSpan? fencedSince;
    private bool serving;
    private int asked;
    private TimeSpan answersUntil;

    /// <summary>
    /// Whether this node answers for what it claims. Set when its ownership was decided, cleared with the carrier. The peers are told
    /// once they were told the claims.
    /// </summary>
    public bool Serving
    {
        get => serving;
        set => serving = value && Carrier;
    }

    /// <summary>Whether somebody is being asked, so that answers matter.</summary>
    public bool Checking { get; private set; }

    /// <summary>
    /// Whether this process stood still for so long that the peers may have taken over, and has not yet heard from all of them. It must
    /// answer nothing meanwhile.
    /// </summary>
    public bool Fenced => fencedSince is not null;

    /// <summary>Fills in which kernels to ask now, and which witnesses.</summary>
    /// <returns>Their number; what finds no room is left out.</returns>
    public int Checks(TimeSpan now, Span<CheckTarget> targets)
    {
        var count = 0;
        foreach (var peer in Peers)
        {
            if (!(IsSilent(peer, now) || HasStaleEcho(peer, now)) || now < CheckDue(peer, now) || count == targets.Length
                || peer.KernelAddress is not { } address)
            {
                continue;
            }

            asked += peer.CheckedSince is null ? 1 : 0;
            peer.CheckedSince ??= now;
            peer.CheckedAt = now;
            targets[count++] = new CheckTarget(peer.Mac, address, Broadcast: false);
            if (AsksEverybody(peer, now) && count < targets.Length)
            {
                targets[count++] = new CheckTarget(peer.Mac, address, Broadcast: true);
            }
        }

        count += AskWitnesses(now, targets[count..]);
        if (count > 0)
        {
            askedSince ??= now;
            answersUntil = now + AnswersMatterFor;
        }

        Checking = asked > 0 || now < answersUntil;
        return count;
    }

    /// <summary>A host was heard to say that it has an address: if that is a silent peer's, its node lives.</summary>
    /// <param name="mac">Its hardware address.</param>
    /// <param name="address">The address.</param>
    /// <param name="now">Monotonic time.</param>
    /// <param name="answers">Whether it answered a question, which shows that it hears; one who asks only speaks.</param>
    /// <returns>Whether <see cref="View"/> changed.</returns>
    public bool HearKernel(MacAddress mac, IpAddress address, TimeSpan now, bool answers = true)
    {
        var changed = HearHost(mac, address, now, answers);
        foreach (var peer in Peers)
        {
            if (peer.Mac == mac && peer.CheckedSince is not null && peer.KernelAddress == address)
            {
                peer.KernelHeardAt = now;
                peer.KernelAnsweredAt = answers ? now : peer.KernelAnsweredAt;
                changed |= FollowPresence(peer, now);
            }
        }

        return changed;
    }

    private bool WasHeardLately(Peer peer, TimeSpan now) =>
        peer.Alive ? now < SuspectAt(peer) : peer.AwaySince is not null && now - peer.KernelHeardAt < 3 * timings.CheckInterval;

    // After the second missed heartbeat, so that the answer is there when the third is missed.
    private static TimeSpan SuspectAt(Peer peer) => peer.HeardAt + new TimeSpan(peer.GoodFor.Ticks * 4 / 7);

    private static TimeSpan SilentAt(Peer peer) => peer.HeardAt + new TimeSpan(peer.GoodFor.Ticks * 5 / 7);

    private static bool IsSilent(Peer peer, TimeSpan now) => peer.Alive ? now >= SuspectAt(peer) : peer.AwaySince is not null;

    private bool KernelAnswers(Peer peer, TimeSpan now) =>
        peer.CheckedSince is not null && peer.KernelHeardAt >= peer.CheckedSince && now - peer.KernelHeardAt < KernelGoodFor(peer);

    // As many questions as anybody else's have been lost by then.
    private TimeSpan KernelGoodFor(Peer peer) =>
        peer.Alive || Watches(peer) ? timings.KernelGoodFor : timings.KernelGoodFor * (timings.SlowCheckInterval / timings.CheckInterval / 2);

    private bool KernelHears(Peer peer, TimeSpan now) =>
        peer.CheckedSince is not null && peer.KernelAnsweredAt >= peer.CheckedSince && now - peer.KernelAnsweredAt < timings.KernelGoodFor;

    private bool IsProbed(Peer peer, TimeSpan now) =>
        !peer.Alive && peer.Boot != 0 && !peer.Replaced && now >= peer.ProbeAt && now - peer.HeardAt < timings.ProbeFor;

    private bool HasMajority(TimeSpan now)
    {
        int known = 1, here = 1;
        foreach (var peer in Peers)
        {
            // Who was found deaf is known to be there, and not to count.
            if (peer.Deaf)
            {
                continue;
            }

            // A node that is cut off loses its peers one after the other: whoever is as silent as the one just lost does not count.
            var isHere = peer.Alive || peer.AwaySince is not null;
            here += WasHeardLately(peer, now) ? 1 : 0;
            known += isHere || (peer.Boot != 0 && !peer.Replaced && now - peer.HeardAt < timings.ProbeFor && (peer.State & SpeakerState.Leaving) == 0) ? 1 : 0;
        }

        return 2 * here > known;
    }

    // On a machine whose cores are all busy this process may have come too late to ask the silent peer's kernel, or not have got round to
    // what was received: that is done before the peer is given up. The one happens once in a silence, the other for as long again at most.
    private bool IsHeardOutFirst(Peer peer, TimeSpan now)
    {
        var asksFirst = !peer.LastChance && Carrier && peer.KernelAddress is not null && !(peer.CheckedSince + timings.CheckInterval <= now);
        if (asksFirst)
        {
            peer.LastChance = true;
            peer.ExpiresAt = now + (2 * timings.CheckInterval);
        }
        else if (isBehind && now < peer.HeardAt + (2 * peer.GoodFor))
        {
            peer.ExpiresAt = now + (timings.CheckInterval / 2);
        }

        return now < peer.ExpiresAt;
    }

    // One broadcast a loss, from one node of the segment.
    private bool AsksEverybody(Peer silent, TimeSpan now)
    {
        if (!silent.Alive || HasStaleEcho(silent, now) || silent.CheckedSince + timings.CheckInterval > now || silent.CheckedSince + (2 * timings.CheckInterval) <= now)
        {
            return false;
        }

        foreach (var peer in Peers)
        {
            if (peer.IsServing && peer != silent && string.CompareOrdinal(peer.Identity.Node, identity.Node) < 0)
            {
                return false;
            }
        }

        return true;
    }

    private bool FollowPresence(Peer peer, TimeSpan now)
    {
        var before = peer.AwaySince;
        var wasDeaf = peer.Deaf;
        peer.Deaf = IsDeaf(peer, now);
        if (peer.Alive && now < SilentAt(peer))
        {
            // Who sends and does not hear, with a kernel that does: only its speaker is deaf, and the traffic still flows there.
            var serves = peer.IsServing && (peer.State & SpeakerState.Leaving) == 0 && !(SaysItIsDeaf(peer, now) && KernelHears(peer, now));
            peer.AwaySince = serves ? null : before ?? now;
        }
        else if (KernelAnswers(peer, now))
        {
            peer.AwaySince = before ?? now;
        }
        else if (!peer.Alive && before is not null && !(isBehind && now < peer.KernelHeardAt + (2 * KernelGoodFor(peer))))
        {
            peer.AskedInVain = peer.CheckedSince is not null;
            Depart(peer);
        }

        // Who was put up with for long enough, and handed over meanwhile, is not asked for ever.
        if (!peer.Alive && IsGraceOver(peer, now - timings.Parting))
        {
            Depart(peer);
        }

        return wasDeaf != peer.Deaf || (before is null) != (peer.AwaySince is null) || GraceEnds(peer, now);
    }

    // Whoever signs with another key than ours is no less there than before, and may answer for what is its own.
    private bool IsGraceOver(Peer peer, TimeSpan now) => peer.AwaySince + timings.Grace <= now && !IsForeign(peer, now);

    // True once, at the first look after it.
    private bool GraceEnds(Peer peer, TimeSpan now)
    {
        var over = IsGraceOver(peer, now);
        var was = peer.GraceOver;
        peer.GraceOver = over;
        return over && !was;
    }

    // Neither its speaker nor its kernel is there: what it claimed is free.
    private void Depart(Peer peer)
    {
        peer.Losses += peer.Blamed ? 1 : 0;
        peer.Blamed = false;
        peer.AwaySince = null;
        peer.Departed = true;
        AskNoMore(peer);
        peer.Claims.Clear();
        claimsChanged = true;
    }

    // Another interface of the node has the address of the silent one now, as when a bridge takes the place of its port, and answers for it:
    // one that is merely away would stay so for good, and what it claimed would count for the node long after others took over.
    private bool FollowReplacement(Peer peer, TimeSpan now)
    {
        var silent = peer.Alive ? now >= SilentAt(peer) : peer.AwaySince is not null;
        if (!silent || SuccessorOf(peer, now) is not { } successor)
        {
            return false;
        }

        successor.Inherit(peer.Claims);
        peer.Replaced = true;
        if (peer.Alive)
        {
            peer.Alive = false;
            peer.HearsUs = false;
            AliveCount--;
            Digest ^= peer.NameHash;
        }

        Depart(peer);
        return true;
    }

    private Peer? SuccessorOf(Peer silent, TimeSpan now)
    {
        if (silent.Identity.Prefixes.Count == 0)
        {
            return null;
        }

        foreach (var peer in Peers)
        {
            if (peer.Alive && now < SuspectAt(peer) && peer != silent && peer.HeardAt > silent.HeardAt && peer.NodeBytes.AsSpan().SequenceEqual(silent.NodeBytes)
                && peer.Has(silent.Identity.Prefixes[0].Address))
            {
                return peer;
            }
        }

        return null;
    }

    private void AskNoMore(Peer peer)
    {
        asked -= peer.CheckedSince is null ? 0 : 1;
        peer.CheckedSince = null;
    }

    private bool LiftFence(TimeSpan now)
    {
        if (fencedSince is not { } since)
        {
            return false;
        }

        if (now < listenUntil || MissesWitness(now))
        {
            return false;
        }

        if (now < since + timings.ClaimPatience)
        {
            foreach (var peer in Peers)
            {
                if (peer.Alive && (peer.HeardAt < since || !peer.ClaimsKnown))
                {
                    return false;
                }
            }
        }

        fencedSince = null;
        StandsDown = false;
        return true;
    }

    private TimeSpan NextPresence(Peer peer, TimeSpan now)
    {
        var next = TimeSpan.MaxValue;
        if (peer.Alive && now < SuspectAt(peer))
        {
            next = SuspectAt(peer);
        }
        else if (IsSilent(peer, now))
        {
            next = CheckDue(peer, now);
        }

        if (HasStaleEcho(peer, now) && CheckDue(peer, now) < next)
        {
            next = CheckDue(peer, now);
        }

        if (peer.Alive && now < SilentAt(peer) && SilentAt(peer) < next)
        {
            next = SilentAt(peer);
        }

        if (peer.AwaySince + timings.Grace is { } graceEnd)
        {
            graceEnd += now < graceEnd ? TimeSpan.Zero : timings.Parting;
            next = now < graceEnd && graceEnd < next ? graceEnd : next;
        }

        return next;
    }
}
