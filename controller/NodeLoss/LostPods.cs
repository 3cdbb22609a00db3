using LoadBalancer.Core.NodeLoss;
using LoadBalancer.Kubernetes.ListWatch;
using LoadBalancer.Kubernetes.Resources;

namespace LoadBalancer.Controller.NodeLoss;

/// <summary>Turns what the API server has of a lost node's pods into the choice of those that are marked.</summary>
/// <param name="services">All Services.</param>
/// <param name="namespaces">All namespaces.</param>
internal sealed class LostPods(IStore<ServiceResource> services, IStore<NamespaceResource> namespaces)
{
    private const string DnsNamespace = "kube-system";
    private const string DnsLabel = "k8s-app";
    private const string DnsName = "kube-dns";

    /// <summary>Chooses.</summary>
    /// <param name="pods">The pods of the node.</param>
    /// <param name="slices">The EndpointSlices of the pods' namespaces.</param>
    /// <param name="isLost">Whether a node is said to be lost.</param>
    public PodsToMark Choose(IReadOnlyList<PodResource> pods, IEnumerable<PodEndpointsResource> slices, Func<string, bool> isLost)
    {
        var here = pods.Select(static pod => pod.Uid).ToHashSet(StringComparer.Ordinal);
        var backends = slices
            .Where(static slice => slice.ServiceName.Length > 0)
            .GroupBy(static slice => new ObjectKey(slice.Key.Namespace, slice.ServiceName))
            .Select(group => BackendsOf(group.Key, [.. group.SelectMany(static slice => slice.Endpoints)], here, isLost))
            .Where(static service => service.PodsHere.Count > 0);
        return PodsToMark.Choose(pods.Select(ToLostPod), backends);
    }

    private LostPod ToLostPod(PodResource pod) => new(pod.Key.Namespace, pod.Key.Name, pod.Uid, pod.Ready,
        pod.KeepReady || namespaces.Get(new ObjectKey("", pod.Key.Namespace)) is { KeepReady: true });

    private ServiceBackends BackendsOf(ObjectKey service, List<PodEndpoint> endpoints, HashSet<string> here, Func<string, bool> isLost) => new(
        service.Namespace, service.Name, RankOf(service),
        endpoints.Where(e => here.Contains(e.PodUid)).Select(static e => e.PodUid).ToHashSet(StringComparer.Ordinal),
        endpoints.Exists(e => e.Ready && !here.Contains(e.PodUid) && !isLost(e.NodeName)));

    private int RankOf(ObjectKey key) =>
        services.Get(key) is not { } service ? PodsToMark.Other
        : service.Type == "LoadBalancer" ? PodsToMark.LoadBalancer
        : key.Namespace == DnsNamespace && service.Labels.GetValueOrDefault(DnsLabel) == DnsName ? PodsToMark.Dns
        : PodsToMark.Other;
}
