namespace LoadBalancer.Core.Ownership;

/// <content>
/// On a large segment a node that hears none of its neighbours, or is heard by none, while it hears others: nobody would miss it, and what they
/// take from it, it is not told of. It is the one that does not hear.
/// </content>
public sealed partial class SegmentMembership
{
    // With what is told within it, a neighbour that was lost here is known to go on for others: each is named in every two seconds.
    private static readonly TimeSpan ToldFor = TimeSpan.FromSeconds(3);

    private readonly SegmentRing wholeRing = new();
    private TimeSpan? secludedSince;
    private TimeSpan secludedNotBefore;

    /// <summary>Whether no frame passes between this node and its neighbours, one way at least, although others hear them.</summary>
    public bool IsSecluded => secludedSince is not null;

    private void FollowSeclusion(TimeSpan now)
    {
        if (isBehind || now < secludedNotBefore)
        {
            return;
        }

        var (apart, near) = IsSecluded || MayBeSecluded(now) ? CountApart(now) : (0, 0);
        if (near >= 2 * SegmentRing.Reach && (IsSecluded ? 2 * apart > near : apart == near))
        {
            secludedSince ??= now;
        }
        else if (IsSecluded)
        {
            // What they took meanwhile is to be heard first.
            secludedSince = null;
            fencedSince = StandsDown ? now : fencedSince;
        }
    }

    // Looked at more closely only then: this is asked at each beat.
    private bool MayBeSecluded(TimeSpan now)
    {
        if (peers.Count <= 2 * SegmentRing.Reach)
        {
            return false;
        }

        var apart = 0;
        foreach (var peer in Peers)
        {
            apart += IsApart(peer, now) ? 1 : 0;
        }

        return apart >= 2 * SegmentRing.Reach;
    }

    // Those lost here that others hear are neighbours still.
    private (int Apart, int Near) CountApart(TimeSpan now)
    {
        wholeRing.Begin(ownId, peers.Count);
        foreach (var peer in Peers)
        {
            if (IsInRing(peer, now))
            {
                wholeRing.Add(peer.Id);
            }
        }

        wholeRing.End(ownId);
        var (apart, near) = (0, 0);
        foreach (var peer in Peers)
        {
            if (IsInRing(peer, now) && wholeRing.IsNear(peer.Id))
            {
                near++;
                apart += IsApart(peer, now) ? 1 : 0;
            }
        }

        return (apart, near);
    }

    private static bool IsInRing(Peer peer, TimeSpan now) => peer.Rings && (peer.OnWire || IsHeardByOthersOnly(peer, now));

    private bool IsApart(Peer peer, TimeSpan now) =>
        peer.OnWire ? peer.Near && (IsMissedHereOnly(peer, now) || DoesNotHearUs(peer, now)) : IsHeardByOthersOnly(peer, now);

    // Asked in vain, speaker and kernel, and others have heard it since.
    private bool IsMissedHereOnly(Peer peer, TimeSpan now) =>
        now >= LastSign(peer) + SuspectAfter(peer.GoodFor) + timings.CheckInterval && peer.Rumor.OthersHeardAt > peer.HeardAt + Slack;

    private static bool IsHeardByOthersOnly(Peer peer, TimeSpan now) =>
        peer is { OnWire: false, IsKnown: true, Replaced: false } && now < peer.Rumor.OthersHeardAt + ToldFor && peer.Rumor.OthersHeardAt > peer.HeardAt + peer.GoodFor;

    // When it says that it misses this node: the echo of a frame may be a heartbeat late.
    private bool DoesNotHearUs(Peer peer, TimeSpan now)
    {
        var goodFor = peer.GoodFor > OwnGoodFor ? peer.GoodFor : OwnGoodFor;
        return now >= peer.NearSince + goodFor && peer.Echo.IsStaleFor(now, SilentAfter(goodFor));
    }

    private bool StandsDownInSeclusion(TimeSpan now) => now - secludedSince >= timings.StandDownAfter / 2;
}
