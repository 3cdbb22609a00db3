using LoadBalancer.Core.Addressing;
using LoadBalancer.Core.Heartbeats;
using LoadBalancer.Core.Ownership;
using LoadBalancer.Core.Packets;
using LoadBalancer.Speaker.Answering;
using LoadBalancer.Speaker.Links;
using LoadBalancer.Speaker.Membership;
using LoadBalancer.Speaker.Strangers;
using LoadBalancer.Speaker.Tests.Links;
using Microsoft.Extensions.Time.Testing;

namespace LoadBalancer.Speaker.Tests.Fuzz;

/// <summary>What a frame goes through on a link: the tag is stripped, it is told apart, answered, heard or observed, and counted.</summary>
internal sealed class ReceivingPath : IPeerFrameSink, ISegmentLink, IDisposable
{
    private readonly FakeTimeProvider time = new();
    private readonly FakeLink wire = new(FakeLink.FactsOf("eth0", 2));
    private readonly WakeUp wake = new();
    private readonly LinkRunner link;
    private readonly WireListener listener;
    private readonly FrameAnswerer answerer;
    private readonly Heartbeats heartbeats;
    private readonly Segment segment;
    private long frames;

    public ReceivingPath()
    {
        listener = new WireListener(wake) { Watched = IpRangeSet.Of(IpPrefix.Parse("192.168.96.96/27").Range, IpPrefix.Parse("fd00:96::100/120").Range) };
        link = new LinkRunner(wire, this, listener, (_, _) => { })
        {
            Table = AnswerTable.Create([new(SeedFrames.Vip4, SeedFrames.Link), new(SeedFrames.Vip6, SeedFrames.Link)]),
        };
        answerer = new FrameAnswerer(link, this, listener);
        heartbeats = new Heartbeats(
            new SpeakerIdentity("n1", 1), new MembershipTimings(), TimeSpan.FromMilliseconds(100), new MonotonicClock(time), wake)
        {
            Keys = new HeartbeatKeys(SeedFrames.Key),
        };
        segment = heartbeats.Add(this);
    }

    /// <summary>What the last frame was answered with, or null.</summary>
    public byte[]? Reply { get; private set; }

    /// <summary>The peers' frames that were believed.</summary>
    public int Heard { get; private set; }

    /// <summary>What was said about pool addresses.</summary>
    public int Observed { get; private set; }

    LinkFacts ISegmentLink.Facts => link.Facts;

    public void Take(byte[] frame)
    {
        frames++;
        answerer.OnFrame(frame);
        var counted = answerer.Answered + answerer.PeerFrames + Enum.GetValues<DropReason>().Sum(answerer.Dropped);
        if (counted != frames)
        {
            throw new InvalidOperationException($"{frames} frames were counted as {counted}.");
        }

        TakeReplies();
        listener.Rearm();
        while (listener.TryTake(out _, out _))
        {
            Observed++;
        }
    }

    public void OnPeerFrame(LinkRunner from, ReadOnlySpan<byte> frame) =>
        Heard += heartbeats.Hear(segment, frame) == HeartbeatRefusal.None ? 1 : 0;

    public void Dispose()
    {
        link.Dispose();
        wake.Dispose();
    }

    bool ISegmentLink.HasUnread => false;

    long ISegmentLink.Arrivals => 0;

    bool ISegmentLink.Send(ReadOnlySpan<byte> frame) => true;

    void ISegmentLink.Answer(AnswerTable table)
    {
    }

    void ISegmentLink.Announce(IReadOnlyList<IpAddress> vips)
    {
    }

    void ISegmentLink.Repeat(IReadOnlyList<IpAddress> vips)
    {
    }

    void ISegmentLink.Ask(in CheckTarget target)
    {
    }

    void ISegmentLink.AnswerUntil(TimeSpan until)
    {
    }

    void ISegmentLink.Hush(IReadOnlyList<IpAddress> vips)
    {
    }

    private void TakeReplies()
    {
        Reply = wire.Sent.TryTake(out var first) ? first : null;
        if (Reply is not null && (wire.Sent.TryTake(out _) || !IsAnswer(Reply)))
        {
            throw new InvalidOperationException($"answered with {Convert.ToHexStringLower(Reply)}, or with more than one frame.");
        }
    }

    // From this link, about a VIP of it and nothing else.
    private static bool IsAnswer(byte[] reply) =>
        EthernetFrame.Source(reply) == SeedFrames.Link
        && (ArpPacket.Read(reply, out var arp) == DropReason.None
            ? (arp.Operation, arp.SenderIp, arp.SenderMac) == (ArpPacket.Reply, SeedFrames.Vip4.AsUInt32, SeedFrames.Link) && !arp.EthernetDestination.IsGroup
            : NdpPacket.Read(reply, out var ndp) == DropReason.None
                && (ndp.Type, ndp.Target, ndp.LinkLayerAddress) == (NdpPacket.Advertisement, SeedFrames.Vip6.Value, SeedFrames.Link));
}
