using LoadBalancer.Core.Packets;
using LoadBalancer.Speaker.Links;

namespace LoadBalancer.Speaker.Answering;

/// <summary>
/// What happens to one received frame: peers' frames go to membership, ARP and NDP are answered, everything is counted. Runs on the link's
/// thread, without allocation and without a lock.
/// </summary>
internal sealed class FrameAnswerer
{
    private readonly LinkRunner link;
    private readonly IPeerFrameSink peers;
    private readonly INeighborObserver? observer;
    private readonly byte[] arpReply = new byte[EthernetFrame.MinimumLength];
    private readonly byte[] ndpReply = new byte[NdpPacket.FrameLength];
    private readonly byte[] untagged = new byte[EthernetFrame.MaximumLength];

    // One writer, the link's thread; others read a value that is at most a moment old.
    private readonly long[] dropped = new long[DropReasons.Count];
    private long arrivals;
    private long answered;
    private long peerFrames;

    internal FrameAnswerer(LinkRunner link, IPeerFrameSink peers, INeighborObserver? observer)
    {
        this.link = link;
        this.peers = peers;
        this.observer = observer;
    }

    internal long Arrivals => Volatile.Read(ref arrivals);

    internal long Answered => Volatile.Read(ref answered);

    internal long PeerFrames => Volatile.Read(ref peerFrames);

    internal long Dropped(DropReason reason) => Volatile.Read(ref dropped[(int)reason]);

    internal void OnFrame(ReadOnlySpan<byte> frame)
    {
        Volatile.Write(ref arrivals, arrivals + 1);
        frame = EthernetFrame.StripPriorityTag(frame, untagged);
        switch (EthernetFrame.EtherType(frame))
        {
            case EthernetFrame.EtherTypePeer:
                Volatile.Write(ref peerFrames, peerFrames + 1);
                peers.OnPeerFrame(link, frame);
                break;
            case EthernetFrame.EtherTypeIPv6:
                OnNdp(frame);
                break;
            default:
                OnArp(frame);
                break;
        }
    }

    private void OnArp(ReadOnlySpan<byte> frame)
    {
        var outcome = ArpResponder.Respond(frame, link.Table, link.Mac, arpReply);
        Count(outcome.Answered ? Send(arpReply) : outcome.Reason);
        if (observer is not null && outcome.IsObservation)
        {
            observer.OnArp(link, outcome.Packet);
        }
    }

    private void OnNdp(ReadOnlySpan<byte> frame)
    {
        var outcome = NdpResponder.Respond(frame, link.Table, link.Mac, ndpReply);
        Count(outcome.Answered ? Send(ndpReply) : outcome.Reason);
        if (observer is not null && outcome.IsObservation)
        {
            observer.OnNdp(link, outcome.Packet);
        }
    }

    // What the kernel answered is not answered again: the capture sees a frame before the kernel's program does, and the process after it.
    private DropReason Send(ReadOnlySpan<byte> reply) =>
        !link.MayAnswer ? DropReason.NotSure
        : link.Kernel is { } kernel && kernel.Answered() ? DropReason.None
        : link.Send(reply) ? DropReason.None
        : DropReason.NotSent;

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
