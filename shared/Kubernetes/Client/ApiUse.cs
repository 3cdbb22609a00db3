namespace LoadBalancer.Kubernetes.Client;

/// <summary>Where a grant holds, and so which kind of role it belongs in.</summary>
public enum ApiScope
{
    /// <summary>In every namespace, or for a cluster-scoped kind: a ClusterRole.</summary>
    Cluster,

    /// <summary>In the program's own namespace only: a Role.</summary>
    OwnNamespace,

    /// <summary>In the namespace <c>kube-node-lease</c>: a Role there.</summary>
    NodeLeaseNamespace,
}

/// <summary>One right a program uses.</summary>
/// <param name="Resource">The resource.</param>
/// <param name="Scope">Where.</param>
/// <param name="Verbs">What is done there.</param>
/// <param name="ResourceName">
/// The only object it is done to, by its default name (RBAC <c>resourceNames</c>, which also covers a list or watch with the field
/// selector <c>metadata.name</c>), or null for all.
/// </param>
public sealed record ApiGrant(ApiResource Resource, ApiScope Scope, IReadOnlyList<ApiVerb> Verbs, string? ResourceName = null);

/// <summary>
/// Everything a program does with the API server. <see cref="ApiClient"/> refuses a request that is not declared here before it is
/// sent, and the manifests' RBAC rules are tested against it: a forgotten rule fails a test instead of a cluster.
/// </summary>
/// <param name="Program">The program's name.</param>
/// <param name="Grants">What it uses.</param>
public sealed record ApiUse(string Program, IReadOnlyList<ApiGrant> Grants)
{
    /// <summary>The ConfigMap's default name.</summary>
    public const string ConfigMapName = "config";

    /// <summary>The name of the Secret with the heartbeat key.</summary>
    public const string HeartbeatSecretName = "heartbeat-key";

    /// <summary>The name of the Lease the controllers elect their leader by.</summary>
    public const string ControllerLeaseName = "loadbalancer-controller";

    /// <summary>The name of the Lease in which the controllers record what became of lost nodes.</summary>
    public const string NodeLossLeaseName = "loadbalancer-node-loss";

    /// <summary>What the controller uses.</summary>
    public static readonly ApiUse Controller = new("controller",
    [
        new(ApiResource.Services, ApiScope.Cluster, [ApiVerb.List, ApiVerb.Watch]),
        new(ApiResource.ServiceStatus, ApiScope.Cluster, [ApiVerb.Patch]),
        new(ApiResource.Namespaces, ApiScope.Cluster, [ApiVerb.List, ApiVerb.Watch]),
        new(ApiResource.Nodes, ApiScope.Cluster, [ApiVerb.List, ApiVerb.Watch]),
        new(ApiResource.Events, ApiScope.Cluster, [ApiVerb.Create, ApiVerb.Patch]),
        new(ApiResource.ConfigMaps, ApiScope.OwnNamespace, [ApiVerb.List, ApiVerb.Watch], ConfigMapName),
        new(ApiResource.Secrets, ApiScope.OwnNamespace, [ApiVerb.Create]),
        new(ApiResource.Leases, ApiScope.OwnNamespace, [ApiVerb.List, ApiVerb.Watch, ApiVerb.Create]),
        new(ApiResource.Leases, ApiScope.OwnNamespace, [ApiVerb.Get, ApiVerb.Update], ControllerLeaseName),
    ]);

    /// <summary>What the controller uses besides with <c>--mark-lost-nodes</c>; its component of the manifests grants it.</summary>
    public static readonly IReadOnlyList<ApiGrant> MarkingLostNodes =
    [
        new(ApiResource.Pods, ApiScope.Cluster, [ApiVerb.List]),
        new(ApiResource.PodStatus, ApiScope.Cluster, [ApiVerb.Patch]),
        new(ApiResource.EndpointSlices, ApiScope.Cluster, [ApiVerb.List, ApiVerb.Patch]),
        new(ApiResource.Leases, ApiScope.NodeLeaseNamespace, [ApiVerb.List, ApiVerb.Watch]),
        new(ApiResource.Leases, ApiScope.OwnNamespace, [ApiVerb.Get, ApiVerb.List, ApiVerb.Watch, ApiVerb.Update], NodeLossLeaseName),
    ];

    /// <summary>What either program uses besides with <c>--secure-metrics</c>; its component of the manifests grants it.</summary>
    public static readonly IReadOnlyList<ApiGrant> SecuringMetrics =
    [
        new(ApiResource.TokenReviews, ApiScope.Cluster, [ApiVerb.Create]),
        new(ApiResource.SubjectAccessReviews, ApiScope.Cluster, [ApiVerb.Create]),
    ];

    /// <summary>This, and what an option needs besides.</summary>
    /// <param name="isOn">Whether the option is on.</param>
    /// <param name="grants">What it needs.</param>
    public ApiUse With(bool isOn, IReadOnlyList<ApiGrant> grants) => isOn ? this with { Grants = [.. Grants, .. grants] } : this;

    /// <summary>What the controller uses with or without <c>--mark-lost-nodes</c>.</summary>
    public static ApiUse ControllerWith(bool markLostNodes) =>
        markLostNodes ? Controller with { Grants = [.. Controller.Grants, .. MarkingLostNodes] } : Controller;

    /// <summary>What the speaker uses.</summary>
    public static readonly ApiUse Speaker = new("speaker",
    [
        new(ApiResource.Services, ApiScope.Cluster, [ApiVerb.List, ApiVerb.Watch]),
        new(ApiResource.EndpointSlices, ApiScope.Cluster, [ApiVerb.List, ApiVerb.Watch]),
        new(ApiResource.Nodes, ApiScope.Cluster, [ApiVerb.List, ApiVerb.Watch]),
        new(ApiResource.Events, ApiScope.Cluster, [ApiVerb.Create, ApiVerb.Patch]),
        new(ApiResource.ConfigMaps, ApiScope.OwnNamespace, [ApiVerb.List, ApiVerb.Watch], ConfigMapName),
        new(ApiResource.Secrets, ApiScope.OwnNamespace, [ApiVerb.List, ApiVerb.Watch], HeartbeatSecretName),
        new(ApiResource.Leases, ApiScope.OwnNamespace,
            [ApiVerb.Get, ApiVerb.List, ApiVerb.Watch, ApiVerb.Create, ApiVerb.Update]),
    ]);

    /// <summary>What <c>kubectl lb</c> reads, with the rights of whoever calls it; <c>manifests/loadbalancer/components/viewer</c> grants it.</summary>
    public static readonly ApiUse Viewer = new("kubectl-lb",
    [
        new(ApiResource.Services, ApiScope.Cluster, [ApiVerb.List]),
        new(ApiResource.Namespaces, ApiScope.Cluster, [ApiVerb.List]),
        new(ApiResource.Nodes, ApiScope.Cluster, [ApiVerb.List]),
        new(ApiResource.EndpointSlices, ApiScope.Cluster, [ApiVerb.List]),
        new(ApiResource.Pods, ApiScope.OwnNamespace, [ApiVerb.List]),
        new(ApiResource.PodProxy, ApiScope.OwnNamespace, [ApiVerb.Get]),
        new(ApiResource.PodLog, ApiScope.OwnNamespace, [ApiVerb.Get]),
        new(ApiResource.Leases, ApiScope.OwnNamespace, [ApiVerb.List]),
        new(ApiResource.ConfigMaps, ApiScope.OwnNamespace, [ApiVerb.List], ConfigMapName),
    ]);

    /// <summary>What <c>kubectl lb</c> uses besides where the programs tell on loopback only (<c>--secure-metrics</c>). Newer servers ask for both verbs.</summary>
    public static readonly IReadOnlyList<ApiGrant> Forwarding = [new(ApiResource.PodPortForward, ApiScope.OwnNamespace, [ApiVerb.Get, ApiVerb.Create])];

    /// <summary>What <c>kubectl lb doctor</c> asks besides: whether the programs have their rights. Nothing is stored by that.</summary>
    public static readonly IReadOnlyList<ApiGrant> Diagnosing = [new(ApiResource.SubjectAccessReviews, ApiScope.Cluster, [ApiVerb.Create])];

    /// <summary>What <c>kubectl lb migrate --from-cluster</c> reads besides: another load balancer's configuration.</summary>
    public static readonly IReadOnlyList<ApiGrant> Migrating =
    [
        new(ApiResource.MetalLBPools, ApiScope.Cluster, [ApiVerb.List]),
        new(ApiResource.MetalLBAdvertisements, ApiScope.Cluster, [ApiVerb.List]),
        new(ApiResource.MetalLBPeers, ApiScope.Cluster, [ApiVerb.List]),
        new(ApiResource.ConfigMaps, ApiScope.Cluster, [ApiVerb.List]),
    ];

    /// <summary>
    /// The grant that covers a request, or null. A grant for one object covers any request for one object: the ConfigMap's and the
    /// Lease's names can be set, and then the operator's RBAC rules name them too.
    /// </summary>
    /// <param name="resource">The resource.</param>
    /// <param name="verb">What is to be done.</param>
    /// <param name="namespaced">Whether the request names a namespace.</param>
    /// <param name="named">Whether the request is for one object by name or by a <c>metadata.name</c> field selector.</param>
    public ApiGrant? Find(ApiResource resource, ApiVerb verb, bool namespaced, bool named)
    {
        foreach (var grant in Grants)
        {
            if (grant.Resource == resource && grant.Verbs.Contains(verb)
                && (grant.Scope == ApiScope.Cluster || namespaced)
                && (grant.ResourceName is null || named))
            {
                return grant;
            }
        }

        return null;
    }
}
