using LoadBalancer.Core.Addressing;

namespace LoadBalancer.Speaker.Announcing;

/// <summary>
/// Which VIPs came to a link again and again of late, as those do whose endpoints flap. A node that dies, and one that comes back, moves
/// a VIP once; announcing every move of a flapping one at full length would keep the whole segment awake.
/// </summary>
internal sealed class RecentArrivals
{
    /// <summary>So many arrivals in a short time are nothing special: a take-over, the way back, and one more.</summary>
    internal const int Burst = 3;

    /// <summary>In the long run one arrival in this time is nothing special.</summary>
    internal static readonly TimeSpan Refill = TimeSpan.FromMinutes(1);

    private const int PruneAt = 256;

    // The time at which all arrivals so far would have come, had they come evenly; as in FrameBudget.
    private readonly Dictionary<IpAddress, TimeSpan> even = [];

    /// <summary>Whether nothing is left to remember.</summary>
    internal bool IsEmpty(TimeSpan now)
    {
        Prune(now);
        return even.Count == 0;
    }

    /// <summary>Notes an arrival.</summary>
    /// <returns>Whether there were too many of late.</returns>
    internal bool Note(IpAddress vip, TimeSpan now)
    {
        if (even.Count >= PruneAt && (even.Count & (PruneAt - 1)) == 0)
        {
            Prune(now);
        }

        var known = even.GetValueOrDefault(vip);
        var after = (known > now ? known : now) + Refill;
        if (after - now > Burst * Refill)
        {
            return true;
        }

        even[vip] = after;
        return false;
    }

    private void Prune(TimeSpan now)
    {
        foreach (var (vip, at) in even)
        {
            if (at <= now)
            {
                even.Remove(vip);
            }
        }
    }
}
