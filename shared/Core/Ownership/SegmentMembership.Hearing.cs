using LoadBalancer.Core.Addressing;
using LoadBalancer.Core.Heartbeats;

namespace LoadBalancer.Core.Ownership;

/// <content>
/// Who hears. A link is fit when frames pass both ways; one that only sends leads everybody astray: its speaker finds all peers dead and
/// announces what is theirs. So a node asks before it believes that; and its peers notice by the stale echo of their own frames.
/// </content>
public sealed partial class SegmentMembership
{
    // Frames may wait for a moment for a link's thread on a busy machine.
    private static readonly TimeSpan StuckAfter = TimeSpan.FromMilliseconds(250);

    // Peers that had been gone for longer say nothing about a silence.
    private static readonly TimeSpan CompanyFor = TimeSpan.FromSeconds(1);

    private static readonly TimeSpan RecoversFor = TimeSpan.FromSeconds(2);

    private static readonly TimeSpan ForeignFor = TimeSpan.FromSeconds(5);

    private const int SuspectBits = 24;

    private readonly Witnesses witnesses = new();
    private TimeSpan heardAt;
    private TimeSpan peerHeardAt;
    private TimeSpan? askedSince;
    private TimeSpan? witnessAskedSince;
    private TimeSpan? unreadSince;
    private TimeSpan witnessDue;
    private TimeSpan urgentDue;
    private TimeSpan gatewaysDue;
    private long arrivalsSeen;

    /// <summary>The routers of the link's subnets: they are asked for, to be witnesses. Others are met as they speak.</summary>
    public IReadOnlyList<IpAddress> Gateways { get; set; } = [];

    /// <summary>
    /// Whether this node's link hears nothing, not even a witness that answered just before: what it owns is somebody else's to have. From
    /// then on until it has heard again, and listened for a while.
    /// </summary>
    public bool StandsDown { get; private set; }

    /// <summary>A bit for each peer whose node this one cannot reach although something of it goes on: of 24, that of its name's hash modulo 24.</summary>
    public uint Suspects { get; private set; }

    /// <summary>Whether a host that speaks is of interest as a witness.</summary>
    public bool WantsWitness(TimeSpan now) => witnesses.WantsMore(now);

    /// <summary>A frame of any kind came in: the link hears.</summary>
    public void NoteArrival(TimeSpan now)
    {
        // What the peers claim by now is not known: they may have taken this node for dead, too.
        if (HoldsStill(now) && AliveCount == 0)
        {
            Extend(ref listenUntil, now + OwnGoodFor);
        }

        if (StandsDown)
        {
            // Until then nobody asked: to be ready to answer does no harm on a deaf link, and much good on one that is merely quiet. One frame
            // is soon followed by silence again, or it is not: the witness is asked as often as at first.
            fencedSince ??= now;
            urgentDue = now;
        }

        heardAt = now;
        askedSince = null;
        witnessAskedSince = null;
        unreadSince = null;
    }

    /// <summary>A host says that it has an address, by an answer or by asking. Those of the link's subnets that are no peers are witnesses.</summary>
    /// <returns>Whether <see cref="View"/> changed.</returns>
    public bool HearHost(MacAddress mac, IpAddress address, TimeSpan now, bool answers = true)
    {
        NoteArrival(now);
        if (mac.IsGroup || mac.Value == 0 || !IsHere(address) || IsPeer(mac))
        {
            return false;
        }

        var known = witnesses.Count;
        var answered = witnesses.Hear(mac, address, now, answers);
        if (!answered)
        {
            // Who is new is asked at once: it must have answered, to be missed.
            witnessDue = witnesses.Count > known ? now : witnessDue;
            return false;
        }

        // To who is left alone it shows that the others are gone.
        var changed = AliveCount == 0;
        foreach (var peer in Peers)
        {
            changed |= FollowPresence(peer, now);
        }

        return changed;
    }

    /// <summary>Heartbeats are about to be sent to all living peers: their echo shows who hears them.</summary>
    /// <param name="lastSequence">The last sequence number used before.</param>
    /// <param name="now">Monotonic time.</param>
    public void MarkHeartbeats(ulong lastSequence, TimeSpan now)
    {
        foreach (var peer in Peers)
        {
            if (peer.Alive && peer.MarkedAt is null)
            {
                peer.MarkedAt = now;
                peer.Mark = lastSequence;
            }
        }
    }

    // Nothing for as long as two heartbeats, and somebody was asked in vain; or frames wait that nobody reads.
    private bool HearsNothing(TimeSpan now) => IsQuiet(now) || now - unreadSince >= StuckAfter;

    private bool IsQuiet(TimeSpan now) =>
        unreadSince is null && now - heardAt >= QuietAfter && now - askedSince >= timings.CheckInterval;

    private TimeSpan QuietAfter => new(OwnGoodFor.Ticks * 4 / 7);

    // Nothing is taken: what looks like the death of all peers may be this node's own link, or its own reader.
    private bool HoldsStill(TimeSpan now) => now - unreadSince >= StuckAfter || MissesWitness(now);

    private bool MissesWitness(TimeSpan now) =>
        IsQuiet(now) && now - witnessAskedSince >= timings.CheckInterval && HadWitness && HadCompany;

    private bool HadWitness => witnesses.AnsweredAt >= heardAt - timings.WitnessGoodFor;

    private bool HadCompany => peerHeardAt > TimeSpan.Zero && peerHeardAt >= heardAt - CompanyFor;

    private void FollowHearing(TimeSpan now, bool behind, long arrivals)
    {
        // What waits to be read has come in, whoever does not read it.
        if (arrivals != arrivalsSeen || (unreadSince is not null && !behind))
        {
            arrivalsSeen = arrivals;
            NoteArrival(now);
        }

        if (behind)
        {
            unreadSince ??= now;
            heardAt = now;
        }

        if (now - heardAt >= timings.StandDownAfter && MissesWitness(now))
        {
            StandsDown = true;
        }

        var suspects = 0u;
        foreach (var peer in Peers)
        {
            suspects |= IsFoundDeaf(peer, now) ? SuspectBit(peer) : 0;
        }

        Suspects = suspects;
    }

    // Lost time is no silence.
    private void ExcuseHearing(TimeSpan since, TimeSpan gap)
    {
        heardAt += heardAt <= since ? gap : TimeSpan.Zero;
        peerHeardAt += peerHeardAt <= since && peerHeardAt > TimeSpan.Zero ? gap : TimeSpan.Zero;
        askedSince = null;
        witnessAskedSince = null;
        unreadSince = null;
        foreach (var peer in Peers)
        {
            peer.MarkedAt += peer.MarkedAt <= since ? gap : TimeSpan.Zero;
        }
    }

    private static uint SuspectBit(Peer peer) => 1u << (int)(peer.NameHash % SuspectBits);

    // It goes on speaking, and what it says it has heard of this node stays behind what was sent to it.
    private bool HasStaleEcho(Peer peer, TimeSpan now)
    {
        var goodFor = peer.GoodFor > OwnGoodFor ? peer.GoodFor : OwnGoodFor;
        return peer.Alive && (!peer.HearsUs || now - peer.MarkedAt >= new TimeSpan(goodFor.Ticks * 3 / 7));
    }

    private bool SaysItIsDeaf(Peer peer, TimeSpan now) => (peer.State & SpeakerState.HearsNothing) != 0 && HasStaleEcho(peer, now);

    private bool IsFoundDeaf(Peer peer, TimeSpan now) =>
        SaysItIsDeaf(peer, now) && now - peer.CheckedSince >= 2 * timings.CheckInterval && !KernelHears(peer, now);

    // By its own word, by ours, and by that of somebody else, or of a witness that shows that it is not us who cannot be heard.
    private bool IsDeaf(Peer peer, TimeSpan now)
    {
        if (!IsFoundDeaf(peer, now))
        {
            return false;
        }

        foreach (var other in Peers)
        {
            if (IsAnotherThatHears(other, peer) && (other.Suspects & SuspectBit(peer)) != 0)
            {
                return true;
            }
        }

        return witnesses.AnsweredAt >= peer.CheckedSince;
    }

    // A peer that says it hears nothing is not to be given way to, if this node is heard by anybody; nor for a moment afterwards, until its
    // heartbeats show whom it hears.
    private bool IsKnownToHearNothing(Peer peer, TimeSpan now)
    {
        if (!(now - peer.SaidDeafAt < CompanyFor && HasStaleEcho(peer, now)))
        {
            return false;
        }

        foreach (var other in Peers)
        {
            if (IsAnotherThatHears(other, peer) && other.HearsUs)
            {
                return true;
            }
        }

        return witnesses.AnsweredAt >= peer.CheckedSince || now - witnesses.AnsweredAt < CompanyFor;
    }

    // Away, with a kernel that hears, it cannot tell that from a deaf link; and when it hears again, it is a while until it knows that.
    private bool YieldsBlindly(Peer peer, TimeSpan now) =>
        (peer.State & SpeakerState.HearsNothing) != 0 ? peer.AwaySince is not null && HasStaleEcho(peer, now) : now - peer.SaidDeafAt < RecoversFor;

    private static bool IsAnotherThatHears(Peer other, Peer than) =>
        other.Alive && other.NameHash != than.NameHash && (other.State & SpeakerState.HearsNothing) == 0;

    private bool TakeSuspects(Peer teller, uint suspects, TimeSpan now)
    {
        if (teller.Suspects == suspects)
        {
            return false;
        }

        teller.Suspects = suspects;
        var changed = false;
        foreach (var peer in Peers)
        {
            changed |= FollowPresence(peer, now);
        }

        return changed;
    }

    // Who goes on speaking is asked less often once it is known what it is about; who is away, by a few.
    private TimeSpan CheckDue(Peer peer, TimeSpan now)
    {
        var isSettled = peer.Alive ? HasStaleEcho(peer, now) && peer.AwaySince is null : !Watches(peer);
        return (peer.CheckedAt + (isSettled && now - peer.CheckedSince > timings.StandDownAfter ? timings.SlowCheckInterval : timings.CheckInterval)) ?? now;
    }

    // Another few for each node, the same for all that look.
    private bool Watches(Peer away)
    {
        var before = 0;
        foreach (var peer in Peers)
        {
            before += peer.IsServing && peer.NameHash != away.NameHash && (peer.NameHash ^ away.NameHash) < (ownHash ^ away.NameHash) ? 1 : 0;
        }

        return before < timings.Watchers;
    }

    private int AskWitnesses(TimeSpan now, Span<CheckTarget> targets)
    {
        if (NeedsWitness(now))
        {
            if (now < urgentDue)
            {
                return 0;
            }

            witnessAskedSince ??= witnesses.Count > 0 ? now : null;
            urgentDue = now + (StandsDown ? timings.SlowCheckInterval : timings.CheckInterval);
            return witnesses.AskAll(now, targets);
        }

        if (now < witnessDue || peers.Count == 0 || targets.IsEmpty)
        {
            return 0;
        }

        var count = 0;
        witnessDue = now + timings.WitnessInterval;
        if (witnesses.Count > 0)
        {
            targets[count++] = witnesses.AskOne(now);
        }

        return count + AskForGateways(now, targets[count..]);
    }

    private bool NeedsWitness(TimeSpan now)
    {
        var peersSilentFor = now - peerHeardAt;
        if (HadCompany && (now - heardAt >= QuietAfter || (peersSilentFor >= QuietAfter && peersSilentFor < CompanyFor)))
        {
            return true;
        }

        foreach (var peer in Peers)
        {
            if (SaysItIsDeaf(peer, now))
            {
                return true;
            }
        }

        return WantsProofOfItself(now);
    }

    // Those of which nothing was heard yet, by broadcast; seldom, they may be no more.
    private int AskForGateways(TimeSpan now, Span<CheckTarget> targets)
    {
        if (now < gatewaysDue)
        {
            return 0;
        }

        gatewaysDue = now + (6 * timings.WitnessInterval);
        var count = 0;
        foreach (var gateway in Gateways)
        {
            if (count < targets.Length && IsHere(gateway) && !witnesses.Knows(gateway))
            {
                targets[count++] = new CheckTarget(MacAddress.Broadcast, gateway, Broadcast: true);
            }
        }

        return count;
    }

    private TimeSpan WitnessDue(TimeSpan now) => NeedsWitness(now) ? urgentDue : witnessDue > now ? witnessDue : TimeSpan.MaxValue;

    /// <summary>
    /// A frame came in that is signed with a key this node does not accept. If it has a peer's hardware address, one of the two lacks a key
    /// that the other has.
    /// </summary>
    public void HearForeign(MacAddress mac, TimeSpan now)
    {
        NoteArrival(now);
        foreach (var peer in Peers)
        {
            peer.ForeignAt = peer.Mac == mac && peer.Boot != 0 ? now : peer.ForeignAt;
        }
    }

    /// <summary>Whether a peer was heard a moment ago that cannot be understood, and none that can.</summary>
    public bool UnderstandsNobody(TimeSpan now)
    {
        var foreign = false;
        foreach (var peer in Peers)
        {
            if (peer.Alive && now < SuspectAt(peer))
            {
                return false;
            }

            foreign |= IsForeign(peer, now);
        }

        return foreign;
    }

    // Those that were lost get a frame five times a second, and everybody a hello each second.
    private static bool IsForeign(Peer peer, TimeSpan now) => now - peer.ForeignAt < ForeignFor;

    private bool IsHere(IpAddress address)
    {
        foreach (var prefix in identity.Prefixes)
        {
            if (prefix.Contains(address))
            {
                return true;
            }
        }

        return false;
    }

    private bool IsPeer(MacAddress mac)
    {
        foreach (var peer in Peers)
        {
            if (peer.Mac == mac)
            {
                return true;
            }
        }

        return false;
    }

    private static void Extend(ref TimeSpan until, TimeSpan to) => until = to > until ? to : until;
}
