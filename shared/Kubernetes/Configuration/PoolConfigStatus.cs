using LoadBalancer.Core.Pools;

namespace LoadBalancer.Kubernetes.Configuration;

/// <summary>How the configuration in force relates to the ConfigMap.</summary>
public enum PoolConfigState
{
    /// <summary>No good configuration has been seen since the program started. No address may be given out or taken away.</summary>
    NotLoaded,

    /// <summary>The configuration in force is the ConfigMap's.</summary>
    Loaded,

    /// <summary>The ConfigMap is bad or gone; the last good configuration stays in force.</summary>
    Stale,
}

/// <summary>Why an Event about the ConfigMap is written; the names are the Event reasons.</summary>
public enum PoolConfigEvent
{
    /// <summary>Normal: a configuration took effect.</summary>
    ConfigLoaded,

    /// <summary>Warning: a configuration took effect, but something in it is probably not what was meant.</summary>
    ConfigWarning,

    /// <summary>Warning: the configuration was refused; the last good one, if any, stays in force.</summary>
    ConfigInvalid,

    /// <summary>Warning: the ConfigMap was deleted; the last good one, if any, stays in force.</summary>
    ConfigDeleted,
}

/// <summary>The state of the pool configuration at one moment.</summary>
/// <param name="State">How it relates to the ConfigMap.</param>
/// <param name="Config">The configuration in force; null while <see cref="PoolConfigState.NotLoaded"/>.</param>
/// <param name="Problems">What is wrong with the ConfigMap as it is now; warnings only while <see cref="PoolConfigState.Loaded"/>.</param>
/// <param name="Loads">How many times a text was accepted since the program started.</param>
/// <param name="Refusals">How many times a text was refused, or the ConfigMap deleted, since the program started.</param>
public sealed record PoolConfigStatus(
    PoolConfigState State, PoolConfig? Config, IReadOnlyList<ConfigProblem> Problems, long Loads, long Refusals)
{
    /// <summary>Before the first look at the ConfigMap.</summary>
    public static PoolConfigStatus Initial { get; } = new(PoolConfigState.NotLoaded, null, [], 0, 0);
}
