namespace LoadBalancer.Kubernetes.Tests.Support;

/// <summary>Waits, on the real clock, for what another task does; fails with a sentence when it does not.</summary>
internal static class Eventually
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(30);

    internal static Task TrueAsync(Func<bool> condition, string what) => TrueAsync(condition, () => what);

    internal static Task EqualAsync<TValue>(TValue expected, Func<TValue> actual, string what) =>
        TrueAsync(() => EqualityComparer<TValue>.Default.Equals(expected, actual()), () => $"{what} is {expected}, last seen {actual()}");

    /// <summary>Waits until a condition holds, or the test is cancelled.</summary>
    internal static Task TrueAsync(Func<bool> condition, Func<string> what) => TrueAsync(condition, what, TestContext.Current.CancellationToken);

    internal static async Task<TResult> Within<TResult>(Task<TResult> task) => await task.WaitAsync(Deadline, TimeProvider.System);

    internal static async Task Within(Task task) => await task.WaitAsync(Deadline, TimeProvider.System);

    /// <summary>Waits until a task has ended, well or badly, also in a test that was cancelled.</summary>
    /// <param name="task">What was told to end.</param>
    /// <param name="meanwhile">Done between two looks: lets fake time pass, for instance.</param>
    internal static Task EndedAsync(Task task, Action? meanwhile = null) => TrueAsync(
        () =>
        {
            meanwhile?.Invoke();
            return task.IsCompleted;
        },
        () => "what was told to end ends",
        CancellationToken.None);

    private static async Task TrueAsync(Func<bool> condition, Func<string> what, CancellationToken cancelled)
    {
        var started = TimeProvider.System.GetTimestamp();
        while (!condition())
        {
            if (TimeProvider.System.GetElapsedTime(started) > Deadline)
            {
                Assert.Fail($"This did not become true within {Deadline}: {what()}");
            }

            await Task.Delay(TimeSpan.FromMilliseconds(2), TimeProvider.System, cancelled);
        }
    }
}
