using System.Threading.Channels;
using LoadBalancer.Controller.Exclusions;
using LoadBalancer.Kubernetes.Configuration;
using LoadBalancer.Kubernetes.Queue;
using LoadBalancer.Kubernetes.Resources;
using LoadBalancer.Kubernetes.Status;
using Microsoft.Extensions.Logging;

namespace LoadBalancer.Controller.Assigning;

/// <summary>
/// The leader's work: changes of Services, namespaces and pools and the outcomes of writes come in through one mailbox and are dealt
/// with one after the other, by the <see cref="Assignments"/>.
/// </summary>
internal sealed partial class AssignmentLoop
{
    // How long writes under way may take to end when leadership is given up. With LandingTime it fits into what is left of a window of
    // 10 s that is renewed every 2 s.
    private static readonly TimeSpan DrainTime = TimeSpan.FromSeconds(3);

    // How long a write that was given up is granted to land, before anyone else may begin: longer than a server that still has the
    // request takes to carry it out.
    private static readonly TimeSpan LandingTime = TimeSpan.FromSeconds(4);
    private static readonly TimeSpan RemindInterval = TimeSpan.FromMinutes(2);
    private static readonly TimeSpan RefreshRetry = TimeSpan.FromSeconds(1);

    // A write is answered within milliseconds or meets a newer version; waiting long after the first failure helps nobody.
    private static readonly Kubernetes.ListWatch.Backoff Backoff = new(TimeSpan.FromMilliseconds(20), TimeSpan.FromSeconds(30));

    private readonly ControllerStores stores;
    private readonly PoolConfigSource pools;
    private readonly ExclusionSource exclusions;
    private readonly ExclusionReport report;
    private readonly IStatusWriter writer;
    private readonly Func<TimeSpan> window;
    private readonly Func<CancellationToken, Task> refresh;
    private readonly TimeProvider time;
    private readonly ILogger logger;
    private readonly Assignments assignments;
    private Channel<Action> mailbox = NewMailbox();
    private WorkQueue<ObjectKey> queue;
    private StatusWrites? writes;
    private int writing;
    private int exclusionsPosted;
    private volatile bool leads;

    /// <param name="stores">What is known of the cluster.</param>
    /// <param name="pools">The pools in force.</param>
    /// <param name="exclusions">The addresses that are not given out.</param>
    /// <param name="report">Where those are told.</param>
    /// <param name="writer">Writes statuses.</param>
    /// <param name="window">How much longer this replica certainly leads.</param>
    /// <param name="refresh">Completes once the Service store holds a LIST that began after the call.</param>
    /// <param name="events">Where changes are told.</param>
    /// <param name="servedClass">The class served, or null.</param>
    /// <param name="time">The clock.</param>
    /// <param name="logger">The log.</param>
    public AssignmentLoop(
        ControllerStores stores, PoolConfigSource pools, ExclusionSource exclusions, ExclusionReport report, IStatusWriter writer,
        Func<TimeSpan> window,
        Func<CancellationToken, Task> refresh, AssignmentEvents events, string? servedClass, TimeProvider time,
        ILogger<AssignmentLoop> logger)
    {
        this.stores = stores;
        this.pools = pools;
        this.exclusions = exclusions;
        this.report = report;
        this.writer = writer;
        this.window = window;
        this.refresh = refresh;
        this.time = time;
        this.logger = logger;
        queue = NewQueue();
        assignments = new Assignments(stores, servedClass, events, Send, key => queue.AddRateLimited(key), (key, wait) => queue.AddAfter(key, wait),
            key => queue.Forget(key), time);
    }

    /// <summary>
    /// Gives out addresses until it is stopped, then lets the writes under way end; after it has returned nothing of its making can
    /// land any more, so the Lease may go to another. One call at a time.
    /// </summary>
    public async Task LeadAsync(CancellationToken stop)
    {
        mailbox = NewMailbox();
        exclusionsPosted = 0;
        using var termQueue = queue = NewQueue();
        using var termWrites = writes = NewWrites();
        stores.Services.Changed += queue.Add;
        stores.Namespaces.Changed += OnNamespaceChanged;
        pools.Changed += OnPoolsChanged;
        exclusions.Changed += OnExclusionsChanged;
        try
        {
            if (await PrepareAsync(stop).ConfigureAwait(false))
            {
                assignments.Rebuild(pools.Current, exclusions.Current);
                ReportExclusions();
                LogLeading(stores.Services.Count);
                leads = true;
                await Task.WhenAll(PumpAsync(stop), WorkAsync(stop), RemindAsync(stop)).ConfigureAwait(false);
            }
        }
        finally
        {
            leads = false;
            stores.Services.Changed -= queue.Add;
            stores.Namespaces.Changed -= OnNamespaceChanged;
            pools.Changed -= OnPoolsChanged;
            exclusions.Changed -= OnExclusionsChanged;
            await DrainAsync(termWrites).ConfigureAwait(false);
            ControllerMetrics.NotLeading();
        }
    }

    /// <summary>Asks what the leader knows, between two decisions. From any thread.</summary>
    /// <param name="read">Takes a copy of what is wanted; quickly.</param>
    /// <returns>Null if this replica does not lead, or ceases to before it answers.</returns>
    public async Task<T?> AskAsync<T>(Func<Assignments, T> read)
        where T : class
    {
        if (!leads)
        {
            return null;
        }

        var answer = new TaskCompletionSource<T?>(TaskCreationOptions.RunContinuationsAsynchronously);
        Post(() => answer.TrySetResult(leads ? read(assignments) : null));
        return await answer.Task.ConfigureAwait(false);
    }

    private static Channel<Action> NewMailbox() => Channel.CreateUnbounded<Action>(new UnboundedChannelOptions { SingleReader = true });

    private StatusWrites NewWrites() => new(writer, window, time, logger);

    private WorkQueue<ObjectKey> NewQueue() => new(time, Random.Shared.NextDouble, Backoff);

    private void OnPoolsChanged() => PostDecision(() =>
    {
        assignments.Reconfigure(pools.Current);
        ReportExclusions();
    });

    // A thousand Nodes that are listed are a thousand changes; what is taken over is all of them at once.
    private void OnExclusionsChanged()
    {
        if (Interlocked.Exchange(ref exclusionsPosted, 1) == 0)
        {
            Post(() =>
            {
                Volatile.Write(ref exclusionsPosted, 0);
                if (!writes!.IsClosed)
                {
                    assignments.Exclude(exclusions.Current);
                    ReportExclusions();
                }
            });
        }
    }

    private void ReportExclusions() => report.Tell(pools.Current, exclusions.Current, ClusterRange.In(stores));

    private void OnNamespaceChanged(ObjectKey @namespace)
    {
        foreach (var service in stores.Services.All())
        {
            if (service.Key.Namespace == @namespace.Name && service.Type == "LoadBalancer")
            {
                queue.Add(service.Key);
            }
        }
    }

    private void Post(Action work) => mailbox.Writer.TryWrite(work);

    private void PostDecision(Action decide) => Post(() =>
    {
        if (!writes!.IsClosed)
        {
            decide();
        }
    });

    /// <summary>
    /// Before the first decision: a LIST that has everything a former leader wrote. Its window ended before the Lease could be taken, so
    /// nothing of its making comes after that LIST; a watch that lags or is broken could be missing some of it.
    /// </summary>
    private async Task<bool> PrepareAsync(CancellationToken stop)
    {
        while (!stop.IsCancellationRequested)
        {
            try
            {
                await Task.WhenAll(stores.Services.Synced, stores.Namespaces.Synced, exclusions.Synced, pools.Synced).WaitAsync(stop).ConfigureAwait(false);
                await refresh(stop).ConfigureAwait(false);
                return true;
            }
            catch (OperationCanceledException) when (stop.IsCancellationRequested)
            {
                break;
            }
            catch (HttpRequestException e)
            {
                LogRefreshFailed(e);
                await Task.Delay(RefreshRetry, time, stop).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }

        return false;
    }

    private async Task PumpAsync(CancellationToken stop)
    {
        try
        {
            while (await queue.TakeAsync(stop).ConfigureAwait(false) is (true, var key))
            {
                PostDecision(() =>
                {
                    assignments.Look(key);
                    queue.Done(key);
                });
            }
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            // The regular end.
        }
    }

    private async Task WorkAsync(CancellationToken stop)
    {
        try
        {
            do
            {
                while (!stop.IsCancellationRequested && mailbox.Reader.TryRead(out var work))
                {
                    work();
                }

                ShowMetrics();
            }
            while (await mailbox.Reader.WaitToReadAsync(stop).ConfigureAwait(false));
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            // The regular end.
        }
    }

    private async Task RemindAsync(CancellationToken stop)
    {
        try
        {
            using var timer = new PeriodicTimer(RemindInterval, time);
            while (await timer.WaitForNextTickAsync(stop).ConfigureAwait(false))
            {
                PostDecision(assignments.Remind);
            }
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            // The regular end.
        }
    }

    private void Send(StatusWrite write)
    {
        writing++;
        _ = SendAsync(write);
    }

    private async Task SendAsync(StatusWrite write)
    {
        await Task.Yield();
        var outcome = await writes!.SendAsync(write).ConfigureAwait(false);
        Post(() => Complete(write, outcome));
    }

    private void Complete(StatusWrite write, StatusWriteOutcome outcome)
    {
        writing--;
        assignments.Note(write, outcome);
        if (!writes!.IsClosed)
        {
            assignments.GoOnAfter(write);
        }
    }

    /// <summary>Nothing new is sent; what is under way may end within <see cref="DrainTime"/>, and is given up after that.</summary>
    private async Task DrainAsync(StatusWrites termWrites)
    {
        termWrites.Close();
        using (var deadline = new CancellationTokenSource(DrainTime, time))
        using (deadline.Token.Register(termWrites.Abort))
        {
            while (writing > 0)
            {
                // Decisions left in the mailbox are void now; outcomes count.
                var work = await mailbox.Reader.ReadAsync(CancellationToken.None).ConfigureAwait(false);
                work();
            }
        }

        if (assignments.AnythingMayLand() && window() > TimeSpan.Zero)
        {
            LogWaitingForWrites();
            await Task.Delay(LandingTime, time, CancellationToken.None).ConfigureAwait(false);
        }

        LogStopped();
    }

    private void ShowMetrics()
    {
        ControllerMetrics.Leading(queue.Depth, assignments.Usage, assignments.Excluded, assignments.Waiting, assignments.Contended);
    }
}
