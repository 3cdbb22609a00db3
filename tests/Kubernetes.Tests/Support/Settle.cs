namespace LoadBalancer.Kubernetes.Tests.Support;

/// <summary>Lets tasks that a fake clock has woken run until they wait again.</summary>
internal static class Settle
{
    // Alone in the process (see the collection), an empty thread pool that stays empty means that everyone waits.
    internal static async Task AsyncWork()
    {
        for (int quiet = 0, hops = 0; quiet < 4 && hops < 500; hops++)
        {
            await Task.Run(static () => { });
            quiet = ThreadPool.PendingWorkItemCount == 0 ? quiet + 1 : 0;
        }
    }
}

/// <summary>Tests that measure or settle the whole process, with no other test beside them.</summary>
[CollectionDefinition("alone", DisableParallelization = true)]
public sealed class Alone;

/// <summary>A clock whose timers can be stopped from firing while its time goes on: a process that is not scheduled.</summary>
internal sealed class FrozenTimers(TimeProvider inner) : TimeProvider
{
    private readonly List<Action> held = [];
    private readonly Lock gate = new();
    private bool frozen;

    internal bool Frozen
    {
        get => frozen;
        set
        {
            List<Action> due = [];
            lock (gate)
            {
                frozen = value;
                if (!value)
                {
                    due.AddRange(held);
                    held.Clear();
                }
            }

            due.ForEach(static fire => fire());
        }
    }

    public override long TimestampFrequency => inner.TimestampFrequency;

    public override long GetTimestamp() => inner.GetTimestamp();

    public override DateTimeOffset GetUtcNow() => inner.GetUtcNow();

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) =>
        inner.CreateTimer(value => Fire(() => callback(value)), state, dueTime, period);

    private void Fire(Action fire)
    {
        lock (gate)
        {
            if (frozen)
            {
                held.Add(fire);
                return;
            }
        }

        fire();
    }
}
