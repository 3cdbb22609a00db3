using LoadBalancer.Kubernetes.Resources;

namespace LoadBalancer.Kubernetes.ListWatch;

/// <summary>The last known state of all objects of one kind. One reflector writes, anyone reads, from any thread.</summary>
/// <typeparam name="T">The kind.</typeparam>
public interface IStore<T>
    where T : class, IResource
{
    /// <summary>Whether a first LIST is complete. Stays true through later outages: stale knowledge is still knowledge.</summary>
    bool HasSynced { get; }

    /// <summary>Completes when <see cref="HasSynced"/> first becomes true.</summary>
    Task Synced { get; }

    /// <summary>The number of objects.</summary>
    int Count { get; }

    /// <summary>The object, or null.</summary>
    T? Get(ObjectKey key);

    /// <summary>All objects at this moment, in no particular order; safe to enumerate while the store changes.</summary>
    IEnumerable<T> All();

    /// <summary>
    /// Raised with the key after an object was added, changed or removed, on the reflector's task: handlers only put the key into a
    /// queue or set a flag. Also raised once per deletion a fresh LIST reveals. Not raised for objects whose resourceVersion is unchanged.
    /// </summary>
    event Action<ObjectKey>? Changed;
}
