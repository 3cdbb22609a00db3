using Microsoft.Extensions.Logging;

namespace LoadBalancer.Speaker.Membership;

/// <summary>
/// A thread of its own that calls a step again and again, each time after the step's own wait or when woken. Not on the thread pool:
/// a pool that is busy must not keep a heartbeat waiting.
/// </summary>
public sealed partial class LoopThread : IDisposable
{
    private readonly WakeUp wake;
    private readonly Func<TimeSpan> step;
    private readonly ILogger logger;
    private readonly Thread thread;
    private readonly TaskCompletionSource ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private volatile bool stopping;

    /// <summary>A thread that is not started yet.</summary>
    /// <param name="name">The thread's name.</param>
    /// <param name="wake">Wakes it.</param>
    /// <param name="step">Does the work and returns how long to sleep at most.</param>
    /// <param name="logger">Is told if a step fails.</param>
    public LoopThread(string name, WakeUp wake, Func<TimeSpan> step, ILogger logger)
    {
        this.wake = wake;
        this.step = step;
        this.logger = logger;
        thread = new Thread(Run) { Name = name, IsBackground = true, Priority = ThreadPriority.Highest };
    }

    /// <summary>Completes when the thread has ended; faults with what a step threw.</summary>
    public Task Ended => ended.Task;

    /// <summary>Starts the thread.</summary>
    public void Start() => thread.Start();

    /// <summary>Ends the thread after the step it is in.</summary>
    public void Dispose()
    {
        stopping = true;
        wake.Signal();
        if (thread.IsAlive && thread != Thread.CurrentThread)
        {
            thread.Join();
        }
    }

    private void Run()
    {
        try
        {
            while (!stopping)
            {
                wake.Wait(step());
            }

            ended.TrySetResult();
        }
#pragma warning disable CA1031 // It ends the process with a message, by way of the task.
        catch (Exception e)
#pragma warning restore CA1031
        {
            LogFailed(logger, thread.Name, e);
            ended.TrySetException(e);
        }
    }

    [LoggerMessage(EventId = 3010, Level = LogLevel.Critical, Message = "The thread {Thread} failed.")]
    private static partial void LogFailed(ILogger logger, string? thread, Exception exception);
}
