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

    private TimeSpan heardAt;
    private TimeSpan peerHeardAt;
    private TimeSpan? askedSince;
    private TimeSpan? witnessAskedSince;
    private TimeSpan? unreadSince;
    private long arrivalsSeen;
    private long arrivalsNoted;

    /// <summary>
    /// Whether this node's link hears nothing, not even a witness that answered just before: what it owns is somebody else's to have. From
    /// then on until it has heard again, and listened for a while.
    /// </summary>
    public bool StandsDown { get; private set; }

    /// <summary>A frame of any kind came in: the link hears.</summary>
    public void NoteArrival(TimeSpan now)
    {
        arrivalsNoted++;
        if (HearsNothing(now))
        {
            ExcuseDeafness(now);
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
        routineAskedAt = null;
        unreadSince = null;
    }

    // Nothing for as long as two heartbeats, and somebody was asked in vain; or frames wait that nobody reads.
    private bool HearsNothing(TimeSpan now) => IsQuiet(now) || now - unreadSince >= StuckAfter;

    private bool IsQuiet(TimeSpan now) => now - heardAt >= QuietAfter && now - askedSince >= timings.CheckInterval;

    private TimeSpan QuietAfter => SuspectAfter(OwnGoodFor);

    // Nothing is taken: what looks like the death of all peers may be this node's own link, or its own reader. Nor while the witness has yet to
    // answer: it will in a moment, if the link hears.
    private bool HoldsStill(TimeSpan now) => now - unreadSince >= StuckAfter || AwaitsWitness(now) || IsSecluded;

    private bool AwaitsWitness(TimeSpan now) => now - heardAt >= QuietAfter && witnesses.Count > 0 && HadWitness && HadCompany;

    private bool MissesWitness(TimeSpan now) =>
        IsQuiet(now) && now - witnessAskedSince >= timings.CheckInterval && HadWitness && HadCompany;

    private bool HadWitness => witnesses.AnsweredAt >= heardAt - timings.WitnessGoodFor;

    private bool HadCompany => peerHeardAt > TimeSpan.Zero && peerHeardAt >= heardAt - CompanyFor;

    private void FollowHearing(TimeSpan now, bool behind, long arrivals)
    {
        // What waits to be read has come in, whoever does not read it; when, is known only of what was heard here.
        if (arrivals - arrivalsSeen > arrivalsNoted || (unreadSince is not null && !behind))
        {
            NoteArrival(now);
        }

        (arrivalsSeen, arrivalsNoted) = (arrivals, 0);

        if (behind)
        {
            unreadSince ??= now;
            heardAt = now;
        }

        FollowSeclusion(now);
        if ((now - heardAt >= timings.StandDownAfter && MissesWitness(now)) || StandsDownInSeclusion(now))
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

    // Nothing could be heard until now. What the peers claim is not known if all were lost: they may have taken this node for dead, too. One that
    // was not lost yet is given the time to be heard, or its kernel to answer: what it said meanwhile was lost on the way.
    private void ExcuseDeafness(TimeSpan now)
    {
        if (HoldsStill(now) && AliveCount == 0)
        {
            Extend(ref listenUntil, now + OwnGoodFor);
        }

        var atLeast = now + (2 * timings.CheckInterval);
        foreach (var peer in Peers)
        {
            if (peer.OnWire && peer.ExpiresAt < atLeast)
            {
                peer.ExpiresAt = atLeast;
            }
        }
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
            peer.Echo.Excuse(since, gap);
        }
    }

    private static void Extend(ref TimeSpan until, TimeSpan to) => until = to > until ? to : until;
}
