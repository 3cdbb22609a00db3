using System.Collections.Immutable;
using LoadBalancer.Core.Addressing;
using LoadBalancer.Core.Ownership;
using LoadBalancer.Core.Packets;
using LoadBalancer.Speaker.Announcing;
using LoadBalancer.Speaker.Answering.Kernel;
using LoadBalancer.Speaker.Links;
using LoadBalancer.Speaker.Membership;

namespace LoadBalancer.Speaker;

/// <summary>Joins the open links with membership: each runner is a segment, peers' frames find their segment.</summary>
internal sealed class SpeakerLinks : IPeerFrameSink, INeighborObserver
{
    private readonly Heartbeats heartbeats;
    private readonly Announcer announcer;
    private readonly Action tableChanged;
    private readonly MonotonicClock clock;
    private readonly WakeUp changed;
    private readonly KernelPart? kernel;
    private readonly Lock gate = new();
    private readonly Dictionary<LinkRunner, ConcernFilter> filters = [];
    private IpRangeSet addresses = IpRangeSet.Empty;
    private ImmutableArray<(LinkRunner Runner, Segment Segment)> pairs = [];

    /// <summary>Links without a runner yet.</summary>
    /// <param name="heartbeats">Gets a segment for each.</param>
    /// <param name="announcer">Announces on them.</param>
    /// <param name="tableChanged">Called after a link's table was swapped, on the thread that did it.</param>
    /// <param name="clock">The clock by which links may answer.</param>
    /// <param name="changed">Signalled when a link came, went or changed.</param>
    /// <param name="kernel">What the kernel does by itself, or null.</param>
    public SpeakerLinks(
        Heartbeats heartbeats, Announcer announcer, Action tableChanged, MonotonicClock clock, WakeUp changed, KernelPart? kernel = null)
    {
        this.kernel = kernel;
        this.heartbeats = heartbeats;
        this.announcer = announcer;
        this.tableChanged = tableChanged;
        this.clock = clock;
        this.changed = changed;
    }

    /// <inheritdoc/>
    public void OnPeerFrame(LinkRunner link, ReadOnlySpan<byte> frame)
    {
        if (SegmentOf(link) is { } segment)
        {
            heartbeats.Hear(segment, frame);
        }
    }

    /// <summary>Who is alive on the segment of a link, as ownership last saw it; null while that is not known. From any thread.</summary>
    public SegmentView? ViewOf(LinkRunner link) => SegmentOf(link)?.LastView;

    /// <inheritdoc/>
    public void OnArp(LinkRunner link, in ArpPacket packet)
    {
        var asked = packet is { Operation: ArpPacket.Request, IsGratuitous: false } ? IpAddress.FromUInt32(packet.TargetIp) : default;
        Hear(link, packet.SenderMac, packet.SenderIp == 0 ? default : IpAddress.FromUInt32(packet.SenderIp), asked, packet.Operation == ArpPacket.Reply);
    }

    /// <inheritdoc/>
    public void OnNdp(LinkRunner link, in NdpPacket packet)
    {
        var says = packet.Type == NdpPacket.Advertisement ? packet.Target : packet.Source;
        var asked = packet.Type == NdpPacket.Solicitation ? IpAddress.From(IpFamily.IPv6, packet.Target) : default;
        Hear(link, packet.SenderMac, says == 0 ? default : IpAddress.From(IpFamily.IPv6, says), asked, packet.Type == NdpPacket.Advertisement);
    }

    // The address a host says it has, and the one it asks for; default for none.
    private void Hear(LinkRunner link, MacAddress mac, IpAddress says, IpAddress asked, bool answers)
    {
        if (SegmentOf(link) is not { } segment)
        {
            return;
        }

        if (says != default)
        {
            heartbeats.HearKernel(segment, mac, says, answers);
        }

        if (asked != default)
        {
            segment.Questions.Note(asked, clock.Now);
        }
    }

    private Segment? SegmentOf(LinkRunner link)
    {
        foreach (var (runner, segment) in pairs)
        {
            if (runner == link)
            {
                return segment;
            }
        }

        return null;
    }

    /// <summary>Makes the segments match the open links.</summary>
    public void Follow(IReadOnlyList<LinkRunner> current)
    {
        lock (gate)
        {
            var kept = pairs.Where(pair => current.Contains(pair.Runner)).ToList();
            foreach (var pair in pairs.Except(kept))
            {
                heartbeats.Remove(pair.Segment);
                kernel?.Remove(pair.Runner);
                filters.Remove(pair.Runner);
            }

            var added = current.Where(runner => !kept.Exists(pair => pair.Runner == runner))
                .Select(runner => (runner, heartbeats.Add(Open_NeedsLock(runner)))).ToList();
            added.ForEach(pair => pair.runner.Clock = clock);
            pairs = [.. kept, .. added];
        }

        // Prefixes and carrier may have changed as well.
        heartbeats.Wake.Signal();
        changed.Signal();
    }

    /// <summary>The addresses that concern this node: those of the pools. Called before anything goes by them.</summary>
    public void Follow(IpRangeSet ranges)
    {
        kernel?.Follow(ranges);
        lock (gate)
        {
            addresses = ranges;
            foreach (var filter in filters.Values)
            {
                filter.Follow(ranges);
            }
        }
    }

    // A promiscuous link has a filter of its own, which knows its hardware address.
    private Link Open_NeedsLock(LinkRunner runner)
    {
        var inKernel = kernel?.Add(runner);
        ConcernFilter? filter = null;
        if (inKernel is null && !runner.IsPromiscuous)
        {
            filters.Add(runner, filter = new ConcernFilter(runner.FilterBy));
            filter.Follow(addresses);
        }

        return new Link(runner, announcer, tableChanged, kernel, inKernel, filter, clock);
    }

    private sealed class Link(
        LinkRunner runner, Announcer announcer, Action tableChanged, KernelPart? kernel, KernelLink? inKernel, ConcernFilter? filter, MonotonicClock clock) : ISegmentLink
    {

        public LinkFacts Facts => runner.Facts;

        public bool Send(ReadOnlySpan<byte> frame) => runner.Send(frame);

        public bool HasUnread => runner.HasUnread;

        public long Arrivals => runner.Arrivals;

        public void Answer(AnswerTable table)
        {
            filter?.Answer(table);
            runner.Table = table;
            inKernel?.Answer(table);
            tableChanged();
        }

        public void Announce(IReadOnlyList<IpAddress> vips)
        {
            foreach (var vip in vips)
            {
                announcer.Announce(runner, vip);
            }
        }

        public void Repeat(IReadOnlyList<IpAddress> vips)
        {
            foreach (var vip in vips)
            {
                announcer.Repeat(runner, vip);
            }
        }

        public void Ask(in CheckTarget target) => KernelQuestion.Send(runner, target);

        public void AnswerUntil(TimeSpan until)
        {
            runner.AnswerUntil = until;
            inKernel?.AnswerUntil(runner.Mac, clock.NanosecondsAt(until), clock.NanosecondsAt(clock.Now));
        }

        public void Need(bool everything, bool strangers)
        {
            inKernel?.Need(everything, strangers);
            filter?.Need(everything || strangers);
        }

        public TimeSpan? AskedAt(IpAddress vip) => inKernel?.AskedAt(vip) is > 0 and var at ? clock.At(at) : null;

        public void Serve() => kernel?.Serve(runner);

        public IReadOnlyDictionary<IpAddress, MacAddress> Formers => inKernel?.Formers ?? FormerOwners.None;

        public void Adopt(IReadOnlyCollection<IpAddress> vips)
        {
            if (inKernel is not null)
            {
                kernel!.Adopt(vips);
            }
        }

        public bool KeepsConnections(IpAddress vip) => inKernel?.Keeps(vip) ?? false;

        public void Follow(IReadOnlyCollection<MacAddress> peers, IReadOnlyDictionary<IpAddress, MacAddress> formers)
        {
            inKernel?.Follow(peers);
            inKernel?.SendOn(formers);
        }

        public void Leave(IReadOnlyCollection<IpAddress> vips)
        {
            var now = clock.Now;
            inKernel?.Leave(vips, clock.NanosecondsAt(now + kernel!.LeaveFor), clock.NanosecondsAt(now));
        }

        public void Hush(IReadOnlyList<IpAddress> vips)
        {
            foreach (var vip in vips)
            {
                announcer.Cancel(runner, vip);
            }
        }
    }
}
