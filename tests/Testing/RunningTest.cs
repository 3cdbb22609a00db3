namespace LoadBalancer.Testing;

/// <summary>A test that has begun, on a thread of its own until it first waits: a thread that blocks holds up no other test and can be woken.</summary>
internal sealed class RunningTest
{
    private static readonly AsyncLocal<RunningTest?> Current = new();

    private readonly TaskCompletionSource<Task> returned = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Thread thread;
    private volatile Task step = Task.CompletedTask;

    private RunningTest(string name, Func<Task> run)
    {
        thread = new Thread(() =>
        {
            Current.Value = this;
            try
            {
                returned.SetResult(run());
            }
            catch (Exception exception)
            {
                returned.SetException(exception);
            }
        })
        {
            IsBackground = true,
            Name = name,
        };
    }

    public static RunningTest Start(string name, Func<Task> run)
    {
        var test = new RunningTest(name, run);
        test.thread.Start();
        return test;
    }

    /// <summary>Notes what the test that calls does now: is constructed, runs, or is disposed of.</summary>
    public static ValueTask<T> Step<T>(ValueTask<T> step)
    {
        var task = step.AsTask();
        if (Current.Value is { } test)
        {
            test.step = task;
        }

        return new(task);
    }

    /// <summary>Whether it has ended when this much time is over, or before.</summary>
    public async Task<bool> EndsWithinAsync(TimeSpan time)
    {
        var whole = returned.Task.Unwrap();
        using var over = new CancellationTokenSource();
        var ended = await Task.WhenAny(whole, Task.Delay(time, TimeProvider.System, over.Token)) == whole;
        await over.CancelAsync();
        if (ended)
        {
            await whole;
        }

        return ended;
    }

    /// <summary>Where it waits, and for what.</summary>
    public string Describe() => returned.Task.IsCompleted
        ? WaitingPlace.Of(step)
        : "It blocks its thread, or never lets go of it; if it could be woken, an exception beside this one says where it was.";

    /// <summary>If it blocks its thread, an exception is thrown where it does.</summary>
    public void Wake()
    {
        if (!returned.Task.IsCompleted)
        {
            thread.Interrupt();
        }
    }
}
