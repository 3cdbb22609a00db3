using System.Collections.Concurrent;
using LoadBalancer.Kubernetes.Leases;
using LoadBalancer.Kubernetes.Resources;
using LoadBalancer.Kubernetes.Tests.Support;
using Microsoft.Extensions.Logging.Abstractions;

namespace LoadBalancer.Kubernetes.Tests.Leases;

/// <summary>One elector that runs.</summary>
internal sealed class Candidate : IAsyncDisposable
{
    internal static readonly ObjectKey Key = new("system", "controllers");

    private readonly CancellationTokenSource stop = new();
    private Task run = Task.CompletedTask;

    internal Candidate(string name, ILeaseStore store, TimeProvider clock, Func<LeaderElectionOptions, LeaderElectionOptions>? with = null)
    {
        var options = new LeaderElectionOptions(Key, name);
        Elector = new LeaderElector(store, with?.Invoke(options) ?? options, clock, () => 0.5, NullLogger.Instance);
        Elector.Started += () => Happened.Enqueue($"started leader={Elector.IsLeader}");
        Elector.Stopped += () => Happened.Enqueue($"stopped leader={Elector.IsLeader}");
    }

    internal LeaderElector Elector { get; }

    internal bool IsLeader => Elector.IsLeader;

    internal ConcurrentQueue<string> Happened { get; } = new();

    /// <summary>What the leader's work does when it is asked to stop.</summary>
    internal Func<Task>? OnWorkStopping { get; set; }

    internal Candidate Run()
    {
        run = Task.Run(() => Elector.RunAsync(WorkAsync, stop.Token));
        return this;
    }

    internal Task LeadsAsync() => Eventually.TrueAsync(() => IsLeader, $"{Elector} leads");

    internal async Task StopAsync()
    {
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => Eventually.Within(run));
    }

    public async ValueTask DisposeAsync()
    {
        await stop.CancelAsync();
        await Eventually.EndedAsync(run);
        stop.Dispose();
    }

    private async Task WorkAsync(CancellationToken cancellationToken)
    {
        Happened.Enqueue("work begins");
        try
        {
            await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, cancellationToken);
        }
        finally
        {
            Happened.Enqueue($"work ends leader={Elector.IsLeader}");
            if (OnWorkStopping is not null)
            {
                await OnWorkStopping();
            }
        }
    }
}
