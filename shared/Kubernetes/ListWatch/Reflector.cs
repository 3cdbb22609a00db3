using System.Net;
using LoadBalancer.Kubernetes.Client;
using LoadBalancer.Kubernetes.Resources;
using Microsoft.Extensions.Logging;

namespace LoadBalancer.Kubernetes.ListWatch;

/// <summary>
/// Keeps a <see cref="Store{T}"/> equal to what the API server has: LIST, then WATCH from there for as long as it takes. It never
/// gives up; what it does after each kind of fault is the table in <see cref="Recover"/>.
/// </summary>
/// <typeparam name="T">The kind.</typeparam>
public sealed partial class Reflector<T>
    where T : class, IResource
{
    /// <summary>The longest wait a server can impose by Retry-After.</summary>
    public static readonly TimeSpan LongestRetryAfter = TimeSpan.FromMinutes(5);

    // A watch that ends at once and empty is resumed after this; otherwise a server that closes every stream is asked in a tight loop.
    private static readonly TimeSpan ShortWatch = TimeSpan.FromSeconds(1);

    private const int ResumesBeforeList = 3;

    private readonly IResourceSource<T> source;
    private readonly Store<T> store;
    private readonly string kind;
    private readonly TimeProvider time;
    private readonly Func<double> random;
    private readonly ILogger logger;
    private readonly IReflectorObserver? observer;
    private readonly ListDoubt doubt;

    private readonly Lock gate = new();
    private readonly List<TaskCompletionSource> relistWaiters = [];
    private CancellationTokenSource? round;
    private string? version;
    private int relists;
    private int failures;
    private long lastContact;
    private bool contacted;
    private volatile bool current;

    /// <summary>A reflector; <see cref="RunAsync"/> starts it.</summary>
    /// <param name="source">Where the objects come from.</param>
    /// <param name="store">Where they go. No one else writes to it.</param>
    /// <param name="kind">The kind's name in logs and metrics: <see cref="ResourceKind{T}.Name"/>.</param>
    /// <param name="time">The clock.</param>
    /// <param name="random">A number from 0 to below 1: <c>Random.Shared.NextDouble</c>.</param>
    /// <param name="logger">Where faults are logged.</param>
    /// <param name="observer">Is told what happens, or null.</param>
    public Reflector(
        IResourceSource<T> source,
        Store<T> store,
        string kind,
        TimeProvider time,
        Func<double> random,
        ILogger logger,
        IReflectorObserver? observer = null)
    {
        this.source = source;
        this.store = store;
        this.kind = kind;
        this.time = time;
        this.random = random;
        this.logger = logger;
        this.observer = observer;
        doubt = new ListDoubt(time);
    }

    /// <summary>
    /// The clock's timestamp (<see cref="TimeProvider.GetTimestamp"/>) when the API server last gave this reflector anything: a list, an
    /// event, a bookmark, the regular end of a watch. Null before the first.
    /// </summary>
    public long? LastContact => Volatile.Read(ref contacted) ? Volatile.Read(ref lastContact) : null;

    /// <summary>
    /// Whether the store follows the API server: false from a fault until the server has given something again, and before the first LIST.
    /// What changed meanwhile is not known yet. A server that falls silent is noticed by the deadline of the watch only.
    /// </summary>
    public bool IsCurrent => current;

    /// <summary>The version the next WATCH continues from; null when the next step is a LIST.</summary>
    public string? ResourceVersion => version;

    /// <summary>
    /// Lists anew, whatever the watch is doing. Completes once the store holds a LIST that began after this call, and so everything
    /// that was written before it. A list that is not believed (<see cref="ListDoubt"/>) does not count.
    /// </summary>
    /// <exception cref="OperationCanceledException">It was cancelled before that.</exception>
    public Task RelistAsync(CancellationToken cancellationToken)
    {
        var listed = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        lock (gate)
        {
            relistWaiters.Add(listed);
            round?.Cancel();
        }

        return listed.Task.WaitAsync(cancellationToken);
    }

    /// <summary>Runs until cancelled.</summary>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            cancellationToken.ThrowIfCancellationRequested();
            using var current = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
            var waiters = BeginRound(current);
            try
            {
                await RunRoundAsync(waiters, current.Token).ConfigureAwait(false);
            }
            catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested && current.IsCancellationRequested)
            {
                // A new LIST is asked for; neither the watch nor a wait stands in its way.
            }
            finally
            {
                EndRound(waiters);
            }
        }
    }

    private async Task RunRoundAsync(List<TaskCompletionSource> waiters, CancellationToken cancellationToken)
    {
        TimeSpan wait;
        try
        {
            wait = await ListAndWatchAsync(waiters, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception e) when (IsFault(e, cancellationToken))
        {
            wait = Recover(e);
        }

        if (wait > TimeSpan.Zero)
        {
            await Task.Delay(wait, time, cancellationToken).ConfigureAwait(false);
        }
    }

    private List<TaskCompletionSource> BeginRound(CancellationTokenSource current)
    {
        lock (gate)
        {
            round = current;
            List<TaskCompletionSource> waiters = [.. relistWaiters];
            relistWaiters.Clear();
            version = waiters.Count > 0 ? null : version;
            return waiters;
        }
    }

    // Whoever has not got a LIST in this round waits for the next.
    private void EndRound(List<TaskCompletionSource> waiters)
    {
        lock (gate)
        {
            round = null;
            relistWaiters.AddRange(waiters.Where(static waiter => !waiter.Task.IsCompleted));
        }
    }

    private async Task<TimeSpan> ListAndWatchAsync(List<TaskCompletionSource> waiters, CancellationToken cancellationToken)
    {
        if (version is null)
        {
            var list = await source.ListAsync(cancellationToken).ConfigureAwait(false);
            Touch();
            if (doubt.Why(list.Total, store.Count, list.ResourceVersion) is { } reason)
            {
                current = false;
                observer?.Failed(kind, ReflectorFault.Doubtful);
                LogDoubtful(kind, reason, ListDoubt.BelievedAfter);
                return ListDoubt.AskAgainAfter;
            }

            doubt.Saw(list.ResourceVersion);
            store.Replace(list.Items);
            current = true;
            waiters.ForEach(static waiter => waiter.TrySetResult());
            version = list.ResourceVersion;
            observer?.Listed(kind, list.Total);
            LogListed(kind, list.Total, list.ResourceVersion);
        }

        var started = time.GetTimestamp();
        var received = await WatchAsync(version, cancellationToken).ConfigureAwait(false);
        Touch();
        Succeeded();
        return received || time.GetElapsedTime(started) >= ShortWatch ? TimeSpan.Zero : ShortWatch;
    }

    private async Task<bool> WatchAsync(string from, CancellationToken cancellationToken)
    {
        // 300 to 600 s, so that the watches of all nodes do not end together.
        var timeout = TimeSpan.FromSeconds(300 + Math.Floor(300 * random()));
        observer?.Watching(kind);
        var received = false;
        await foreach (var next in source.WatchAsync(from, timeout, cancellationToken).ConfigureAwait(false))
        {
            Touch();
            Succeeded();
            received = true;
            observer?.Received(kind, next.Type);
            store.Apply(next);
            version = next.ResourceVersion;
            doubt.Saw(version);
        }

        return received;
    }

    /// <summary>Decides what follows a fault: whether to list again, and how long to wait first.</summary>
    private TimeSpan Recover(Exception exception)
    {
        current = false;
        var fault = FaultOf(exception);
        observer?.Failed(kind, fault);
        switch (fault)
        {
            case ReflectorFault.Expired or ReflectorFault.Malformed:
                // At once the first time; a server that answers so every time must not be listed in a tight loop.
                version = null;
                relists++;
                LogRelist(kind, fault, exception.Message);
                return relists == 1 ? TimeSpan.Zero : Backoff.Watch.After(relists - 1, random());

            case ReflectorFault.Refused:
                // The same request would be refused again; the version or the API group may be what it does not like.
                version = null;
                break;
        }

        failures++;
        if (fault == ReflectorFault.ServerError && failures % ResumesBeforeList == 0)
        {
            // The server answers, but cannot continue from here (an event it cannot decode, a version from before a restored backup).
            version = null;
        }

        var wait = RetryAfterOf(exception) is { } asked
            ? (asked < LongestRetryAfter ? asked : LongestRetryAfter) + (random() * TimeSpan.FromSeconds(0.5))
            : Backoff.Watch.After(failures, random());
        LogFault(exception, fault, wait);
        return wait;
    }

    private static ReflectorFault FaultOf(Exception exception) => exception switch
    {
        ApiException { IsExpired: true } or HttpRequestException { StatusCode: HttpStatusCode.Gone } => ReflectorFault.Expired,
        InvalidDataException => ReflectorFault.Malformed,
        TimeoutException => ReflectorFault.Silent,
        HttpRequestException { StatusCode: HttpStatusCode.TooManyRequests } or ApiException { RetryAfter: not null } =>
            ReflectorFault.Throttled,
        HttpRequestException { StatusCode: { } status } => (int)status >= 500 ? ReflectorFault.ServerError : ReflectorFault.Refused,
        _ => ReflectorFault.Connection,
    };

    private static TimeSpan? RetryAfterOf(Exception exception) => (exception as ApiException)?.RetryAfter;

    // Anything else is a defect of this program and ends the process loudly; the store is not to be trusted after it.
    private static bool IsFault(Exception exception, CancellationToken cancellationToken) =>
        exception is HttpRequestException or IOException or TimeoutException or InvalidDataException
        || (exception is OperationCanceledException && !cancellationToken.IsCancellationRequested);

    private void Touch()
    {
        Volatile.Write(ref lastContact, time.GetTimestamp());
        Volatile.Write(ref contacted, true);
    }

    private void Succeeded()
    {
        if (failures > 0)
        {
            LogRecovered(kind, failures);
        }

        relists = 0;
        failures = 0;
        current = true;
    }
}
