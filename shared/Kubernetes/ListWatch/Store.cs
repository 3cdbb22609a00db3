using System.Collections.Concurrent;
using LoadBalancer.Kubernetes.Resources;

namespace LoadBalancer.Kubernetes.ListWatch;

/// <summary>
/// The store of one kind. Written by one <see cref="Reflector{T}"/>; a <see cref="Replace"/> swaps the whole content at once, so that a
/// reader sees the old or the new list and never a mixture.
/// </summary>
/// <typeparam name="T">The kind.</typeparam>
public sealed class Store<T> : IStore<T>
    where T : class, IResource
{
    private readonly TaskCompletionSource synced = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private volatile ConcurrentDictionary<ObjectKey, T> objects = Create(31);

    /// <inheritdoc/>
    public event Action<ObjectKey>? Changed;

    /// <inheritdoc/>
    public bool HasSynced => synced.Task.IsCompleted;

    /// <inheritdoc/>
    public Task Synced => synced.Task;

    /// <inheritdoc/>
    public int Count => objects.Count;

    /// <inheritdoc/>
    public T? Get(ObjectKey key) => objects.GetValueOrDefault(key);

    /// <inheritdoc/>
    public IEnumerable<T> All() => objects.Values;

    /// <summary>
    /// Makes the list the content. Raises <see cref="Changed"/> for what is new, what has another resourceVersion and may say something else, and what is no
    /// longer there; at the first call the store is synced after that.
    /// </summary>
    public void Replace(IReadOnlyCollection<T> items)
    {
        var before = objects;
        var after = Create(items.Count);
        foreach (var item in items)
        {
            if (item.IsKept)
            {
                after[item.Key] = item;
            }
        }

        objects = after;
        foreach (var (key, item) in after)
        {
            if (!SaysTheSame(before, item))
            {
                Changed?.Invoke(key);
            }
        }

        foreach (var (key, _) in before)
        {
            if (!after.ContainsKey(key))
            {
                Changed?.Invoke(key);
            }
        }

        synced.TrySetResult();
    }

    /// <summary>Applies one event of a watch.</summary>
    public void Apply(WatchEvent<T> watchEvent)
    {
        if (watchEvent.Object is not { } item)
        {
            return;
        }

        var current = objects;
        if (watchEvent.Type == WatchEventType.Deleted || !item.IsKept)
        {
            if (current.TryRemove(item.Key, out _))
            {
                Changed?.Invoke(item.Key);
            }
        }
        else
        {
            var isNews = !SaysTheSame(current, item);
            current[item.Key] = item;
            if (isNews)
            {
                Changed?.Invoke(item.Key);
            }
        }
    }

    private static bool SaysTheSame(ConcurrentDictionary<ObjectKey, T> objects, T item) =>
        objects.TryGetValue(item.Key, out var known) && (item.IsSameVersionAs(known) || item.SaysTheSameAs(known));

    // One writer: one lock is enough, and 10,000 objects need not be spread over one per core.
    private static ConcurrentDictionary<ObjectKey, T> Create(int capacity) => new(concurrencyLevel: 1, Math.Max(capacity, 31));
}
