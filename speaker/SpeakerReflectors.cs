using LoadBalancer.Hosting;
using LoadBalancer.Kubernetes.Client;
using LoadBalancer.Kubernetes.Leases;
using LoadBalancer.Kubernetes.ListWatch;
using LoadBalancer.Kubernetes.Resources;
using Microsoft.Extensions.Logging;

namespace LoadBalancer.Speaker;

/// <summary>What the speaker knows from the API server, and the reflectors that keep it current.</summary>
internal sealed class SpeakerReflectors
{
    private readonly ReflectorSet all;

    /// <summary>Reflectors that do not run yet.</summary>
    /// <param name="api">What they list and watch.</param>
    /// <param name="configMap">The ConfigMap with the pools. Its namespace is that of the speakers' Leases.</param>
    /// <param name="secret">The Secret with the heartbeat keys; null if those come from a file.</param>
    /// <param name="time">The clock.</param>
    /// <param name="loggers">Makes their loggers.</param>
    public SpeakerReflectors(ApiClient api, ObjectKey configMap, ObjectKey? secret, TimeProvider time, ILoggerFactory loggers)
    {
        all = new ReflectorSet(api, time, loggers, WatchMetrics.Instance);
        all.Reflect(ResourceKinds.AnnouncedServices, ResourceSelection.All, Services);
        all.Reflect(ResourceKinds.EndpointSlices, ResourceSelection.All, Slices);
        all.Reflect(ResourceKinds.Nodes, ResourceSelection.All, Nodes);
        all.Reflect(ResourceKinds.Leases, new ResourceSelection { Namespace = configMap.Namespace, LabelSelector = NodeLease.LabelSelector }, Leases);
        all.Reflect(ResourceKinds.ConfigMaps, ResourceSelection.One(configMap), ConfigMaps);
        if (secret is { } one)
        {
            all.Reflect(ResourceKinds.Secrets, ResourceSelection.One(one), Secrets);
        }

        Stores = new SpeakerStores(Services, Slices, Nodes, Leases);
    }

    /// <summary>All Nodes.</summary>
    public Store<NodeResource> Nodes { get; } = new();

    /// <summary>The speakers' Leases.</summary>
    public Store<LeaseResource> Leases { get; } = new();

    /// <summary>The ConfigMap with the pools.</summary>
    public Store<ConfigMapResource> ConfigMaps { get; } = new();

    /// <summary>The Secret with the heartbeat keys.</summary>
    public Store<SecretResource> Secrets { get; } = new();

    /// <summary>What ownership is decided from.</summary>
    public SpeakerStores Stores { get; }

    /// <summary>Whether all is what the API server has now.</summary>
    public bool AreCurrent => all.AreCurrent;

    private Store<AnnouncedService> Services { get; } = new();

    private Store<EndpointSliceResource> Slices { get; } = new();

    /// <summary>Runs them until the token is cancelled.</summary>
    public IEnumerable<Task> Run(CancellationToken cancellationToken) => all.Run(cancellationToken);
}
