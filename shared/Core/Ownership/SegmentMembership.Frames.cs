using LoadBalancer.Core.Heartbeats;

namespace LoadBalancer.Core.Ownership;

/// <content>Frames of peers: which are believed, and what they change.</content>
public sealed partial class SegmentMembership
{
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
            siblings.Add(SegmentRing.PlaceOf(frame.Node, frame.Link));
            return new HearResult(frame.Boot == ownBoot ? HeartbeatRefusal.OwnFrame : HeartbeatRefusal.SameName);
        }

        if (Find(frame) is not { } peer)
        {
            if (peers.Count >= timings.MaxPeers && !ForgetOne(now, lastSequenceSent))
            {
                return new HearResult(HeartbeatRefusal.TooManyPeers);
            }

            peer = new Peer(frame, confirmAbove);
            peers.Add(peer);
        }

        // It answers what it was sent: it has had a frame of this node, and needs none for that.
        var answers = peer.Run.AwaitsProof(now);
        if (frame.Boot != peer.Run.Boot)
        {
            if (!peer.Run.IsProvenBy(frame, ownBoot))
            {
                return AskForProof(peer, frame, now);
            }

            BeginRun(peer, frame.Boot, now, lastSequenceSent);
        }

        if (frame.Sequence <= peer.Run.Sequence)
        {
            return peer.OnWire && peer.Run.IsLate(frame) ? TakeLate(peer, frame) : new HearResult(HeartbeatRefusal.Replayed);
        }

        if (!peer.OnWire && frame.HeardBoot != ownBoot && frame.Kind != HeartbeatKind.Heartbeat)
        {
            // A hello shows that it lives, not that it hears us: believed as it is, one-way loss would bring it back once a second.
            // A heartbeat is sent to us often enough to stay believed, and what such a peer claims must be known.
            peer.Run.Advance(frame.Sequence);
            return AskForProof(peer, frame, now);
        }

        return Believe(peer, frame, answers, now);
    }

    private static HearResult AskForProof(Peer peer, in HeartbeatFrame frame, TimeSpan now)
    {
        var answer = peer.Run.AskForProof(frame, now);
        peer.AnswerDue |= answer;
        return new HearResult(HeartbeatRefusal.Unconfirmed, AnswerNow: answer);
    }

    private void BeginRun(Peer peer, ulong boot, TimeSpan now, ulong lastSequenceSent)
    {
        peer.Run.Begin(boot, lastSequenceSent);
        if (peer.Claims.BeginRun())
        {
            claimChanges.NoteAll();
        }

        peer.Rumor.Sequence = 0;
        inquiryInterval = FirstInquiry;
        if (peer.State == PeerState.Gone)
        {
            Enter(peer, PeerState.Unconfirmed, now);
        }
    }

    private HearResult Believe(Peer peer, in HeartbeatFrame frame, bool answers, TimeSpan now)
    {
        var describes = frame.Kind is HeartbeatKind.Hello or HeartbeatKind.Heartbeat;
        var changed = (describes && peer.UpdateIdentity(frame)) | peer.Flags != frame.Flags | peer.Mac != frame.Source;
        var wasSilent = FallsDeafAfterASilence(peer, frame, now);
        var isNews = !peer.Near && BeginsToHearNothing(peer, frame.Flags) && peer.Rumor.WasMissed(now, DeafFor);
        peer.Run.Advance(frame.Sequence);
        peer.Mac = frame.Source;
        peer.Flags = frame.Flags;
        peer.ServedAs = (frame.Flags & SpeakerState.Serving) != 0 ? frame.Source : peer.ServedAs;
        peer.Echo.SaidDeafAt = (frame.Flags & SpeakerState.HearsNothing) != 0 ? now : peer.Echo.SaidDeafAt;
        peer.HeardAt = now;
        peer.ToldGoodFor = frame.GoodFor;
        peer.GoodFor = GoodForOf(peer);
        peer.ExpiresAt = now + peer.GoodFor;
        SayThatItIsHeard(peer, isNews, now);
        peer.Rumor.End();
        peer.Said = peer.Deaf || (peer.IsAway && peer.Says(SpeakerState.HearsNothing)) ? peer.Said : null;
        peer.StallsExcused = 0;
        peer.Kernel.HadLastChance = false;
        peer.Replaced = false;
        peerHeardAt = now;
        peer.Claims.Digest = frame.ClaimDigest;
        peer.Tells = (frame.Marks & HeartbeatMarks.Tells) != 0;
        changed |= peer.Near && peer.Echo.ViewDigest != frame.ViewDigest;
        peer.Echo.ViewDigest = frame.ViewDigest;
        peer.Kernel.WasInVain = false;
        if (frame.Kind == HeartbeatKind.Heartbeat)
        {
            var hearsUs = frame.HeardBoot == ownBoot;
            changed |= peer.Echo.Take(hearsUs, frame.HeardSequence, now);
            ListenToLosses(peer, hearsUs ? frame.Losses : 0, now);
        }

        KeepCompany(peer, frame, now);

        var isNew = !peer.OnWire;
        if (isNew)
        {
            // Given up, and the same run goes on: it may have taken what is others'.
            Reunions += peer.State == PeerState.Gone ? 1 : 0;
            peer.OnWire = true;
            peer.Echo.Begin();
            witnesses.Forget(peer.Mac);
            peer.Run.EndProof();
            peer.AnswerDue |= !answers;
            peer.OnWireSince = now;
            AliveCount++;
            Digest ^= peer.NameHash;
            companyChanged = true;
        }

        if (wasSilent || !HasStaleEcho(peer, now))
        {
            AskNoMore(peer);
        }

        changed |= Follow(peer, now);
        changed |= TakeSuspects(peer, frame.Suspects, now);
        changed |= TakeClaims(peer, frame);
        FollowCompany(now);
        var told = TakeWords(peer, frame, now, out var heardNews);
        return new HearResult(HeartbeatRefusal.None, changed | isNew | heardNews, isNew || told || HasUrgent || peer is { Near: false, AnswerDue: true } || peer.Claims.DumpDue || IsToBeAsked(peer));
    }

    // Nothing passed either way: that its kernel did not answer meanwhile does not show that it is deaf now.
    private static bool FallsDeafAfterASilence(Peer peer, in HeartbeatFrame frame, TimeSpan now) =>
        BeginsToHearNothing(peer, frame.Flags) && now - peer.HeardAt > Usual(peer.GoodFor);

    // It says so now, and did not before.
    private static bool BeginsToHearNothing(Peer peer, SpeakerState flags) => (flags & SpeakerState.HearsNothing) != 0 && !peer.Says(SpeakerState.HearsNothing);

    // Whoever sends heartbeats in a series is sent them, and whoever asks is answered; of a neighbour that goes by itself.
    private void KeepCompany(Peer peer, in HeartbeatFrame frame, TimeSpan now)
    {
        var rings = timings.Ring && (frame.Marks & HeartbeatMarks.Rings) != 0;
        companyChanged |= rings != peer.Rings;
        peer.Rings = rings;
        if (peer.Near)
        {
            return;
        }

        peer.AnswerDue |= (frame.Marks & HeartbeatMarks.Asks) != 0 || (frame.Kind == HeartbeatKind.Heartbeat && frame.HeardBoot != ownBoot);
        if ((frame.Marks & HeartbeatMarks.Close) != 0)
        {
            peer.AnswerDue |= now >= peer.CourtedUntil;
            peer.CourtedUntil = now + frame.GoodFor;
        }
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
        var index = peers.FindIndex(peer => !peer.IsHere && !peer.Run.AwaitsProof(now));
        if (index < 0)
        {
            return false;
        }

        peers.RemoveAt(index);
        confirmAbove = lastSequenceSent;
        return true;
    }
}
