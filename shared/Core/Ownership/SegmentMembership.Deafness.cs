using LoadBalancer.Core.Heartbeats;

namespace LoadBalancer.Core.Ownership;

/// <content>Peers that send and do not hear: their echo of this node's frames is stale, they say so themselves, and their kernels do not answer.</content>
public sealed partial class SegmentMembership
{
    private static readonly TimeSpan RecoversFor = TimeSpan.FromSeconds(2);

    private const int SuspectBits = 24;

    /// <summary>A bit for each peer whose node this one cannot reach although something of it goes on: of 24, that of its name's hash modulo 24.</summary>
    public uint Suspects { get; private set; }

    /// <summary>Heartbeats are about to be sent to all living peers: their echo shows who hears them.</summary>
    /// <param name="lastSequence">The last sequence number used before.</param>
    /// <param name="now">Monotonic time.</param>
    public void MarkHeartbeats(ulong lastSequence, TimeSpan now)
    {
        foreach (var peer in Peers)
        {
            if (peer is { OnWire: true, Near: true })
            {
                peer.Echo.Mark(lastSequence, now);
            }
        }
    }

    private static uint SuspectBit(Peer peer) => 1u << (int)(peer.NameHash % SuspectBits);

    // It goes on speaking, and what it says it has heard of this node stays behind what was sent to it.
    private bool HasStaleEcho(Peer peer, TimeSpan now)
    {
        var goodFor = peer.GoodFor > OwnGoodFor ? peer.GoodFor : OwnGoodFor;
        return peer is { OnWire: true, Near: true } && peer.Echo.IsStale(now, after: new TimeSpan(goodFor.Ticks * 3 / 7));
    }

    private bool SaysItIsDeaf(Peer peer, TimeSpan now) => peer.Says(SpeakerState.HearsNothing) && HasStaleEcho(peer, now);

    private bool IsFoundDeaf(Peer peer, TimeSpan now) =>
        SaysItIsDeaf(peer, now) && now - peer.Kernel.Since >= 2 * timings.CheckInterval && !KernelHears(peer, now);

    // By its own word, by ours, and by that of somebody else, or of a witness that shows that it is not us who cannot be heard.
    private bool IsDeaf(Peer peer, TimeSpan now)
    {
        if (!peer.Near)
        {
            return peer.Says(SpeakerState.HearsNothing) && now < peer.Rumor.DeafUntil && now >= peer.Rumor.AwayUntil;
        }

        if (!IsFoundDeaf(peer, now))
        {
            return false;
        }

        foreach (var other in Peers)
        {
            if (IsAnotherThatHears(other, peer) && (other.Echo.Suspects & SuspectBit(peer)) != 0)
            {
                return true;
            }
        }

        return witnesses.AnsweredAt >= peer.Kernel.Since;
    }

    // A peer that says it hears nothing is not to be given way to, if this node is heard by anybody; nor for a moment afterwards, until its
    // heartbeats show whom it hears.
    private bool IsKnownToHearNothing(Peer peer, TimeSpan now)
    {
        if (!(now - peer.Echo.SaidDeafAt < CompanyFor && HasStaleEcho(peer, now)))
        {
            return false;
        }

        foreach (var other in Peers)
        {
            if (IsAnotherThatHears(other, peer) && other.Echo.HearsUs)
            {
                return true;
            }
        }

        return witnesses.AnsweredAt >= peer.Kernel.Since || now - witnesses.AnsweredAt < CompanyFor;
    }

    // Away, with a kernel that hears, it cannot tell that from a deaf link; and when it hears again, it is a while until it knows that. Who
    // is not near, or speaks seldom now that it hears nobody, is not known by its echo.
    private bool YieldsBlindly(Peer peer, TimeSpan now) => peer.Says(SpeakerState.HearsNothing)
        ? peer.IsAway && (peer is not { OnWire: true, Near: true } || HasStaleEcho(peer, now))
        : now - peer.Echo.SaidDeafAt < RecoversFor;

    private static bool IsAnotherThatHears(Peer other, Peer than) =>
        other.OnWire && other.NameHash != than.NameHash && !other.Says(SpeakerState.HearsNothing);

    private bool TakeSuspects(Peer teller, uint suspects, TimeSpan now)
    {
        if (teller.Echo.Suspects == suspects)
        {
            return false;
        }

        teller.Echo.Suspects = suspects;
        var changed = false;
        foreach (var peer in Peers)
        {
            changed |= Follow(peer, now);
        }

        return changed;
    }
}
