using LoadBalancer.Kubernetes.Resources;

namespace LoadBalancer.Kubernetes.ListWatch;

/// <summary>Edge to the API server: lists one kind of object and watches it from there (Kubernetes API concepts, "efficient detection of changes").</summary>
/// <typeparam name="T">The kind.</typeparam>
public interface IResourceSource<T>
    where T : class, IResource
{
    /// <summary>Lists without a resourceVersion: the state at least as new as anything seen before.</summary>
    Task<ResourceList<T>> ListAsync(CancellationToken cancellationToken);

    /// <summary>
    /// Watches from <paramref name="resourceVersion"/>, bookmarks asked for. Ends when the server closes the stream; throws on an
    /// HTTP error, a line that cannot be understood, or silence past the client's own deadline. Cancelling closes the connection.
    /// </summary>
    /// <param name="resourceVersion">The version to continue from.</param>
    /// <param name="timeout">What the server is asked to close the stream after; the client's own deadline is this plus 30 s.</param>
    /// <param name="cancellationToken">Closes the stream.</param>
    IAsyncEnumerable<WatchEvent<T>> WatchAsync(string resourceVersion, TimeSpan timeout, CancellationToken cancellationToken);
}

/// <summary>The outcome of a LIST.</summary>
/// <typeparam name="T">The kind.</typeparam>
/// <param name="Items">All objects that are kept.</param>
/// <param name="ResourceVersion">The version to watch from.</param>
public sealed record ResourceList<T>(IReadOnlyList<T> Items, string ResourceVersion)
{
    /// <summary>How many objects there are, those included of which nothing is kept.</summary>
    public int Total { get; init; } = Items.Count;
}

/// <summary>What happened to an object.</summary>
public enum WatchEventType
{
    /// <summary>It appeared.</summary>
    Added,

    /// <summary>It changed.</summary>
    Modified,

    /// <summary>It is gone; the object is its last state.</summary>
    Deleted,

    /// <summary>Nothing; only the version moved. The object is null.</summary>
    Bookmark,
}

/// <summary>One line of a watch.</summary>
/// <typeparam name="T">The kind.</typeparam>
/// <param name="Type">What happened.</param>
/// <param name="Object">The object; null for a bookmark.</param>
/// <param name="ResourceVersion">The version to resume from after this line.</param>
public readonly record struct WatchEvent<T>(WatchEventType Type, T? Object, string ResourceVersion)
    where T : class, IResource;
