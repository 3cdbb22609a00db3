using LoadBalancer.Kubernetes.Resources;
using LoadBalancer.Status;

namespace LoadBalancer.Kubectl.Cluster;

/// <summary>What a pod of ours tells at <c>/status</c>, or why it does not.</summary>
/// <typeparam name="T">The document.</typeparam>
/// <param name="Pod">The pod's name.</param>
/// <param name="Document">What it tells; null if it could not be asked.</param>
/// <param name="Failure">Why not.</param>
internal sealed record Told<T>(string Pod, T? Document, string? Failure)
    where T : class;

/// <summary>Something that could not be read, and what would help.</summary>
/// <param name="What">For people: <c>the Services</c>.</param>
/// <param name="Why">What the server said.</param>
/// <param name="IsForbidden">Whether a right is missing.</param>
internal sealed record Unread(string What, string Why, bool IsForbidden);

/// <summary>A cluster at one moment, as far as the user may see it. What could not be read is null, and told in <see cref="Unread"/>.</summary>
internal sealed record ClusterView
{
    /// <summary>The namespace of our programs.</summary>
    public string SystemNamespace { get; init; } = "loadbalancer-system";

    /// <summary>All Services.</summary>
    public IReadOnlyList<ServiceResource>? Services { get; init; }

    /// <summary>All Nodes.</summary>
    public IReadOnlyList<NodeResource>? Nodes { get; init; }

    /// <summary>All namespaces; read only where pools may select by their labels.</summary>
    public IReadOnlyList<NamespaceResource>? Namespaces { get; init; }

    /// <summary>The speakers' Leases; read only where exclusions are needed.</summary>
    public IReadOnlyList<LeaseResource>? Leases { get; init; }

    /// <summary>The text of the ConfigMap's key; null if it was not read or is not there.</summary>
    public string? ConfigText { get; init; }

    /// <summary>The controllers; null if they could not be found.</summary>
    public IReadOnlyList<Told<ControllerStatus>>? Controllers { get; init; }

    /// <summary>The speakers; null if they could not be found.</summary>
    public IReadOnlyList<Told<SpeakerStatus>>? Speakers { get; init; }

    /// <summary>What could not be read.</summary>
    public IReadOnlyList<Unread> Unread { get; init; } = [];

    /// <summary>The controller to believe: the one that leads, else any that answered.</summary>
    public ControllerStatus? Controller => Controllers?.Select(static told => told.Document).OfType<ControllerStatus>().OrderByDescending(static status => status.Leading).FirstOrDefault();

    /// <summary>The speakers that answered.</summary>
    public IEnumerable<SpeakerStatus> Answering => (Speakers ?? []).Select(static told => told.Document).OfType<SpeakerStatus>();

    /// <summary>The labels of a namespace; none if it is not known.</summary>
    public IReadOnlyDictionary<string, string> LabelsOf(string @namespace) =>
        Namespaces?.FirstOrDefault(known => known.Key.Name == @namespace)?.Labels ?? System.Collections.ObjectModel.ReadOnlyDictionary<string, string>.Empty;
}
