using LoadBalancer.Kubernetes.Status;
using Microsoft.Extensions.Logging;

namespace LoadBalancer.Controller.Assigning;

/// <summary>
/// Sends status writes: many at once, none without leadership. A write may take no longer than leadership certainly lasts, so that none
/// of ours is under way when another replica begins.
/// </summary>
internal sealed partial class StatusWrites : IDisposable
{
    /// <summary>
    /// At most this many at once. The API server is the limit: more in flight only queue up there, and its priority-and-fairness
    /// answers a flood with 429.
    /// </summary>
    public const int Concurrency = 64;

    // A write that could not finish in what is left of the window is not begun.
    private static readonly TimeSpan LeastWindow = TimeSpan.FromMilliseconds(500);

    private readonly IStatusWriter writer;
    private readonly Func<TimeSpan> window;
    private readonly TimeProvider time;
    private readonly ILogger logger;
    private readonly SemaphoreSlim slots = new(Concurrency);
    private readonly CancellationTokenSource closing = new();
    private readonly CancellationTokenSource aborting = new();

    /// <param name="writer">The API server.</param>
    /// <param name="window">How much longer this replica certainly leads; asked right before each write.</param>
    /// <param name="time">The clock.</param>
    /// <param name="logger">The log.</param>
    public StatusWrites(IStatusWriter writer, Func<TimeSpan> window, TimeProvider time, ILogger logger)
    {
        this.writer = writer;
        this.window = window;
        this.time = time;
        this.logger = logger;
    }

    /// <summary>Whether no more writes are taken.</summary>
    public bool IsClosed => closing.IsCancellationRequested;

    /// <summary>Sends a write once there is room for it, or finds that it must not be sent. Never throws.</summary>
    public async Task<StatusWriteOutcome> SendAsync(StatusWrite write)
    {
        try
        {
            await slots.WaitAsync(closing.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            return StatusWriteOutcome.NotSent;
        }

        try
        {
            return await SendNowAsync(write).ConfigureAwait(false);
        }
        finally
        {
            slots.Release();
        }
    }

    /// <summary>Takes no more writes; those that wait for room end as not sent.</summary>
    public void Close() => closing.Cancel();

    /// <summary>Gives up on those under way; their outcome is unknown.</summary>
    public void Abort() => aborting.Cancel();

    public void Dispose()
    {
        slots.Dispose();
        closing.Dispose();
        aborting.Dispose();
    }

    private async Task<StatusWriteOutcome> SendNowAsync(StatusWrite write)
    {
        var left = window();
        if (left < LeastWindow || IsClosed)
        {
            return StatusWriteOutcome.NotSent;
        }

        var started = time.GetTimestamp();
        using var deadline = new CancellationTokenSource(left, time);
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(deadline.Token, aborting.Token);
        var outcome = StatusWriteOutcome.Failed;
        try
        {
            var result = await writer.WriteAsync(write.Service, write.Addresses, limit.Token).ConfigureAwait(false);
            outcome = result switch
            {
                StatusWriteResult.Written => StatusWriteOutcome.Written,
                StatusWriteResult.Conflict => StatusWriteOutcome.Conflict,
                _ => StatusWriteOutcome.Gone,
            };
        }
#pragma warning disable CA1031 // Whatever went wrong, the outcome is unknown and the address stays held.
        catch (Exception e)
#pragma warning restore CA1031
        {
            LogFailed(write.Service.Key, e);
        }

        ControllerMetrics.StatusWritten(outcome, time.GetElapsedTime(started));
        return outcome;
    }
}
