using LoadBalancer.Core.Heartbeats;

namespace LoadBalancer.Core.Ownership;

/// <content>What this node makes of its peers: who is there, who is to be told, and whether it is the larger part.</content>
public sealed partial class SegmentMembership
{
    private static readonly TimeSpan FarProbes = TimeSpan.FromSeconds(2);

    /// <summary>Whether frames of the node were ever believed on this link.</summary>
    public bool HasHeard(string node)
    {
        foreach (var peer in Peers)
        {
            if (peer.IsKnown && string.Equals(peer.Identity.Node, node, StringComparison.Ordinal))
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
            if (peer.IsHere)
            {
                members.Add(Member(peer.Identity, MemberSource.Wire, peer.Flags, peer.Echo.HearsUs) with
                {
                    Run = peer.Run.Boot,
                    Mac = peer.Mac,
                    Renamed = peer.ServedAs != default && peer.ServedAs != peer.Mac,
                    Ready = !peer.IsAway && !peer.Deaf && peer.Says(SpeakerState.Ready),
                    Away = peer.IsAway,
                    MayHearUsYet = peer.MayHearUsYet,
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

    /// <summary>Fills in whom to send heartbeats to: the living, and those who have still to prove themselves.</summary>
    /// <param name="now">Monotonic time.</param>
    /// <param name="newcomersOnly">Only those who wait for an answer (<see cref="HearResult.AnswerNow"/>).</param>
    /// <param name="targets">Receives them.</param>
    /// <returns>Their number; what finds no room is left out.</returns>
    public int Targets(TimeSpan now, bool newcomersOnly, Span<HeartbeatTarget> targets)
    {
        var count = 0;
        var (probeInterval, distantInterval) = (ProbeInterval(), DistantProbeInterval);
        foreach (var peer in Peers)
        {
            var wanted = !newcomersOnly || peer.AnswerDue;
            var answers = peer.AnswerDue;
            peer.AnswerDue = false;
            if (peer.OnWire && (answers || (wanted && IsKeptCompany(peer, now))) && count < targets.Length)
            {
                targets[count++] = TargetOf(peer) with { Marks = peer.Near ? HeartbeatMarks.Close : HeartbeatMarks.None };
            }

            if (wanted && peer.Run.AwaitsProof(now) && count < targets.Length)
            {
                targets[count++] = peer.Run.ProofTarget(peer.Losses) with { Marks = HeartbeatMarks.Asks };
            }
            else if (!newcomersOnly && (IsProbed(peer, now) || IsInquired(peer, now)) && count < targets.Length)
            {
                peer.ProbeAt = now + (peer.Near || distantInterval < probeInterval ? probeInterval : distantInterval);
                peer.InquireAt = now + FirstInquiry;
                peer.IsInquired = false;
                targets[count++] = (peer.OnWire ? TargetOf(peer) : new HeartbeatTarget(peer.Mac, 0, 0, peer.Losses)) with { Marks = HeartbeatMarks.Asks };
            }
        }

        return count;
    }

    // Somebody else hears one that this node does not; of one that is not near nobody has told for long; or it does not hear this node, as far
    // as it said when they last spoke to each other: it is asked itself.
    private static bool IsInquired(Peer peer, TimeSpan now) =>
        peer.IsKnown && now >= peer.InquireAt
        && (peer.IsInquired || (peer is { OnWire: true, Near: false } && (now >= SuspectAt(peer) || !peer.Echo.HearsUs)));

    // Of whom its neighbours will tell.
    private TimeSpan DistantProbeInterval => HeartbeatSchedule.HelloInterval(AliveCount) is var hello && hello > FarProbes ? hello : FarProbes;

    private TimeSpan ProbeInterval()
    {
        var lost = 0;
        foreach (var peer in Peers)
        {
            lost += peer is { OnWire: false, IsKnown: true, Replaced: false } ? 1 : 0;
        }

        var fair = TimeSpan.FromSeconds((double)lost / timings.ProbesPerSecond);
        return fair > timings.ProbeInterval ? fair : timings.ProbeInterval;
    }

    private static HeartbeatTarget TargetOf(Peer peer) => new(peer.Mac, peer.Run.Boot, peer.Run.Sequence, peer.Losses);

    private bool HasMajority(TimeSpan now)
    {
        int known = 1, here = 1;
        var company = HasCompany(now);
        foreach (var peer in Peers)
        {
            // Who was found deaf is known to be there, and not to count.
            if (peer.Deaf)
            {
                continue;
            }

            // A node that is cut off loses its peers one after the other: whoever is as silent as the one just lost does not count.
            here += WasHeardLately(peer, now) || (company && IsHeardByOthers(peer, now)) ? 1 : 0;
            known += peer.IsHere || IsMissed(peer, now) ? 1 : 0;
        }

        return 2 * here > known;
    }

    // Who said that it leaves is not missed.
    private bool IsMissed(Peer peer, TimeSpan now) =>
        peer.IsKnown && !peer.Replaced && now - peer.HeardAt < timings.ProbeFor && !peer.Says(SpeakerState.Leaving);

    private bool WasHeardLately(Peer peer, TimeSpan now) =>
        peer.OnWire ? now < peer.HeardAt + SuspectAfter(peer.ToldGoodFor) : peer.IsAway && now - peer.Kernel.HeardAt < 3 * timings.CheckInterval;

    // Whoever is not near has not been missed by anybody, which says something only if this node would have been told.
    private static bool IsHeardByOthers(Peer peer, TimeSpan now) =>
        peer.OnWire ? !peer.Rumor.IsBad && now < SuspectAt(peer) : peer.IsAway && peer.Rumor.Accepted == WordKind.Away;

    // Of those it keeps company with a cut-off node hears few.
    private bool HasCompany(TimeSpan now)
    {
        if (!HasDistant)
        {
            return false;
        }

        var heard = 0;
        foreach (var peer in Peers)
        {
            heard += peer is { OnWire: true, Near: true } && WasHeardLately(peer, now) ? 1 : 0;
        }

        return 2 * heard > NearCount;
    }

    private bool IsProbed(Peer peer, TimeSpan now) =>
        !peer.OnWire && peer.IsKnown && !peer.Replaced && now >= peer.ProbeAt && now - peer.HeardAt < timings.ProbeFor;
}
