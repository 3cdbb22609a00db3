using Microsoft.Extensions.Time.Testing;

namespace LoadBalancer.Kubernetes.Tests.Support;

/// <summary>A fake clock that knows for how long anyone has waited on it.</summary>
internal sealed class TestClock : FakeTimeProvider
{
    private readonly List<TimeSpan> waits = [];
    private readonly Lock gate = new();
    private int passed;

    /// <summary>The due times of all timers so far.</summary>
    internal IReadOnlyList<TimeSpan> Waits
    {
        get
        {
            lock (gate)
            {
                return [.. waits];
            }
        }
    }

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        var timer = base.CreateTimer(callback, state, dueTime, period);
        lock (gate)
        {
            waits.Add(dueTime);
        }

        return timer;
    }

    /// <summary>Waits until somebody waits for exactly this long, and lets it pass.</summary>
    internal async Task PassAsync(TimeSpan wait)
    {
        await Eventually.TrueAsync(() => Find(wait) >= 0, $"someone waits for {wait}; the waits were {string.Join(", ", Waits)}");
        passed = Find(wait) + 1;
        Advance(wait);
    }

    internal Task PassAsync(double seconds) => PassAsync(TimeSpan.FromSeconds(seconds));

    private int Find(TimeSpan wait)
    {
        lock (gate)
        {
            return waits.IndexOf(wait, passed);
        }
    }
}
