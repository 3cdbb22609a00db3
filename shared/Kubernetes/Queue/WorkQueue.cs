using System.Diagnostics.CodeAnalysis;
using System.Threading.Channels;
using LoadBalancer.Kubernetes.ListWatch;

namespace LoadBalancer.Kubernetes.Queue;

/// <summary>
/// Keys of things to look at again (the work queue of Kubernetes controllers). A key added many times before it is taken is taken once;
/// a key added while it is being worked on is taken again afterwards, and never by two workers at once; a key that fails waits longer
/// each time. For any number of threads.
/// </summary>
/// <typeparam name="TKey">What names a thing.</typeparam>
[SuppressMessage("Naming", "CA1711", Justification = "The name everyone who knows Kubernetes controllers looks for.")]
public sealed class WorkQueue<TKey> : IDisposable
    where TKey : notnull
{
    /// <summary>The waits of <see cref="AddRateLimited"/> unless told otherwise: 0.1 s, doubled each time, at most 60 s.</summary>
    public static readonly Backoff DefaultBackoff = new(TimeSpan.FromMilliseconds(100), TimeSpan.FromSeconds(60));

    private readonly Lock gate = new();
    private readonly Channel<TKey> ready = Channel.CreateUnbounded<TKey>();
    private readonly HashSet<TKey> dirty = [];
    private readonly HashSet<TKey> processing = [];
    private readonly Dictionary<TKey, int> failures = [];
    private readonly DelayedKeys<TKey> delayed;
    private readonly Backoff backoff;
    private readonly Func<double> random;
    private bool shuttingDown;

    /// <summary>An empty queue.</summary>
    /// <param name="time">The clock of delays.</param>
    /// <param name="random">A number from 0 to below 1, for jitter.</param>
    /// <param name="backoff">The waits after failures; <see cref="DefaultBackoff"/> if null.</param>
    public WorkQueue(TimeProvider time, Func<double> random, Backoff? backoff = null)
    {
        this.random = random;
        this.backoff = backoff ?? DefaultBackoff;
        delayed = new DelayedKeys<TKey>(time, Add);
    }

    /// <summary>How many keys wait to be taken, those delayed not counted.</summary>
    public int Depth
    {
        get
        {
            lock (gate)
            {
                return dirty.Count;
            }
        }
    }

    /// <summary>How many keys wait for their time.</summary>
    public int Delayed => delayed.Count;

    /// <summary>Adds a key. Nothing happens if it already waits, or after <see cref="ShutDown"/>.</summary>
    public void Add(TKey key)
    {
        lock (gate)
        {
            if (!shuttingDown && dirty.Add(key) && !processing.Contains(key))
            {
                ready.Writer.TryWrite(key);
            }
        }
    }

    /// <summary>Adds a key after a while. Of several delays of one key the shortest counts.</summary>
    public void AddAfter(TKey key, TimeSpan delay)
    {
        if (delay <= TimeSpan.Zero)
        {
            Add(key);
        }
        else
        {
            delayed.Add(key, delay);
        }
    }

    /// <summary>Adds a key that failed, after a wait that grows with each failure until <see cref="Forget"/>.</summary>
    /// <returns>The wait.</returns>
    public TimeSpan AddRateLimited(TKey key)
    {
        int count;
        lock (gate)
        {
            count = failures.GetValueOrDefault(key) + 1;
            failures[key] = count;
        }

        var delay = backoff.After(count, random());
        AddAfter(key, delay);
        return delay;
    }

    /// <summary>The key has succeeded, or does not matter any more: its failures no longer count.</summary>
    public void Forget(TKey key)
    {
        lock (gate)
        {
            failures.Remove(key);
        }
    }

    /// <summary>How often the key has failed in a row.</summary>
    public int Failures(TKey key)
    {
        lock (gate)
        {
            return failures.GetValueOrDefault(key);
        }
    }

    /// <summary>
    /// Takes a key; until <see cref="Done"/> is called for it no one else gets it. <c>HasKey</c> is false when the queue is shut down and
    /// empty.
    /// </summary>
    public async ValueTask<(bool HasKey, TKey Key)> TakeAsync(CancellationToken cancellationToken)
    {
        while (await ready.Reader.WaitToReadAsync(cancellationToken).ConfigureAwait(false))
        {
            lock (gate)
            {
                if (ready.Reader.TryRead(out var key))
                {
                    dirty.Remove(key);
                    processing.Add(key);
                    return (true, key);
                }
            }
        }

        return (false, default!);
    }

    /// <summary>Work on a taken key is over, well or not. If it was added meanwhile, it waits again.</summary>
    public void Done(TKey key)
    {
        lock (gate)
        {
            if (processing.Remove(key) && dirty.Contains(key))
            {
                ready.Writer.TryWrite(key);
            }

            CompleteIfDrained();
        }
    }

    /// <summary>
    /// Takes and handles keys with a number of workers, until cancelled or shut down and drained. A key whose handler throws is told to
    /// <paramref name="failed"/> and tried again after its wait; one whose handler returns is forgotten.
    /// </summary>
    /// <param name="workers">How many keys are worked on at once, at least 1.</param>
    /// <param name="handle">Handles one key.</param>
    /// <param name="failed">Is told the key, what was thrown and the wait.</param>
    /// <param name="cancellationToken">Stops it.</param>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public Task ProcessAsync(
        int workers,
        Func<TKey, CancellationToken, ValueTask> handle,
        Action<TKey, Exception, TimeSpan> failed,
        CancellationToken cancellationToken) =>
        Task.WhenAll(Enumerable.Range(0, workers).Select(_ => WorkAsync(handle, failed, cancellationToken)));

    /// <summary>Takes no more keys in and drops the delayed ones; those that wait can still be taken.</summary>
    public void ShutDown()
    {
        lock (gate)
        {
            shuttingDown = true;
            CompleteIfDrained();
        }

        delayed.Dispose();
    }

    /// <inheritdoc cref="ShutDown"/>
    public void Dispose() => ShutDown();

    private async Task WorkAsync(
        Func<TKey, CancellationToken, ValueTask> handle, Action<TKey, Exception, TimeSpan> failed, CancellationToken cancellationToken)
    {
        while (await TakeAsync(cancellationToken).ConfigureAwait(false) is (true, var key))
        {
            try
            {
                await handle(key, cancellationToken).ConfigureAwait(false);
                Forget(key);
            }
            catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
            {
                throw;
            }
#pragma warning disable CA1031 // One key that cannot be handled must not stop the others; the caller is told.
            catch (Exception e)
#pragma warning restore CA1031
            {
                failed(key, e, AddRateLimited(key));
            }
            finally
            {
                Done(key);
            }
        }
    }

    private void CompleteIfDrained()
    {
        if (shuttingDown && dirty.Count == 0 && processing.Count == 0)
        {
            ready.Writer.TryComplete();
        }
    }
}
