namespace LoadBalancer.Speaker.Tests.Simulation;

/// <summary>What happens when, in virtual time: no thread, no chance but that of the seed.</summary>
internal sealed class VirtualTime(int seed)
{
    private readonly PriorityQueue<Action, (TimeSpan At, long Order)> events = new();
    private long order;

    /// <summary>All chance there is.</summary>
    public Random Random { get; } = new(seed);

    public TimeSpan Now { get; private set; }

    public void At(TimeSpan at, Action action) => events.Enqueue(action, (at > Now ? at : Now, ++order));

    public void After(TimeSpan delay, Action action) => At(Now + delay, action);

    /// <summary>A time of so many microseconds.</summary>
    public TimeSpan Between(int least, int most) => TimeSpan.FromMicroseconds(Random.Next(least, most));

    /// <summary>Does again and again what is said, each time after the pause.</summary>
    public void Every(TimeSpan pause, Action action) => After(pause, () =>
    {
        action();
        Every(pause, action);
    });

    public void Run(TimeSpan until)
    {
        while (events.TryPeek(out _, out var due) && due.At <= until)
        {
            var action = events.Dequeue();
            Now = due.At;
            action();
        }

        Now = until;
    }
}

/// <summary>The clock and the timers of one process, whose callbacks come when the process runs.</summary>
internal sealed class ProcessTime(VirtualTime time, Action<Action> run) : TimeProvider
{
    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    public override long GetTimestamp() => time.Now.Ticks;

    /// <summary>As if the API server had been heard just now.</summary>
    public long? ContactNow() => GetTimestamp();

    public override DateTimeOffset GetUtcNow() => DateTimeOffset.UnixEpoch + TimeSpan.FromDays(20_000) + time.Now;

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        var timer = new Timer(time, () => run(() => callback(state)));
        timer.Change(dueTime, period);
        return timer;
    }

    private sealed class Timer(VirtualTime time, Action fire) : ITimer
    {
        private long ticket;

        public bool Change(TimeSpan dueTime, TimeSpan period)
        {
            var mine = ++ticket;
            if (dueTime >= TimeSpan.Zero)
            {
                time.After(dueTime, () =>
                {
                    if (mine == ticket)
                    {
                        fire();
                    }
                });
            }

            return period == Timeout.InfiniteTimeSpan || period == TimeSpan.Zero ? true : throw new NotSupportedException("no timer here is periodic");
        }

        public void Dispose() => ticket++;

        public ValueTask DisposeAsync()
        {
            Dispose();
            return ValueTask.CompletedTask;
        }
    }
}
