namespace LoadBalancer.Kubernetes.Tests.Support;

/// <summary>Waits, on the real clock, for what another task does; fails with a sentence when it does not.</summary>
internal static class Eventually
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(20);

    internal static async Task TrueAsync(Func<bool> condition, string what)
    {
        var started = TimeProvider.System.GetTimestamp();
        while (!condition())
        {
            if (TimeProvider.System.GetElapsedTime(started) > Deadline)
            {
                Assert.Fail($"This did not become true within {Deadline}: {what}");
            }

            await Task.Delay(TimeSpan.FromMilliseconds(2), TimeProvider.System);
        }
    }

    internal static Task EqualAsync<TValue>(TValue expected, Func<TValue> actual, string what) =>
        TrueAsync(() => EqualityComparer<TValue>.Default.Equals(expected, actual()), $"{what} is {expected}, last seen {actual()}");

    internal static async Task<TResult> Within<TResult>(Task<TResult> task) => await task.WaitAsync(Deadline, TimeProvider.System);

    internal static async Task Within(Task task) => await task.WaitAsync(Deadline, TimeProvider.System);
}
