namespace LoadBalancer.Kubernetes.ListWatch;

/// <summary>Why a LIST or a WATCH of a reflector failed: a metric label.</summary>
public enum ReflectorFault
{
    /// <summary>The version is compacted away (410).</summary>
    Expired,

    /// <summary>A line or a list cannot be understood.</summary>
    Malformed,

    /// <summary>The server said nothing past the client's own deadline.</summary>
    Silent,

    /// <summary>The server asked to wait (429, or any status with Retry-After).</summary>
    Throttled,

    /// <summary>The server refused (another 4xx, or an ERROR event of such a code): credentials, RBAC, a missing API.</summary>
    Refused,

    /// <summary>The server failed (5xx).</summary>
    ServerError,

    /// <summary>The connection failed.</summary>
    Connection,

    /// <summary>A list was older than what is known, or empty where there were objects, and is not believed yet.</summary>
    Doubtful,
}

/// <summary>Is told what a reflector does, for metrics. Called on the reflector's task; must not throw.</summary>
public interface IReflectorObserver
{
    /// <summary>A LIST is complete.</summary>
    /// <param name="kind">The kind's plural name.</param>
    /// <param name="objects">How many objects it has.</param>
    void Listed(string kind, int objects);

    /// <summary>A WATCH is being opened.</summary>
    void Watching(string kind);

    /// <summary>An event has arrived.</summary>
    void Received(string kind, WatchEventType type);

    /// <summary>A LIST or WATCH failed.</summary>
    void Failed(string kind, ReflectorFault fault);
}
