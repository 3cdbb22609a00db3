namespace LoadBalancer.Speaker.Membership;

/// <summary>Level-triggered: any number of signals is one wake-up. One thread waits, any thread signals, without allocating.</summary>
public sealed class WakeUp : IDisposable
{
    private readonly AutoResetEvent signal = new(false);

    /// <summary>Wakes the waiting thread, or makes its next wait return at once.</summary>
    public void Signal() => signal.Set();

    /// <summary>
    /// Waits for a signal, at most this long, rounded up to whole milliseconds: the system's wait drops a fraction, and would not wait at all
    /// for the last of them. Less than nothing does not wait.
    /// </summary>
    public void Wait(TimeSpan longest) =>
        signal.WaitOne(longest > TimeSpan.Zero ? TimeSpan.FromMilliseconds(Math.Ceiling(longest.TotalMilliseconds)) : TimeSpan.Zero);

    /// <summary>Whether there was a signal since the last wait; takes it.</summary>
    public bool Take() => signal.WaitOne(TimeSpan.Zero);

    /// <inheritdoc/>
    public void Dispose() => signal.Dispose();
}
