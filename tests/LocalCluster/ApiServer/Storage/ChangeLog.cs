namespace LoadBalancer.LocalCluster.ApiServer.Storage;

/// <summary>What a change did to an object.</summary>
public enum ChangeType
{
    Added,
    Modified,
    Deleted,
}

/// <summary>One change. <paramref name="Object"/> is the new state; of a deletion, the last one under the deletion's version.</summary>
public sealed record Change(ChangeType Type, StoredObject Object, StoredObject? Previous)
{
    public long Version => Object.Version;
}

/// <summary>The last changes of a collection, oldest first, bounded: what watches read. Guarded by the store's lock.</summary>
public sealed class ChangeLog(int capacity)
{
    private readonly List<Change> _changes = [];

    /// <summary>Everything after this version is here; a watch from an older one has missed something.</summary>
    public long Floor { get; private set; }

    public void Append(Change change)
    {
        _changes.Add(change);
        // Trimmed by half its size at a time, so that an append costs the same however long the history is.
        if (_changes.Count > capacity + Math.Max(1, capacity / 2))
        {
            var surplus = _changes.Count - capacity;
            Floor = _changes[surplus - 1].Version;
            _changes.RemoveRange(0, surplus);
        }
    }

    /// <summary>Forgets everything up to that version.</summary>
    public void Compact(long version)
    {
        _changes.Clear();
        Floor = version;
    }

    /// <summary>The changes after that version, or null if some of them are forgotten.</summary>
    public IReadOnlyList<Change>? After(long version)
    {
        if (version < Floor)
            return null;
        int low = 0, high = _changes.Count;
        while (low < high)
        {
            var middle = (low + high) / 2;
            if (_changes[middle].Version <= version)
                low = middle + 1;
            else
                high = middle;
        }

        return low == _changes.Count ? [] : _changes.GetRange(low, _changes.Count - low);
    }
}
