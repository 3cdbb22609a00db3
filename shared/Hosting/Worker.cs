using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace LoadBalancer.Hosting;

/// <summary>
/// A long-running part of a program. Unlike a plain <see cref="BackgroundService"/>, one that fails — or ends although nobody asked it
/// to — ends the process with exit status 1, so that Kubernetes restarts it and says so.
/// </summary>
public abstract partial class Worker : BackgroundService
{
    private readonly IHostApplicationLifetime lifetime;
    private readonly ExitStatus exitStatus;
    private readonly ILogger logger;

    /// <summary>A worker of a host.</summary>
    protected Worker(IHostApplicationLifetime lifetime, ExitStatus exitStatus, ILogger logger)
    {
        this.lifetime = lifetime;
        this.exitStatus = exitStatus;
        this.logger = logger;
    }

    /// <summary>Does the work until <paramref name="stoppingToken"/> is cancelled; returning or throwing earlier is a failure.</summary>
    protected abstract Task RunAsync(CancellationToken stoppingToken);

    /// <inheritdoc/>
    protected sealed override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        try
        {
            await RunAsync(stoppingToken).ConfigureAwait(false);
            if (!stoppingToken.IsCancellationRequested)
            {
                throw new InvalidOperationException($"{GetType().Name} ended although it was not asked to.");
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // The regular end.
        }
#pragma warning disable CA1031 // Whatever it is, the process must not live on without this worker.
        catch (Exception e)
#pragma warning restore CA1031
        {
            LogFailed(logger, GetType().Name, e);
            exitStatus.Fail();
            lifetime.StopApplication();
        }
    }

    [LoggerMessage(EventId = 1, Level = LogLevel.Critical, Message = "{Worker} failed; the program stops.")]
    private static partial void LogFailed(ILogger logger, string worker, Exception exception);
}
