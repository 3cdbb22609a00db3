using System.Runtime.CompilerServices;

namespace LoadBalancer.Controller.Tests.Fakes;

/// <summary>Waits for what other threads bring about: no sleep of a guessed length, and a clear failure if it does not come.</summary>
internal static class Eventually
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(5);

    /// <param name="condition">What is to become true.</param>
    /// <param name="meanwhile">Done between two looks: lets fake time pass, for instance.</param>
    /// <param name="text">The condition as written.</param>
    public static async Task True(
        Func<bool> condition, Action? meanwhile = null, [CallerArgumentExpression(nameof(condition))] string text = "")
    {
        var time = TimeProvider.System;
        var started = time.GetTimestamp();
        while (!condition())
        {
            Assert.True(time.GetElapsedTime(started) < Patience, $"Never came true: {text}");
            meanwhile?.Invoke();
            await Task.Delay(Pause, time, TestContext.Current.CancellationToken);
        }
    }
}
