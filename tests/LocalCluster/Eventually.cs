namespace LoadBalancer.LocalCluster;

/// <summary>Waits for what must become true soon.</summary>
public static class Eventually
{
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(10);

    /// <summary>Waits until a condition holds and returns how long that took.</summary>
    /// <exception cref="TimeoutException">It did not hold in time; the message says what was waited for.</exception>
    public static async Task<TimeSpan> TrueAsync(Func<bool> condition, TimeSpan within, string what, Func<string>? found = null)
    {
        long start = TimeProvider.System.GetTimestamp();
        await GetAsync(() => Task.FromResult(condition() ? "" : null), within, what, found);
        return TimeProvider.System.GetElapsedTime(start);
    }

    /// <summary>Waits until a question has an answer other than null.</summary>
    /// <exception cref="TimeoutException">It had none in time.</exception>
    public static async Task<T> GetAsync<T>(Func<Task<T?>> question, TimeSpan within, string what, Func<string>? found = null)
        where T : class
    {
        long start = TimeProvider.System.GetTimestamp();
        while (true)
        {
            T? answer = await question();
            TimeSpan took = TimeProvider.System.GetElapsedTime(start);
            if (answer is not null)
            {
                return answer;
            }

            if (took > within)
            {
                throw new TimeoutException($"not within {within.TotalSeconds:0.###} s: {what}{(found is null ? "" : $"; found {found()}")}");
            }

            await Task.Delay(Interval, TimeProvider.System);
        }
    }
}
