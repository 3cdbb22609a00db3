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
    /// <param name="wait">How long.</param>
    /// <param name="times">For the how manieth time since the last that was let pass; a wait that something else ended counts too.</param>
    internal async Task PassAsync(TimeSpan wait, int times = 1)
    {
        await Eventually.TrueAsync(
            () => Find(wait, times) >= 0, () => $"someone waits for {wait} for the {times}. time; the waits were {string.Join(", ", Waits)}");
        passed = Find(wait, times) + 1;
        Advance(wait);
    }

    /// <summary>Waits until what was told to end has ended, and lets time pass meanwhile: its end may have a deadline.</summary>
    internal Task LetEndAsync(Task task) => Eventually.EndedAsync(task, () => Advance(TimeSpan.FromSeconds(1)));

    internal Task PassAsync(double seconds, int times = 1) => PassAsync(TimeSpan.FromSeconds(seconds), times);

    private int Find(TimeSpan wait, int times)
    {
        lock (gate)
        {
            var at = passed - 1;
            for (var found = 0; found < times; found++)
            {
                at = waits.IndexOf(wait, at + 1);
                if (at < 0)
                {
                    return -1;
                }
            }

            return at;
        }
    }
}
