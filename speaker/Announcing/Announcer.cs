using LoadBalancer.Core.Addressing;
using LoadBalancer.Core.Packets;
using LoadBalancer.Core.Timing;
using LoadBalancer.Speaker.Links;

namespace LoadBalancer.Speaker.Announcing;

/// <summary>
/// Announces VIPs on links by <see cref="AnnouncementSchedule"/>: IPv4 by gratuitous ARP in both forms each round, IPv6 by an
/// unsolicited neighbour advertisement; within a <see cref="FrameBudget"/> per
/// link. When thousands of VIPs come at once, every one gets its first round before any gets its second. VIPs that keep coming and going
/// (<see cref="RecentArrivals"/>) get two rounds, and share a small budget.
/// </summary>
/// <remarks>
/// The link's answer table is asked before each frame: a VIP that is no longer in it is not announced, whatever the reason, and
/// the hardware address announced is the one in the table at that moment. While the link may not answer, after a pause of the process,
/// it announces nothing either: the table may be old news.
/// </remarks>
public sealed class Announcer : IDisposable
{
    // A link that may not answer just now is looked at again soon: its peers have to be heard first, which takes a heartbeat or two.
    private static readonly TimeSpan Unsure = TimeSpan.FromMilliseconds(100);

    // With the budget used up, wait for a few rounds' worth rather than wake up for each.
    private const int FramesPerWake = 20;

    private readonly TimeProvider time;
    private readonly long origin;
    private readonly ITimer timer;
    private readonly Lock gate = new();
    private readonly Dictionary<LinkRunner, Lane> lanes = [];
    private readonly byte[] arp = new byte[EthernetFrame.MinimumLength];
    private readonly byte[] ndp = new byte[NdpPacket.FrameLength];
    private long sent;
    private long failed;

    /// <summary>An announcer with nothing to announce.</summary>
    public Announcer(TimeProvider time)
    {
        this.time = time;
        origin = time.GetTimestamp();
        timer = time.CreateTimer(_ => OnTimer(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    /// <summary>The number of frames sent.</summary>
    public long Sent => Volatile.Read(ref sent);

    /// <summary>The number of frames the kernel did not take.</summary>
    public long Failed => Volatile.Read(ref failed);

    /// <summary>The number of announcements whose last round has not gone out.</summary>
    public int Pending
    {
        get
        {
            lock (gate)
            {
                return lanes.Values.Sum(lane => lane.Count);
            }
        }
    }

    /// <summary>
    /// Announces a VIP from the first round on; what is left of an earlier announcement of it is dropped. The first round leaves
    /// before this returns, if the budget allows. The VIP must be in the link's table already.
    /// </summary>
    public void Announce(LinkRunner link, IpAddress vip) => Announce(link, vip, round: 0);

    /// <summary>Announces a VIP in one round. It gives way to those that have just come to this node.</summary>
    public void Repeat(LinkRunner link, IpAddress vip) => Announce(link, vip, AnnouncementSchedule.Rounds - 1);

    private void Announce(LinkRunner link, IpAddress vip, int round)
    {
        lock (gate)
        {
            var now = Now();
            if (!lanes.TryGetValue(link, out var lane))
            {
                lanes.Add(link, lane = new Lane());
            }

            lane.Schedule(vip, round, now, round == 0 && lane.NoteArrival(vip, now));
            Pump_NeedsLock(now);
        }
    }

    /// <summary>Announces a VIP no further: no frame for it leaves after this has returned.</summary>
    public void Cancel(LinkRunner link, IpAddress vip)
    {
        lock (gate)
        {
            if (lanes.TryGetValue(link, out var lane))
            {
                lane.Drop(vip);
            }
        }
    }

    /// <summary>Stops all announcements.</summary>
    public void Dispose()
    {
        timer.Dispose();
        lock (gate)
        {
            lanes.Clear();
        }
    }

    private void OnTimer()
    {
        lock (gate)
        {
            Pump_NeedsLock(Now());
        }
    }

    private void Pump_NeedsLock(TimeSpan now)
    {
        TimeSpan? wake = null;
        foreach (var (link, lane) in lanes)
        {
            while (lane.TryTakeDue(now, out var vip, out var round, out var churns))
            {
                AnnounceRound_NeedsLock(link, lane, vip, round, churns, now);
            }

            if (link.IsClosed || lane.IsIdle(now))
            {
                lanes.Remove(link);
            }
            else if (lane.NextDue(now) is { } due && (wake is null || due < wake))
            {
                wake = due;
            }
        }

        if (wake is { } at)
        {
            // A timer that fires a moment early would find nothing to do and be set again.
            var wait = TimeSpan.FromMilliseconds(Math.Ceiling(Math.Max(1, (at - now).TotalMilliseconds)));
            timer.Change(wait, Timeout.InfiniteTimeSpan);
        }
    }

    private void AnnounceRound_NeedsLock(LinkRunner link, Lane lane, IpAddress vip, int round, bool churns, TimeSpan now)
    {
        if (!link.MayAnswer)
        {
            lane.Schedule(vip, round, now + Unsure, churns);
            return;
        }

        if (!(vip.Family == IpFamily.IPv6 ? SendAdvertisement_NeedsLock(link, vip.Value) : SendGratuitous_NeedsLock(link, vip.AsUInt32)))
        {
            return;
        }

        // Counted from this round, not from the first: a round that waited for the budget keeps its distance from the next.
        if ((churns ? AnnouncementSchedule.PauseOfChurn(round) : AnnouncementSchedule.PauseAfter(round)) is { } pause)
        {
            lane.Schedule(vip, round + 1, now + pause, churns);
        }
    }

    // False if the VIP has left the table.
    private bool SendGratuitous_NeedsLock(LinkRunner link, uint vip)
    {
        foreach (var form in (ReadOnlySpan<AnnouncementForm>)[AnnouncementForm.Request, AnnouncementForm.Reply])
        {
            if (!link.Table.TryGet(vip, out var mac))
            {
                return false;
            }

            Announcement.Write(form, vip, mac, link.Mac, arp);
            Send_NeedsLock(link, arp);
        }

        return true;
    }

    private bool SendAdvertisement_NeedsLock(LinkRunner link, UInt128 vip)
    {
        if (!link.Table.TryGet(vip, out var mac))
        {
            return false;
        }

        Announcement.Write(vip, mac, link.Mac, ndp);
        Send_NeedsLock(link, ndp);
        return true;
    }

    private void Send_NeedsLock(LinkRunner link, ReadOnlySpan<byte> frame)
    {
        ref var counter = ref link.Send(frame) ? ref sent : ref failed;
        Volatile.Write(ref counter, counter + 1);
    }

    private TimeSpan Now() => time.GetElapsedTime(origin);

    /// <summary>The announcements of one link.</summary>
    private sealed class Lane
    {
        private readonly Dictionary<IpAddress, long> tickets = [];
        private readonly PriorityQueue<Entry, TimeSpan> waiting = new();
        private readonly PriorityQueue<Entry, (int Round, long Ticket)> due = new();
        private readonly PriorityQueue<Entry, (int Round, long Ticket)> dueOfChurn = new();
        private readonly RecentArrivals arrivals = new();
        private LeakyBucket budget = FrameBudget.OfTakeOvers;
        private LeakyBucket budgetOfChurn = FrameBudget.OfChurn;
        private long lastTicket;

        internal int Count => tickets.Count;

        internal bool IsIdle(TimeSpan now) =>
            Count == 0 && budget.IsFull(now) && budgetOfChurn.IsFull(now) && arrivals.IsEmpty(now);

        internal bool NoteArrival(IpAddress vip, TimeSpan now) => arrivals.Note(vip, now);

        internal void Schedule(IpAddress vip, int round, TimeSpan at, bool churns)
        {
            tickets[vip] = ++lastTicket;
            waiting.Enqueue(new Entry(vip, round, lastTicket, churns), at);
        }

        // The entry stays where it is; without its ticket it is skipped.
        internal void Drop(IpAddress vip) => tickets.Remove(vip);

        internal bool TryTakeDue(TimeSpan now, out IpAddress vip, out int round, out bool churns)
        {
            while (waiting.TryPeek(out var entry, out var at) && at <= now)
            {
                waiting.Dequeue();
                (entry.Churns ? dueOfChurn : due).Enqueue(entry, (entry.Round, entry.Ticket));
            }

            var taken = TryTake(due, ref budget, now, out var next) || TryTake(dueOfChurn, ref budgetOfChurn, now, out next);
            (vip, round, _, churns) = next;
            return taken;
        }

        internal TimeSpan? NextDue(TimeSpan now)
        {
            TimeSpan? next = waiting.TryPeek(out _, out var at) ? at : null;
            next = due.Count > 0 ? Deadline.Earlier(next, now + budget.UntilAvailable(now, FramesPerWake)) : next;
            return dueOfChurn.Count > 0 ? Deadline.Earlier(next, now + budgetOfChurn.UntilAvailable(now, FrameBudget.BurstOfChurn)) : next;
        }

        private static int FramesFor(IpAddress vip) => vip.Family == IpFamily.IPv6 ? 1 : 2;

        private bool TryTake(PriorityQueue<Entry, (int Round, long Ticket)> from, ref LeakyBucket limit, TimeSpan now, out Entry entry)
        {
            while (from.TryPeek(out entry, out _) && tickets.GetValueOrDefault(entry.Vip) != entry.Ticket)
            {
                from.Dequeue();
            }

            if (from.Count == 0 || !limit.TryTake(now, FramesFor(entry.Vip)))
            {
                return false;
            }

            from.Dequeue();
            tickets.Remove(entry.Vip);
            return true;
        }

        private readonly record struct Entry(IpAddress Vip, int Round, long Ticket, bool Churns);
    }
}
