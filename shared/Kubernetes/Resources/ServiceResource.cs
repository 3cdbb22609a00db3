using LoadBalancer.Core.Addressing;

namespace LoadBalancer.Kubernetes.Resources;

/// <summary>What is kept of a <c>v1 Service</c>.</summary>
public sealed record ServiceResource : IResource
{
    /// <inheritdoc/>
    public required ObjectKey Key { get; init; }

    /// <inheritdoc/>
    public string Uid { get; init; } = "";

    /// <inheritdoc/>
    public string ResourceVersion { get; init; } = "";

    /// <summary><c>metadata.creationTimestamp</c>, whole seconds.</summary>
    public DateTimeOffset Created { get; init; }

    /// <summary>Whether <c>metadata.deletionTimestamp</c> is set.</summary>
    public bool Deleting { get; init; }

    /// <summary><c>metadata.labels</c>; pools may select by them.</summary>
    public IReadOnlyDictionary<string, string> Labels { get; init; } = Empty;

    /// <summary>The annotations under <c>metallb.io/</c> and <c>metallb.universe.tf/</c>; the others are not kept.</summary>
    public IReadOnlyDictionary<string, string> Annotations { get; init; } = Empty;

    /// <summary>
    /// Who wrote <c>status.loadBalancer</c> last: its field manager in <c>metadata.managedFields</c>. Empty if nobody did, or if the
    /// server does not say.
    /// </summary>
    public string StatusManager { get; init; } = "";

    /// <summary><c>spec.type</c>.</summary>
    public string Type { get; init; } = "";

    /// <summary><c>spec.clusterIPs</c>, or <c>spec.clusterIP</c> of servers that know only that; <c>None</c> for a headless Service.</summary>
    public IReadOnlyList<string> ClusterIPs { get; init; } = [];

    /// <summary><c>spec.ipFamilies</c>; empty on servers older than dual stack.</summary>
    public IReadOnlyList<IpFamily> IpFamilies { get; init; } = [];

    /// <summary><c>spec.ipFamilyPolicy</c>: SingleStack, PreferDualStack, RequireDualStack or empty.</summary>
    public string IpFamilyPolicy { get; init; } = "";

    /// <summary><c>spec.loadBalancerIP</c>, or empty.</summary>
    public string LoadBalancerIP { get; init; } = "";

    /// <summary><c>spec.loadBalancerClass</c>, or null.</summary>
    public string? LoadBalancerClass { get; init; }

    /// <summary><c>spec.externalTrafficPolicy</c>: Cluster, Local or empty.</summary>
    public string ExternalTrafficPolicy { get; init; } = "";

    /// <summary><c>spec.selector</c>: the backend key of address sharing under the Local policy.</summary>
    public IReadOnlyDictionary<string, string> Selector { get; init; } = Empty;

    /// <summary><c>spec.ports</c>.</summary>
    public IReadOnlyList<ServicePort> Ports { get; init; } = [];

    /// <summary><c>status.loadBalancer.ingress</c>.</summary>
    public IReadOnlyList<IngressPoint> Ingress { get; init; } = [];

    private static IReadOnlyDictionary<string, string> Empty => System.Collections.ObjectModel.ReadOnlyDictionary<string, string>.Empty;
}

/// <summary>One port of a Service.</summary>
/// <param name="Protocol">TCP, UDP or SCTP.</param>
/// <param name="Port">1 to 65535.</param>
public readonly record struct ServicePort(string Protocol, int Port);

/// <summary>One entry of <c>status.loadBalancer.ingress</c>.</summary>
/// <param name="Ip">The address as text, or empty.</param>
/// <param name="Hostname">The host name, or empty; this project never writes one.</param>
/// <param name="IpMode">VIP, Proxy, or empty on servers before 1.29.</param>
public readonly record struct IngressPoint(string Ip, string Hostname = "", string IpMode = "");
