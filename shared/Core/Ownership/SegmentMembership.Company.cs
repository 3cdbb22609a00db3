using LoadBalancer.Core.Heartbeats;

namespace LoadBalancer.Core.Ownership;

/// <content>
/// Whom this node keeps close company with. On a small segment that is everybody. On a large one it is the neighbours in a ring; what becomes
/// of the others their neighbours say.
/// </content>
public sealed partial class SegmentMembership
{
    private readonly SegmentRing ring = new();
    private readonly ulong ownId;
    private bool companyChanged;

    /// <summary>How many peers get heartbeats in a close series.</summary>
    public int NearCount { get; private set; }

    /// <summary>Whether there are peers whose state is taken from others.</summary>
    public bool HasDistant { get; private set; }

    /// <summary>What every message of this node says of how it is meant.</summary>
    public HeartbeatMarks OwnMarks =>
        (timings.Ring ? HeartbeatMarks.Rings : HeartbeatMarks.None) | (HasUnsentClaims ? HeartbeatMarks.Tells : HeartbeatMarks.None);

    // Who is given heartbeats: its neighbours, and whoever takes this node for one.
    private static bool IsKeptCompany(Peer peer, TimeSpan now) => peer.Near || now < peer.CourtedUntil;

    // What is known of one that is not near comes with its hello, and with what others say.
    private TimeSpan DistantGoodFor => HeartbeatSchedule.GoodFor(HeartbeatSchedule.HelloInterval(AliveCount));

    private TimeSpan GoodForOf(Peer peer) => peer.Near || peer.ToldGoodFor > DistantGoodFor ? peer.ToldGoodFor : DistantGoodFor;

    private void FollowCompany(TimeSpan now)
    {
        if (!companyChanged)
        {
            return;
        }

        companyChanged = false;
        ring.Begin(ownId, peers.Count);
        foreach (var peer in Peers)
        {
            if (peer is { OnWire: true, Rings: true })
            {
                ring.Add(peer.Id);
            }
        }

        ring.End(ownId);
        var (near, distant) = (0, 0);
        foreach (var peer in Peers)
        {
            SetNear(peer, !peer.Rings || ring.IsNear(peer.Id), now);
            FollowPace(peer);
            near += peer is { OnWire: true, Near: true } ? 1 : 0;
            distant += peer is { OnWire: true, Near: false } ? 1 : 0;
        }

        NearCount = near;
        HasDistant = distant > 0;
    }

    // With more nodes each says hello less often.
    private void FollowPace(Peer peer)
    {
        if (peer is { OnWire: true, Near: false })
        {
            peer.GoodFor = GoodForOf(peer);
            Extend(peer, peer.HeardAt + peer.GoodFor);
        }
    }

    private void SetNear(Peer peer, bool near, TimeSpan now)
    {
        if (near == peer.Near)
        {
            return;
        }

        peer.Near = near;
        peer.GoodFor = GoodForOf(peer);
        peer.Echo.Begin();
        if (near)
        {
            // It is answered at once, and then goes on.
            peer.NearSince = now;
            peer.ExpiresAt = peer.OnWire ? now + peer.GoodFor : peer.ExpiresAt;
            peer.AnswerDue = true;
            return;
        }

        peer.Said = null;
        peer.ExpiresAt = peer.OnWire ? LastSign(peer) + peer.GoodFor : peer.ExpiresAt;
        if (peer is { IsAway: true, OnWire: false })
        {
            peer.Rumor.Adopt(WordKind.Away);
        }
        else if (peer.IsAway && peer.Says(SpeakerState.HearsNothing))
        {
            peer.Rumor.AwayUntil = now + DeafFor;
        }

        AskNoMore(peer);
    }

    // Since when nothing speaks for its life: whom this node has only begun to keep company with has had no time to.
    private static TimeSpan LastSign(Peer peer) => peer.Near && peer.NearSince > peer.HeardAt ? peer.NearSince : peer.HeardAt;

    // One of the neighbours asks everybody, and few go on asking: the same for all that look.
    private int RankAround(Peer peer)
    {
        if (HasDistant)
        {
            return ring.Rank(peer.Id);
        }

        var before = 0;
        foreach (var other in Peers)
        {
            before += other.IsServing && other.NameHash != peer.NameHash && (other.NameHash ^ peer.NameHash) < (ownHash ^ peer.NameHash) ? 1 : 0;
        }

        return before;
    }
}
