using LoadBalancer.Core.Addressing;
using LoadBalancer.Core.Timing;

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

    private readonly Dictionary<IpAddress, LeakyBucket> usual = [];

    /// <summary>Whether nothing is left to remember.</summary>
    internal bool IsEmpty(TimeSpan now)
    {
        Prune(now);
        return usual.Count == 0;
    }

    /// <summary>Notes an arrival.</summary>
    /// <returns>Whether there were too many of late.</returns>
    internal bool Note(IpAddress vip, TimeSpan now)
    {
        if (usual.Count >= PruneAt && (usual.Count & (PruneAt - 1)) == 0)
        {
            Prune(now);
        }

        var bucket = usual.TryGetValue(vip, out var known) ? known : new LeakyBucket(Refill, Burst);
        if (!bucket.TryTake(now))
        {
            return true;
        }

        usual[vip] = bucket;
        return false;
    }

    private void Prune(TimeSpan now)
    {
        foreach (var (vip, bucket) in usual)
        {
            if (bucket.IsFull(now))
            {
                usual.Remove(vip);
            }
        }
    }
}
