namespace LoadBalancer.Kubernetes.Queue;

/// <summary>Keys that become due later, on one timer.</summary>
internal sealed class DelayedKeys<TKey> : IDisposable
    where TKey : notnull
{
    private readonly Lock gate = new();
    private readonly TimeProvider time;
    private readonly Action<TKey> due;
    private readonly Dictionary<TKey, long> dueAt = [];
    private readonly PriorityQueue<TKey, long> order = new();
    private readonly ITimer timer;
    private bool disposed;

    internal DelayedKeys(TimeProvider time, Action<TKey> due)
    {
        this.time = time;
        this.due = due;
        timer = time.CreateTimer(_ => Release(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    internal int Count
    {
        get
        {
            lock (gate)
            {
                return dueAt.Count;
            }
        }
    }

    internal void Add(TKey key, TimeSpan delay)
    {
        lock (gate)
        {
            var at = time.GetTimestamp() + (long)(delay.TotalSeconds * time.TimestampFrequency);
            if (disposed || (dueAt.TryGetValue(key, out var earlier) && earlier <= at))
            {
                return;
            }

            // A later entry of the same key stays in the order and is recognised there by its time.
            dueAt[key] = at;
            order.Enqueue(key, at);
            Arm();
        }
    }

    public void Dispose()
    {
        lock (gate)
        {
            disposed = true;
            dueAt.Clear();
            order.Clear();
            timer.Dispose();
        }
    }

    private void Release()
    {
        List<TKey> released = [];
        lock (gate)
        {
            var now = time.GetTimestamp();
            while (order.TryPeek(out var key, out var at) && at <= now)
            {
                order.Dequeue();
                if (dueAt.TryGetValue(key, out var current) && current == at)
                {
                    dueAt.Remove(key);
                    released.Add(key);
                }
            }

            Arm();
        }

        released.ForEach(due);
    }

    private void Arm()
    {
        if (disposed || !order.TryPeek(out _, out var at))
        {
            return;
        }

        // Rounded up to whole milliseconds, the unit of timers: one that fires early would find nothing due.
        var ticks = Math.Max(0, at - time.GetTimestamp());
        var milliseconds = Math.Ceiling(ticks * 1000.0 / time.TimestampFrequency);
        timer.Change(TimeSpan.FromMilliseconds(Math.Min(milliseconds, int.MaxValue)), Timeout.InfiniteTimeSpan);
    }
}
