using LoadBalancer.Core.Heartbeats;

namespace LoadBalancer.Core.Ownership;

/// <content>
/// A silent speaker is not yet a dead node: its kernel is asked. While that answers, the node is away, not gone.
/// </content>
public sealed partial class SegmentMembership
{
    // After the second missed heartbeat, so that the answer is there when the third is missed.
    private static TimeSpan SuspectAt(Peer peer) => SilentFrom(peer) + SuspectAfter(peer.GoodFor);

    private static TimeSpan SilentAt(Peer peer) => SilentFrom(peer) + SilentAfter(peer.GoodFor);

    private static TimeSpan SuspectAfter(TimeSpan goodFor) => new(goodFor.Ticks * 4 / 7);

    private static TimeSpan SilentAfter(TimeSpan goodFor) => new(goodFor.Ticks * 5 / 7);

    private static TimeSpan SilentFrom(Peer peer)
    {
        var (own, others) = (LastSign(peer), peer.VouchedAt + VouchedFor);
        return peer.Near && others > own ? others : own;
    }

    private static bool IsSilent(Peer peer, TimeSpan now) => peer.Near && (peer.OnWire ? now >= SuspectAt(peer) : peer.IsAway);

    // On a machine whose cores are all busy this process may have come too late to ask the silent peer's kernel, or not have got round to
    // what was received: that is done before the peer is given up. The one happens once in a silence, the other for as long again at most.
    private bool IsHeardOutFirst(Peer peer, TimeSpan now)
    {
        if (!WasSaid(peer, now))
        {
            Extend(peer, (IsSaidToBeMissing(peer) ? peer.SaidAt : now) + PeerRumor.Patience);
        }

        var asksFirst = !peer.Kernel.HadLastChance && peer.Near && Carrier && peer.KernelAddress is not null && !(peer.Kernel.Since + timings.CheckInterval <= now);
        if (asksFirst)
        {
            peer.Kernel.HadLastChance = true;
            Extend(peer, now + (2 * timings.CheckInterval));
        }
        else if (isBehind && now < peer.HeardAt + (2 * peer.GoodFor))
        {
            Extend(peer, now + (timings.CheckInterval / 2));
        }

        return now < peer.ExpiresAt;
    }

    // The one place where a peer's state follows from the facts.
    private bool Follow(Peer peer, TimeSpan now, bool isLost = false)
    {
        var (wasAway, wasDeaf, mightHearUs) = (peer.IsAway, peer.Deaf, peer.MayHearUsYet);
        var facts = FactsOf(peer, now, isLost);
        var next = PeerPresence.Next(peer.State, facts);
        if (isLost)
        {
            peer.Blamed = IsToBlame(peer);
            LeaveWire(peer);
        }

        if (next == PeerState.Gone && peer.State != PeerState.Gone)
        {
            peer.Kernel.WasInVain = peer.Kernel.Since is not null && !facts.KernelAnswers && !facts.MayHaveAnswered;
        }

        Enter(peer, next, now);
        peer.Deaf = IsDeaf(peer, now);
        peer.MayHearUsYet = now < HeardByThen(peer);
        return wasDeaf != peer.Deaf || wasAway != peer.IsAway || mightHearUs != peer.MayHearUsYet || GraceEnds(peer, now);
    }

    // Whoever is met again, or has just lost this node, may have had no frame of it yet on a wire that is whole: two heartbeats, and it has.
    private static TimeSpan HeardByThen(Peer peer) =>
        peer.OnWire && peer.Echo.UnheardSince is { } since ? since + SuspectAfter(peer.GoodFor) : TimeSpan.Zero;

    private PeerFacts FactsOf(Peer peer, TimeSpan now, bool isLost)
    {
        // Who sends and does not hear, with a kernel that does: only its speaker is deaf, and the traffic still flows there.
        var isDeafAlone = (SaysItIsDeaf(peer, now) && KernelHears(peer, now))
            || (peer.OnWire && peer.Says(SpeakerState.HearsNothing) && now < peer.Rumor.AwayUntil && !(peer.Near && now - peer.NearSince >= timings.KernelGoodFor));
        var serves = peer.IsServing && !peer.Says(SpeakerState.Leaving) && !isDeafAlone;
        return new PeerFacts(peer.OnWire && !isLost, now >= SilentAt(peer), serves, KernelAnswers(peer, now) || IsSaidToAnswer(peer, now))
        {
            MayHaveAnswered = !peer.OnWire && isBehind && now < peer.Kernel.HeardAt + (2 * KernelGoodFor(peer, now)),
            PutUpWith = IsGraceOver(peer, now - timings.Parting),
        };
    }

    // By others' word, until this node has had the time to ask it itself.
    private bool IsSaidToAnswer(Peer peer, TimeSpan now) =>
        peer.Rumor.Accepted == WordKind.Away && !(now - peer.Kernel.Since >= KernelGoodFor(peer, now));

    private void Enter(Peer peer, PeerState state, TimeSpan now)
    {
        if (state == peer.State)
        {
            return;
        }

        peer.State = state;
        peer.AwaySince = state == PeerState.Away ? now : null;
        if (state == PeerState.Gone)
        {
            // Neither its speaker nor its kernel is there: what it claimed is free.
            peer.Losses += peer.Blamed ? 1 : 0;
            peer.Blamed = false;
            AskNoMore(peer);
            peer.Claims.Known.Clear();
            claimChanges.NoteAll();
        }
    }

    private void LeaveWire(Peer peer)
    {
        peer.OnWire = false;
        companyChanged = true;
        peer.Echo.End();
        AliveCount--;
        Digest ^= peer.NameHash;
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

    // Another interface of the node has the address of the silent one now, as when a bridge takes the place of its port, and answers for it:
    // one that is merely away would stay so for good, and what it claimed would count for the node long after others took over.
    private bool FollowReplacement(Peer peer, TimeSpan now)
    {
        var silent = peer.OnWire ? now >= SilentAt(peer) || peer.Rumor.IsBad : peer.IsAway;
        if (!silent || SuccessorOf(peer, now) is not { } successor)
        {
            return false;
        }

        // Those it is not near to would wait for its next hello.
        if (HasDistant && peer.Near)
        {
            Say(peer, WordKind.Silent, now);
        }

        // What it says is its own counts, if it says anything yet.
        if (!successor.IsServing)
        {
            successor.Claims.Inherit(peer.Claims.Known);
            claimChanges.NoteAll();
        }

        peer.Replaced = true;
        if (peer.OnWire)
        {
            LeaveWire(peer);
        }

        Enter(peer, PeerState.Gone, now);
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
            if (peer.OnWire && now < SuspectAt(peer) && peer != silent && peer.HeardAt > silent.HeardAt && peer.NodeBytes.AsSpan().SequenceEqual(silent.NodeBytes)
                && peer.Has(silent.Identity.Prefixes[0].Address))
            {
                return peer;
            }
        }

        return null;
    }

    private TimeSpan NextPresence(Peer peer, TimeSpan now)
    {
        var next = TimeSpan.MaxValue;
        if (peer.OnWire && now < SuspectAt(peer))
        {
            next = SuspectAt(peer);
        }
        else if (IsSilent(peer, now))
        {
            next = CheckDue(peer, now);
        }

        if (peer.Rumor.Pending is not null && peer.Rumor.MaturesAt < next)
        {
            next = peer.Rumor.MaturesAt;
        }

        if (HasStaleEcho(peer, now) && !IsJustMet(peer, now) && CheckDue(peer, now) < next)
        {
            next = CheckDue(peer, now);
        }

        if (peer.OnWire && now < SilentAt(peer) && SilentAt(peer) < next)
        {
            next = SilentAt(peer);
        }

        if (now < HeardByThen(peer) && HeardByThen(peer) < next)
        {
            next = HeardByThen(peer);
        }

        if (peer.AwaySince + timings.Grace is { } graceEnd)
        {
            graceEnd += now < graceEnd ? TimeSpan.Zero : timings.Parting;
            next = now < graceEnd && graceEnd < next ? graceEnd : next;
        }

        return next;
    }
}
