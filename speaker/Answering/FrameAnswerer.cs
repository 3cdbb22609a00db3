using LoadBalancer.Core.Packets;
using LoadBalancer.Speaker.Links;

namespace LoadBalancer.Speaker.Answering;

/// <summary>
/// What happens to one received frame: peers' frames go to membership, ARP is answered, everything is counted. Runs on the link's
/// thread, without allocation and without a lock.
/// </summary>
internal sealed class FrameAnswerer
{
    private readonly LinkRunner link;
    private readonly IPeerFrameSink peers;
    private readonly IArpObserver? observer;
    private readonly byte[] reply = new byte[EthernetFrame.MinimumLength];
    private readonly byte[] untagged = new byte[EthernetFrame.MaximumLength];

    // One writer, the link's thread; others read a value that is at most a moment old.
    private readonly long[] dropped = new long[DropReasons.Count];
    private long answered;
    private long peerFrames;

    internal FrameAnswerer(LinkRunner link, IPeerFrameSink peers, IArpObserver? observer)
    {
        this.link = link;
        this.peers = peers;
        this.observer = observer;
    }

    internal long Answered => Volatile.Read(ref answered);

    internal long PeerFrames => Volatile.Read(ref peerFrames);

    internal long Dropped(DropReason reason) => Volatile.Read(ref dropped[(int)reason]);

    internal void OnFrame(ReadOnlySpan<byte> frame)
    {
        frame = EthernetFrame.StripPriorityTag(frame, untagged);
        if (EthernetFrame.EtherType(frame) == EthernetFrame.EtherTypePeer)
        {
            Volatile.Write(ref peerFrames, peerFrames + 1);
            peers.OnPeerFrame(link, frame);
            return;
        }

        var outcome = ArpResponder.Respond(frame, link.Table, link.Mac, reply);
        Count(outcome.Answered && !link.Send(reply) ? DropReason.NotSent : outcome.Reason);
        if (observer is not null && outcome.IsObservation)
        {
            observer.OnArp(link, outcome.Packet);
        }
    }

    private void Count(DropReason reason)
    {
        if (reason == DropReason.None)
        {
            Volatile.Write(ref answered, answered + 1);
        }
        else
        {
            Volatile.Write(ref dropped[(int)reason], dropped[(int)reason] + 1);
        }
    }
}
