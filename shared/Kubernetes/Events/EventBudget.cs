namespace LoadBalancer.Kubernetes.Events;

/// <summary>
/// How many Events one object may have: a burst of 25, then one in five minutes — client-go's figures, so that an object that flaps
/// fills neither etcd nor <c>kubectl describe</c>. What finds no room waits in <see cref="HeldEvents"/>. Used by one task.
/// </summary>
internal sealed class EventBudget(TimeProvider time)
{
    internal const int Burst = 25;
    internal static readonly TimeSpan Refill = TimeSpan.FromMinutes(5);

    // A whole one, as far as the sums of fractions go.
    private const double One = 1 - 1e-9;

    // Objects whose budget is full again need not be remembered; this bounds those that are not.
    private const int MostObjects = 4096;

    private readonly Dictionary<UInt128, Bucket> buckets = [];

    /// <summary>Takes one Event from the object's budget; false if there is none left.</summary>
    internal bool TryTake(EventTarget target)
    {
        var now = time.GetTimestamp();
        var id = EventId.Of(target);
        var bucket = buckets.TryGetValue(id, out var known) ? Refilled(known, now) : new Bucket(Burst, now);
        if (bucket.Tokens < One)
        {
            buckets[id] = bucket;
            return false;
        }

        if (buckets.Count >= MostObjects)
        {
            Forget(now);
        }

        buckets[id] = bucket with { Tokens = Math.Max(0, bucket.Tokens - 1) };
        return true;
    }

    /// <summary>How long until the object may have another Event, in whole milliseconds, the unit of timers; zero if it may now.</summary>
    internal TimeSpan WaitOf(EventTarget target)
    {
        if (!buckets.TryGetValue(EventId.Of(target), out var known))
        {
            return TimeSpan.Zero;
        }

        var missing = One - Refilled(known, time.GetTimestamp()).Tokens;
        return missing <= 0 ? TimeSpan.Zero : TimeSpan.FromMilliseconds(Math.Ceiling(missing * Refill.TotalMilliseconds));
    }

    private Bucket Refilled(Bucket bucket, long now) =>
        new(Math.Min(Burst, bucket.Tokens + (time.GetElapsedTime(bucket.At, now) / Refill)), now);

    private void Forget(long now)
    {
        foreach (var (id, bucket) in buckets)
        {
            if (Refilled(bucket, now).Tokens >= Burst)
            {
                buckets.Remove(id);
            }
        }

        if (buckets.Count >= MostObjects)
        {
            buckets.Clear();
        }
    }

    private readonly record struct Bucket(double Tokens, long At);
}
