using System.Collections.ObjectModel;
using LoadBalancer.Core.Addressing;

namespace LoadBalancer.Kubernetes.Resources;

/// <summary>What is kept of a <c>v1 Node</c>.</summary>
public sealed record NodeResource : IResource
{
    /// <inheritdoc/>
    public required ObjectKey Key { get; init; }

    /// <inheritdoc/>
    public string Uid { get; init; } = "";

    /// <inheritdoc/>
    public string ResourceVersion { get; init; } = "";

    /// <summary><c>metadata.labels</c>; carries <c>node.kubernetes.io/exclude-from-external-load-balancers</c>.</summary>
    public IReadOnlyDictionary<string, string> Labels { get; init; } = ReadOnlyDictionary<string, string>.Empty;

    /// <summary>Whether the condition Ready is anything but False: only the node's own kubelet says False, while Unknown means that the control plane does not hear it.</summary>
    public bool Ready { get; init; } = true;

    /// <summary>Whether the condition Ready is True: neither the kubelet says otherwise nor has the control plane lost it.</summary>
    public bool IsReady { get; init; }

    /// <summary>The addresses of type InternalIP; what is no address is left out.</summary>
    public IReadOnlyList<IpAddress> InternalAddresses { get; init; } = [];

    /// <summary>The kubelet's port: <c>status.daemonEndpoints.kubeletEndpoint.Port</c>, or 0.</summary>
    public int KubeletPort { get; init; }

    /// <summary>Whether its pods are to be left alone when it is lost: <see cref="Resources.KeepReady"/>.</summary>
    public bool KeepReady { get; init; }

    /// <summary>Whether the condition NetworkUnavailable is True.</summary>
    public bool NetworkUnavailable { get; init; }

    /// <summary>The addresses of type InternalIP and ExternalIP.</summary>
    public IReadOnlyList<string> Addresses { get; init; } = [];

    /// <summary><c>spec.podCIDRs</c>, or <c>spec.podCIDR</c>; empty where the network plugin does not use them.</summary>
    public IReadOnlyList<string> PodRanges { get; init; } = [];

    /// <inheritdoc/>
    public bool SaysTheSameAs(IResource other) => other is NodeResource node
        && this with
        {
            ResourceVersion = node.ResourceVersion,
            Labels = node.Labels,
            InternalAddresses = node.InternalAddresses,
            Addresses = node.Addresses,
            PodRanges = node.PodRanges,
        } == node
        && Labels.Count == node.Labels.Count && Labels.All(label => node.Labels.TryGetValue(label.Key, out var value) && value == label.Value)
        && InternalAddresses.SequenceEqual(node.InternalAddresses) && Addresses.SequenceEqual(node.Addresses) && PodRanges.SequenceEqual(node.PodRanges);
}

/// <summary>What is kept of a <c>v1 Namespace</c>.</summary>
public sealed record NamespaceResource : IResource
{
    /// <inheritdoc/>
    public required ObjectKey Key { get; init; }

    /// <inheritdoc/>
    public string Uid { get; init; } = "";

    /// <inheritdoc/>
    public string ResourceVersion { get; init; } = "";

    /// <summary><c>metadata.labels</c>.</summary>
    public IReadOnlyDictionary<string, string> Labels { get; init; } = ReadOnlyDictionary<string, string>.Empty;

    /// <summary>Whether its pods are to be left alone when a node is lost: <see cref="Resources.KeepReady"/>.</summary>
    public bool KeepReady { get; init; }
}

/// <summary>What is kept of a <c>v1 ConfigMap</c>.</summary>
public sealed record ConfigMapResource : IResource
{
    /// <inheritdoc/>
    public required ObjectKey Key { get; init; }

    /// <inheritdoc/>
    public string Uid { get; init; } = "";

    /// <inheritdoc/>
    public string ResourceVersion { get; init; } = "";

    /// <summary><c>data</c>.</summary>
    public IReadOnlyDictionary<string, string> Data { get; init; } = ReadOnlyDictionary<string, string>.Empty;
}

/// <summary>What is kept of a <c>v1 Secret</c>. Its text form never shows the data.</summary>
public sealed record SecretResource : IResource
{
    /// <inheritdoc/>
    public required ObjectKey Key { get; init; }

    /// <inheritdoc/>
    public string Uid { get; init; } = "";

    /// <inheritdoc/>
    public string ResourceVersion { get; init; } = "";

    /// <summary><c>data</c>, decoded from base64.</summary>
    public IReadOnlyDictionary<string, byte[]> Data { get; init; } = ReadOnlyDictionary<string, byte[]>.Empty;

    /// <inheritdoc/>
    public override string ToString() => $"Secret {Key}";
}

/// <summary>What is kept of an EndpointSlice, <c>discovery.k8s.io/v1</c> or <c>v1beta1</c>: for whom it is, and on which nodes something serves.</summary>
public sealed record EndpointSliceResource : PackedResource
{
    /// <summary>The Service of the same namespace the slice belongs to: the label <c>kubernetes.io/service-name</c>, or empty.</summary>
    public string ServiceName { get; init; } = "";

    /// <summary>Whether any endpoint serves: <c>ready</c> is true or absent, else <c>serving</c> is true.</summary>
    public bool Serves { get; init; }

    /// <summary>The nodes of the endpoints that serve, each once: <c>nodeName</c> (v1beta1: the topology label <c>kubernetes.io/hostname</c>). Slices with the same nodes share the list.</summary>
    public IReadOnlyList<string> ServingNodes { get; init; } = [];

    /// <inheritdoc/>
    public override bool IsKept => ServiceName.Length > 0;
}

/// <summary>What is kept of a <c>coordination.k8s.io/v1 Lease</c>.</summary>
public sealed record LeaseResource : IResource
{
    /// <inheritdoc/>
    public required ObjectKey Key { get; init; }

    /// <inheritdoc/>
    public string Uid { get; init; } = "";

    /// <inheritdoc/>
    public string ResourceVersion { get; init; } = "";

    /// <summary><c>metadata.labels</c>.</summary>
    public IReadOnlyDictionary<string, string> Labels { get; init; } = ReadOnlyDictionary<string, string>.Empty;

    /// <summary><c>metadata.annotations</c>; a speaker's Lease carries its links' prefixes.</summary>
    public IReadOnlyDictionary<string, string> Annotations { get; init; } = ReadOnlyDictionary<string, string>.Empty;

    /// <summary><c>spec.holderIdentity</c>, or empty when released.</summary>
    public string HolderIdentity { get; init; } = "";

    /// <summary><c>spec.leaseDurationSeconds</c>.</summary>
    public int LeaseDurationSeconds { get; init; }

    /// <summary><c>spec.renewTime</c> by the holder's clock: compared only with itself, never with ours.</summary>
    public DateTimeOffset? RenewTime { get; init; }

    /// <summary><c>spec.acquireTime</c> by the holder's clock.</summary>
    public DateTimeOffset? AcquireTime { get; init; }

    /// <summary><c>spec.leaseTransitions</c>.</summary>
    public int LeaseTransitions { get; init; }

    /// <summary>The first of <c>metadata.ownerReferences</c>: with the Node as owner, a removed node's Lease is collected with it.</summary>
    public ObjectOwner? Owner { get; init; }
}

/// <summary>Whose end is the end of an object too (meta/v1 OwnerReference).</summary>
/// <param name="ApiVersion">For example <c>v1</c>.</param>
/// <param name="Kind">For example <c>Node</c>.</param>
/// <param name="Name">Its name.</param>
/// <param name="Uid">Its uid.</param>
public sealed record ObjectOwner(string ApiVersion, string Kind, string Name, string Uid);
