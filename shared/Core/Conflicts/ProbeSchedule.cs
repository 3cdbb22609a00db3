using LoadBalancer.Core.Addressing;
using LoadBalancer.Core.Timing;

namespace LoadBalancer.Core.Conflicts;

/// <summary>
/// Which address of a segment to probe when, within a budget of frames: first probes before second ones, and where there is not enough
/// for all, free and taken addresses in turn. One thread at a time.
/// </summary>
/// <param name="timings">How often and how much.</param>
public sealed class ProbeSchedule(ProbeTimings timings)
{
    private readonly Dictionary<IpAddress, Entry> entries = [];
    private readonly HashSet<IpAddress> wanted = [];
    private readonly List<IpAddress> gone = [];

    private LeakyBucket budget = new(TimeSpan.FromMinutes(1) / timings.FramesPerMinute, timings.Burst);
    private bool lastWasTaken;

    /// <summary>The number of addresses that are probed.</summary>
    public int Count => entries.Count;

    /// <summary>Takes over what is to be probed from now on.</summary>
    /// <param name="free">The free addresses that are given out next.</param>
    /// <param name="taken">Those that were found taken.</param>
    /// <param name="now">Monotonic time.</param>
    public void Follow(IEnumerable<IpAddress> free, IEnumerable<IpAddress> taken, TimeSpan now)
    {
        wanted.Clear();
        foreach (var address in taken)
        {
            Want(address, isTaken: true, now);
        }

        foreach (var address in free)
        {
            Want(address, isTaken: false, now);
        }

        gone.Clear();
        foreach (var address in entries.Keys)
        {
            if (!wanted.Contains(address))
            {
                gone.Add(address);
            }
        }

        gone.ForEach(address => entries.Remove(address));
    }

    /// <summary>The next address to probe now.</summary>
    /// <returns>Whether there is one and the budget allows it.</returns>
    public bool TryTake(TimeSpan now, out IpAddress address)
    {
        address = default;
        if (budget.UntilAvailable(now) > TimeSpan.Zero
            || (!TryFindDue(now, !lastWasTaken, out address) && !TryFindDue(now, lastWasTaken, out address)))
        {
            return false;
        }

        budget.TryTake(now);
        var (sent, _, isTaken) = entries[address];
        lastWasTaken = isTaken;
        entries[address] = sent + 1 < timings.Probes
            ? new Entry(sent + 1, now + timings.Spacing, isTaken)
            : new Entry(0, now + IntervalOf(isTaken), isTaken);
        return true;
    }

    /// <summary>When <see cref="TryTake"/> has something next; null if nothing is to be probed.</summary>
    public TimeSpan? NextDue(TimeSpan now)
    {
        TimeSpan? next = null;
        foreach (var entry in entries.Values)
        {
            next = next < entry.Due ? next : entry.Due;
        }

        var affordable = now + budget.UntilAvailable(now);
        return next < affordable ? affordable : next;
    }

    private void Want(IpAddress address, bool isTaken, TimeSpan now)
    {
        if (!wanted.Add(address))
        {
            return;
        }

        if (!entries.TryGetValue(address, out var entry))
        {
            entries.Add(address, new Entry(0, now, isTaken));
        }
        else if (entry.IsTaken != isTaken)
        {
            entries[address] = new Entry(0, now + IntervalOf(isTaken), isTaken);
        }
    }

    private bool TryFindDue(TimeSpan now, bool isTaken, out IpAddress address)
    {
        address = default;
        (int Sent, TimeSpan Due)? best = null;
        foreach (var (candidate, entry) in entries)
        {
            var key = (entry.Sent, entry.Due);
            if (entry.IsTaken == isTaken && entry.Due <= now && (best is null || key.CompareTo(best.Value) < 0 || (key == best.Value && candidate < address)))
            {
                (best, address) = (key, candidate);
            }
        }

        return best is not null;
    }

    private TimeSpan IntervalOf(bool isTaken) => isTaken ? timings.TakenInterval : timings.Interval;

    private readonly record struct Entry(int Sent, TimeSpan Due, bool IsTaken);
}
