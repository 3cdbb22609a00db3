using System.Text.Json;
using LoadBalancer.Kubernetes.Client;
using LoadBalancer.Kubernetes.ListWatch.Json;
using LoadBalancer.Kubernetes.Resources;

namespace LoadBalancer.Kubernetes.ListWatch;

/// <summary>How one kind of object is found at the API server and read.</summary>
/// <typeparam name="T">What is kept of it.</typeparam>
public sealed class ResourceKind<T>
    where T : class, IResource
{
    internal delegate T Reader(ref Utf8JsonReader reader, StringPool strings);

    internal ResourceKind(ApiResource resource, IReadOnlyList<string> versions, Reader read)
    {
        Resource = resource;
        Versions = versions;
        Read = read;
    }

    /// <summary>Its place in the API.</summary>
    public ApiResource Resource { get; }

    /// <summary>The versions that can be read, best first. Where there are several, discovery decides.</summary>
    public IReadOnlyList<string> Versions { get; }

    /// <summary>The name used in logs and as a metric label.</summary>
    public string Name => Resource.Plural;

    internal Reader Read { get; }
}

/// <summary>The kinds this project reads.</summary>
public static class ResourceKinds
{
    private static readonly string[] V1 = ["v1"];

    /// <summary><c>v1 Service</c>.</summary>
    public static readonly ResourceKind<ServiceResource> Services = new(ApiResource.Services, V1, ServiceJson.Read);

    /// <summary><c>v1 Service</c>, of those that have an address what a speaker needs.</summary>
    public static readonly ResourceKind<AnnouncedService> AnnouncedServices = new(ApiResource.Services, V1, AnnouncedServiceJson.Read);

    /// <summary>EndpointSlice: <c>discovery.k8s.io/v1</c> from Kubernetes 1.21 on, <c>v1beta1</c> before.</summary>
    public static readonly ResourceKind<EndpointSliceResource> EndpointSlices =
        new(ApiResource.EndpointSlices, ["v1", "v1beta1"], EndpointSliceJson.Read);

    /// <summary>EndpointSlice with the pods behind it; listed at the time of need, never watched.</summary>
    public static readonly ResourceKind<PodEndpointsResource> PodEndpoints =
        new(ApiResource.EndpointSlices, ["v1", "v1beta1"], PodEndpointsJson.Read);

    /// <summary><c>v1 Pod</c>; listed at the time of need, never watched.</summary>
    public static readonly ResourceKind<PodResource> Pods = new(ApiResource.Pods, V1, PodJson.Read);

    /// <summary><c>v1 Node</c>.</summary>
    public static readonly ResourceKind<NodeResource> Nodes = new(ApiResource.Nodes, V1, NodeJson.Read);

    /// <summary><c>v1 Namespace</c>.</summary>
    public static readonly ResourceKind<NamespaceResource> Namespaces = new(ApiResource.Namespaces, V1, PlainJson.ReadNamespace);

    /// <summary><c>v1 ConfigMap</c>.</summary>
    public static readonly ResourceKind<ConfigMapResource> ConfigMaps = new(ApiResource.ConfigMaps, V1, PlainJson.ReadConfigMap);

    /// <summary><c>v1 Secret</c>.</summary>
    public static readonly ResourceKind<SecretResource> Secrets = new(ApiResource.Secrets, V1, PlainJson.ReadSecret);

    /// <summary><c>coordination.k8s.io/v1 Lease</c>.</summary>
    public static readonly ResourceKind<LeaseResource> Leases = new(ApiResource.Leases, V1, LeaseJson.Read);
}

/// <summary>Which objects of a kind are meant.</summary>
public sealed record ResourceSelection
{
    /// <summary>All objects, in every namespace.</summary>
    public static readonly ResourceSelection All = new();

    /// <summary>The namespace, or empty for all.</summary>
    public string Namespace { get; init; } = "";

    /// <summary>A field selector, for example <c>metadata.name=config</c>, or empty.</summary>
    public string FieldSelector { get; init; } = "";

    /// <summary>A label selector, for example <c>kubernetes.io/service-name</c> (the label exists), or empty.</summary>
    public string LabelSelector { get; init; } = "";

    /// <summary>One object by name. RBAC rules with <c>resourceNames</c> allow listing and watching it this way.</summary>
    public static ResourceSelection One(ObjectKey key) => new() { Namespace = key.Namespace, FieldSelector = $"metadata.name={key.Name}" };
}
