using LoadBalancer.Core.Heartbeats;
using LoadBalancer.Core.NodeLoss;

namespace LoadBalancer.Core.Ownership;

/// <content>Whether a node is lost for all: what this node sees, and whether the living peers see the same.</content>
public sealed partial class SegmentMembership
{
    // A witness is asked for so long after the last peer was lost; one that has not answered by then is no longer one.
    private static readonly TimeSpan ProofWantedFor = TimeSpan.FromSeconds(5);

    /// <summary>Who is gone from the segment, and whether every living peer sees it so.</summary>
    public SegmentLosses LossesAt(TimeSpan now)
    {
        var gone = new List<GonePeer>();
        var living = new List<string>();
        var compared = new HashSet<string>(StringComparer.Ordinal);
        var witnessed = AliveCount == 0;
        foreach (var peer in Peers)
        {
            if (IsGone(peer))
            {
                gone.Add(new GonePeer(peer.Identity.Node, peer.Run.Boot, peer.Identity.Prefixes[0].Address, peer.HeardAt, WatchersOf(peer)));
                witnessed &= witnesses.AnsweredAt > peer.HeardAt + peer.GoodFor;
            }
            else if (peer.OnWire)
            {
                living.Add(peer.Identity.Node);
                if (peer.Near)
                {
                    compared.Add(peer.Identity.Node);
                }
            }
        }

        return new SegmentLosses(gone, living, AllSeeTheSame(now), witnessed && gone.Count > 0, compared.Count);
    }

    private List<string> WatchersOf(Peer gone)
    {
        var watchers = new List<string>();
        foreach (var peer in Peers)
        {
            if (peer.OnWire && (!HasDistant || !peer.Rings || ring.IsNear(peer.Id, gone.Id)))
            {
                watchers.Add(peer.Identity.Node);
            }
        }

        return watchers;
    }

    // One whose address another interface of its node has now went without its kernel being asked in vain.
    private static bool IsGone(Peer peer) => peer is { State: PeerState.Gone, Kernel.WasInVain: true } && peer.Identity.Prefixes.Count > 0;

    // Whoever hears a node that this one does not has another digest; whoever has an answer of its kernel says so. Of a large segment the
    // neighbours' word is asked: it sums up all that they hear of.
    private bool AllSeeTheSame(TimeSpan now)
    {
        var all = Digest ^ ownHash;
        var vouches = Vouches(now);
        foreach (var peer in Peers)
        {
            if (peer is { OnWire: true, Near: true } && ((peer.Echo.ViewDigest ^ peer.NameHash) != all || (peer.Says(SpeakerState.Vouches) && !vouches)))
            {
                return false;
            }
        }

        return true;
    }

    private bool Vouches(TimeSpan now)
    {
        foreach (var peer in Peers)
        {
            if (peer.IsAway && (KernelAnswers(peer, now) || IsSaidToAnswer(peer, now)))
            {
                return true;
            }
        }

        return false;
    }

    // Who is left alone does not know which side was cut off.
    private bool WantsProofOfItself(TimeSpan now)
    {
        if (AliveCount > 0)
        {
            return false;
        }

        foreach (var peer in Peers)
        {
            if (IsGone(peer) && now - peer.HeardAt < ProofWantedFor && !(witnesses.AnsweredAt > peer.HeardAt + peer.GoodFor))
            {
                return true;
            }
        }

        return false;
    }
}
