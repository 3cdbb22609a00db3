namespace LoadBalancer.Kubernetes.Resources;

/// <summary>
/// The annotation by which a pod, a namespace or a Node is kept out of the marking of lost nodes' pods: what acts on the condition Ready,
/// such as the failover of a database's operator, is then driven by Kubernetes alone.
/// </summary>
public static class KeepReady
{
    /// <summary><c>loadbalancer/keep-ready: "true"</c>.</summary>
    public const string Annotation = "loadbalancer/keep-ready";

    /// <summary>Whether the annotations say so.</summary>
    public static bool IsSet(IReadOnlyDictionary<string, string> annotations) => annotations.TryGetValue(Annotation, out var value) && value == "true";
}

/// <summary>What is kept of a <c>v1 Pod</c>.</summary>
public sealed record PodResource : IResource
{
    /// <inheritdoc/>
    public required ObjectKey Key { get; init; }

    /// <inheritdoc/>
    public string Uid { get; init; } = "";

    /// <inheritdoc/>
    public string ResourceVersion { get; init; } = "";

    /// <summary>Whether <see cref="Resources.KeepReady"/> is set on it.</summary>
    public bool KeepReady { get; init; }

    /// <summary>Whether the condition Ready is True.</summary>
    public bool Ready { get; init; }
}

/// <summary>What is kept of an EndpointSlice when it matters which pods stand behind a Service.</summary>
public sealed record PodEndpointsResource : IResource
{
    /// <inheritdoc/>
    public required ObjectKey Key { get; init; }

    /// <inheritdoc/>
    public string Uid { get; init; } = "";

    /// <inheritdoc/>
    public string ResourceVersion { get; init; } = "";

    /// <summary>The Service of the same namespace: the label <c>kubernetes.io/service-name</c>, or empty.</summary>
    public string ServiceName { get; init; } = "";

    /// <summary>Whether it is the EndpointSlice controller's, which puts it right again by what the pods report: the label <c>endpointslice.kubernetes.io/managed-by</c>.</summary>
    public bool FollowsPods { get; init; }

    /// <summary>All endpoints, in their order.</summary>
    public IReadOnlyList<PodEndpoint> Endpoints { get; init; } = [];
}

/// <summary>One endpoint with the pod behind it.</summary>
/// <param name="NodeName"><c>nodeName</c>, or empty.</param>
/// <param name="PodUid"><c>targetRef.uid</c> of a Pod, or empty.</param>
/// <param name="Ready"><c>conditions.ready</c>; absent means true.</param>
public readonly record struct PodEndpoint(string NodeName, string PodUid, bool Ready);
