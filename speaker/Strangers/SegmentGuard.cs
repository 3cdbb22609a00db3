using LoadBalancer.Core.Addressing;
using LoadBalancer.Core.Conflicts;
using LoadBalancer.Core.Packets;
using LoadBalancer.Speaker.Links;
using Prometheus;

namespace LoadBalancer.Speaker.Strangers;

/// <summary>One link's side: VIPs in conflict, free addresses that strangers have, and what to ask for next. One thread at a time.</summary>
internal sealed class SegmentGuard
{
    // Another node that is the prober needs a look, and a moment to publish what it found.
    private static readonly TimeSpan Moment = TimeSpan.FromSeconds(10);

    private readonly ProbeTimings timings;
    private readonly ProbeSchedule schedule;
    private readonly byte[] frame = new byte[EthernetFrame.MaximumLength];
    private TimeSpan publishUntil = TimeSpan.MinValue;

    public SegmentGuard(LinkRunner link, ProbeTimings timings)
    {
        Link = link;
        this.timings = timings;
        schedule = new ProbeSchedule(timings);
        Quarantine = new Quarantine(timings);
        Claims = StrangerMetrics.Frames.WithLabels(Name);
    }

    public LinkRunner Link { get; }

    public string Name => Link.Facts.Name;

    /// <summary>The metric of strangers' frames; looked up once, since there may be many.</summary>
    public Counter.Child Claims { get; }

    public AddressConflicts Conflicts { get; } = new();

    public Quarantine Quarantine { get; }

    /// <summary>Whether this node probes the segment.</summary>
    public bool Probes { get; private set; }

    /// <summary>What this node has to tell of the segment: what it found if it is, or was just now, the prober; and its VIPs in conflict.</summary>
    public IEnumerable<TakenAddress> Published(TimeSpan now) =>
        (Probes || now < publishUntil ? Quarantine.All : []).Concat(Conflicts.All.Select(pair => new TakenAddress(pair.Key, pair.Value.Stranger)));

    /// <summary>Becomes the prober, or ceases to be it.</summary>
    /// <param name="elected">Whether it is this node's turn.</param>
    /// <param name="published">What the speakers have published, for the new prober to go on from.</param>
    /// <param name="now">Monotonic time.</param>
    public void Elect(bool elected, Func<IEnumerable<TakenAddress>> published, TimeSpan now)
    {
        if (elected && !Probes)
        {
            foreach (var (address, mac) in published())
            {
                if (IsHere(address) && !Quarantine.Contains(address))
                {
                    Quarantine.See(address, mac, now);
                }
            }
        }
        else if (Probes && !elected)
        {
            Linger(now);
        }

        Probes = elected;
    }

    /// <summary>What was found here stays published for a while, whoever is the prober.</summary>
    public void Linger(TimeSpan now) => publishUntil = now + Moment + (2 * timings.TakenInterval);

    /// <summary>Sends the probes that are due.</summary>
    /// <returns>How many were sent.</returns>
    public int Probe(PoolFacts facts, TimeSpan now)
    {
        if (!Probes || !Link.Facts.Carrier)
        {
            return 0;
        }

        var free = facts.Next.Where(next => IsHere(next.Address)
            && (next.Pool.Interfaces.Count == 0 || next.Pool.Interfaces.Contains(Name))).Select(next => next.Address);
        schedule.Follow(free, Quarantine.All.Select(taken => taken.Address), now);
        var sent = 0;
        while (schedule.TryTake(now, out var address))
        {
            sent += Ask(address) ? 1 : 0;
            Quarantine.NoteProbe(address, now);
        }

        return sent;
    }

    /// <summary>When the next probe is due, or null.</summary>
    public TimeSpan? NextProbe(TimeSpan now) => Probes ? schedule.NextDue(now) : null;

    /// <summary>Asks whether anybody has the address.</summary>
    public bool Ask(IpAddress address) =>
        Link.Send(frame.AsSpan(0, AddressProbe.Write(address, Link.Mac, frame)));

    /// <summary>Announces a VIP once, with the hardware address it is answered with; not while the link may not answer.</summary>
    public bool Defend(IpAddress vip, MacAddress mac)
    {
        // One announcement, not one in each form (RFC 5227 §2.4: "one single ARP Announcement").
        var length = vip.Family == IpFamily.IPv4
            ? Announcement.Write(AnnouncementForm.Request, vip.AsUInt32, mac, Link.Mac, frame)
            : Announcement.Write(vip.Value, mac, Link.Mac, frame);
        return Link.MayAnswer && Link.Send(frame.AsSpan(0, length));
    }

    /// <summary>
    /// Whether a host of this segment would have the address: one of a subnet that is elsewhere, or routed to, is answered for by a
    /// router that stands in for it (proxy ARP), which says nothing.
    /// </summary>
    public bool IsHere(IpAddress address) => Link.Facts.Covers(address);
}
