using LoadBalancer.Core.Heartbeats;

namespace LoadBalancer.Core.Ownership;

/// <content>Who is missed by some and heard by others: what speaks against its loss, and who says so.</content>
public sealed partial class SegmentMembership
{
    // Its neighbours, and the next two beyond them on either side.
    private const int MostVouchers = (2 * SegmentRing.Reach) + 4;

    // For so long a neighbour that others hear is not missed again.
    private static readonly TimeSpan VouchedFor = TimeSpan.FromSeconds(1);

    // That others hear one that hears nothing is of no use to anybody.
    private static void EndVouching(Peer peer, SpeakerState flags)
    {
        if (peer.Near && BeginsToHearNothing(peer, flags) && peer.VouchedAt > peer.HeardAt)
        {
            peer.VouchedAt = TimeSpan.MinValue;
            peer.ExpiresAt = peer.HeardAt + peer.GoodFor;
        }
    }

    private bool TakeHeard(Peer peer, in PeerWord word, TimeSpan now)
    {
        if (!peer.OnWire)
        {
            // It goes on for others: it is asked itself.
            peer.IsInquired |= now - word.Age > peer.HeardAt;
            peer.Rumor.HeardBy(now - word.Age ?? TimeSpan.MinValue);
            return false;
        }

        if (now - word.Age is not { } heardAt)
        {
            return false;
        }

        peer.Rumor.Contradict(heardAt);
        if (!peer.Near)
        {
            Extend(peer, heardAt + peer.GoodFor);
        }
        else if (now >= SuspectAt(peer) && heardAt > peer.HeardAt + Slack && heardAt > peer.VouchedAt && !peer.Says(SpeakerState.HearsNothing))
        {
            Vouch(peer, heardAt, now);
        }

        return Follow(peer, now);
    }

    // Whoever has not heard it for as long as this node would ask by itself is about to miss it, too.
    private void Vouch(Peer peer, TimeSpan heardAt, TimeSpan now)
    {
        if (now - heardAt >= SuspectAfter(peer.GoodFor))
        {
            Extend(peer, heardAt + peer.GoodFor);
            return;
        }

        peer.VouchedAt = heardAt;
        Extend(peer, heardAt + VouchedFor + peer.GoodFor);
        AskNoMore(peer);
        peer.Said = null;
    }

    // By its neighbours, and those next to them, once for all that miss it at the same time.
    private void Contradict(Peer peer, TimeSpan now)
    {
        if (now >= peer.ContradictedAt + PeerRumor.Patience && (!HasDistant || ring.Rank(peer.Id) < MostVouchers))
        {
            peer.ContradictedAt = now;
            Say(peer, WordKind.Heard, now);
        }
    }

    // Those that do not keep company with it hear it seldom. A few of them tell those that miss it, should all its neighbours do so.
    private void SayThatItIsHeard(Peer peer, bool isNews, TimeSpan now)
    {
        if (HasDistant && (peer.Rumor.Pending is not null || isNews) && ring.Rank(peer.Id) < MostVouchers)
        {
            Say(peer, WordKind.Heard, now);
        }
    }
}
