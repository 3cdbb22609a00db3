using System.Collections.Immutable;
using System.Text.Json.Nodes;
using LoadBalancer.LocalCluster.ApiServer.Json;

namespace LoadBalancer.LocalCluster.ApiServer.Storage;

/// <summary>All objects, in memory, under one version that grows with every change (Kubernetes API concepts, "resource versions").</summary>
public sealed class ObjectStore(int watchHistory)
{
    private readonly Lock _lock = new();
    private readonly Dictionary<string, Collection> _collections = new(StringComparer.Ordinal);
    private long _version = 1;

    /// <summary>The version of the last change.</summary>
    public long Version => Interlocked.Read(ref _version);

    /// <summary>Raised after each change, outside the lock, in no particular order between threads.</summary>
    public event Action<string, Change>? Changed;

    /// <summary>The objects of a collection as they are now, with the version that is true of.</summary>
    public Snapshot Read(string collection)
    {
        lock (_lock)
            return new Snapshot(Of(collection).Objects, _version);
    }

    public StoredObject? Get(string collection, string ns, string name) =>
        Read(collection).Objects.GetValueOrDefault(StoredObject.KeyOf(ns, name));

    /// <summary>Stores a new object; null if the name is taken. The JSON is given its resourceVersion and must not be changed afterwards.</summary>
    public StoredObject? Create(string collection, JsonObject json)
    {
        Change change;
        lock (_lock)
        {
            var target = Of(collection);
            var stored = Stamp(json);
            if (target.Objects.ContainsKey(stored.Key))
                return null;
            change = Commit(target, ChangeType.Added, stored, null);
        }

        Changed?.Invoke(collection, change);
        return change.Object;
    }

    /// <summary>Replaces an object; null if <paramref name="expected"/> is not its current state.</summary>
    public StoredObject? Update(string collection, StoredObject expected, JsonObject json)
    {
        Change change;
        lock (_lock)
        {
            var target = Of(collection);
            if (target.Objects.GetValueOrDefault(expected.Key) != expected)
                return null;
            change = Commit(target, ChangeType.Modified, Stamp(json), expected);
        }

        Changed?.Invoke(collection, change);
        return change.Object;
    }

    /// <summary>
    /// Removes an object and returns its last state, which is <paramref name="last"/> if given; null if
    /// <paramref name="expected"/> is not its current state.
    /// </summary>
    public StoredObject? Delete(string collection, StoredObject expected, JsonObject? last = null)
    {
        Change change;
        lock (_lock)
        {
            var target = Of(collection);
            if (target.Objects.GetValueOrDefault(expected.Key) != expected)
                return null;
            change = Commit(target, ChangeType.Deleted, Stamp(last ?? expected.Json.DeepClone().AsObject()), expected);
        }

        Changed?.Invoke(collection, change);
        return change.Object;
    }

    /// <summary>The changes after a version, or null if they are forgotten; and what completes at the next change.</summary>
    public (IReadOnlyList<Change>? Changes, long Version, Task Next) ChangesAfter(string collection, long version)
    {
        lock (_lock)
        {
            var source = Of(collection);
            return (source.Log.After(version), _version, source.Next.Task);
        }
    }

    /// <summary>Forgets all history: only watches from the current version on are possible.</summary>
    public void Compact()
    {
        lock (_lock)
        {
            foreach (var collection in _collections.Values)
                collection.Log.Compact(_version);
        }
    }

    private Change Commit(Collection target, ChangeType type, StoredObject stored, StoredObject? previous)
    {
        Interlocked.Exchange(ref _version, stored.Version);
        target.Objects = type == ChangeType.Deleted ? target.Objects.Remove(stored.Key) : target.Objects.SetItem(stored.Key, stored);
        var change = new Change(type, stored, previous);
        target.Log.Append(change);
        var woken = target.Next;
        target.Next = Collection.NewSignal();
        woken.SetResult();
        return change;
    }

    private StoredObject Stamp(JsonObject json)
    {
        var version = _version + 1;
        json.Need("metadata")["resourceVersion"] = version.ToString(System.Globalization.CultureInfo.InvariantCulture);
        return new StoredObject(json, version);
    }

    private Collection Of(string name)
    {
        if (!_collections.TryGetValue(name, out var collection))
            _collections[name] = collection = new Collection(watchHistory);
        return collection;
    }

    private sealed class Collection(int history)
    {
        public ImmutableSortedDictionary<string, StoredObject> Objects { get; set; } =
            ImmutableSortedDictionary.Create<string, StoredObject>(StringComparer.Ordinal);

        public ChangeLog Log { get; } = new(history);

        public TaskCompletionSource Next { get; set; } = NewSignal();

        public static TaskCompletionSource NewSignal() => new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}

/// <summary>A collection at one version.</summary>
public sealed record Snapshot(ImmutableSortedDictionary<string, StoredObject> Objects, long Version);
