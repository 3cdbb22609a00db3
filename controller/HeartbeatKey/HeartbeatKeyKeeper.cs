using Microsoft.Extensions.Logging;

namespace LoadBalancer.Controller.HeartbeatKey;

/// <summary>
/// Sees to it that the Secret with the speakers' key exists: the leader tries to create it, again and again, and is content to hear
/// that it is there. So it needs no right to read a Secret, never overwrites one, and one that was deleted comes back.
/// </summary>
internal sealed partial class HeartbeatKeyKeeper
{
    /// <summary>Between two tries. Speakers go on with the key they have, so a deleted Secret is in no hurry.</summary>
    public static readonly TimeSpan Interval = TimeSpan.FromSeconds(30);

    private readonly Func<CancellationToken, Task<bool>> ensure;
    private readonly TimeProvider time;
    private readonly ILogger logger;

    /// <param name="ensure">Creates the Secret; false if it exists.</param>
    /// <param name="time">The clock.</param>
    /// <param name="logger">The log.</param>
    public HeartbeatKeyKeeper(Func<CancellationToken, Task<bool>> ensure, TimeProvider time, ILogger<HeartbeatKeyKeeper> logger)
    {
        this.ensure = ensure;
        this.time = time;
        this.logger = logger;
    }

    /// <summary>Works until it is stopped.</summary>
    public async Task KeepAsync(CancellationToken stop)
    {
        while (!stop.IsCancellationRequested)
        {
            await TryAsync(stop).ConfigureAwait(false);
            await Task.Delay(Interval, time, stop).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private async Task TryAsync(CancellationToken stop)
    {
        try
        {
            if (await ensure(stop).ConfigureAwait(false))
            {
                LogCreated();
            }
        }
        catch (HttpRequestException e)
        {
            LogFailed(e);
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            // The regular end.
        }
    }
}
