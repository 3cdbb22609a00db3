namespace LoadBalancer.Kubernetes.Client;

/// <summary>A verb of Kubernetes RBAC (rbac.authorization.k8s.io PolicyRule.verbs).</summary>
public enum ApiVerb
{
    /// <summary>Read one object by name.</summary>
    Get,

    /// <summary>Read all objects of a kind.</summary>
    List,

    /// <summary>Follow the changes of a kind.</summary>
    Watch,

    /// <summary>Make an object.</summary>
    Create,

    /// <summary>Replace an object.</summary>
    Update,

    /// <summary>Change parts of an object.</summary>
    Patch,
}

/// <summary>A resource of the API as RBAC names it: its group and plural, with a subresource where one is meant.</summary>
/// <param name="Group">The API group; empty for the core group.</param>
/// <param name="Plural">The plural in URLs: <c>services</c>.</param>
/// <param name="Namespaced">Whether objects of it live in namespaces.</param>
/// <param name="Subresource">For example <c>status</c>, or empty.</param>
public sealed record ApiResource(string Group, string Plural, bool Namespaced, string Subresource = "")
{
    /// <summary><c>v1 Service</c>.</summary>
    public static readonly ApiResource Services = new("", "services", true);

    /// <summary>The status subresource of <c>v1 Service</c>.</summary>
    public static readonly ApiResource ServiceStatus = new("", "services", true, "status");

    /// <summary><c>v1 Node</c>.</summary>
    public static readonly ApiResource Nodes = new("", "nodes", false);

    /// <summary><c>v1 Pod</c>.</summary>
    public static readonly ApiResource Pods = new("", "pods", true);

    /// <summary>The status subresource of <c>v1 Pod</c>.</summary>
    public static readonly ApiResource PodStatus = new("", "pods", true, "status");

    /// <summary>A pod's own ports, through the API server.</summary>
    public static readonly ApiResource PodProxy = new("", "pods", true, "proxy");

    /// <summary>What a pod writes.</summary>
    public static readonly ApiResource PodLog = new("", "pods", true, "log");

    /// <summary>A connection to a port of a pod's own loopback, through the API server.</summary>
    public static readonly ApiResource PodPortForward = new("", "pods", true, "portforward");

    /// <summary>The question whose a token is.</summary>
    public static readonly ApiResource TokenReviews = new("authentication.k8s.io", "tokenreviews", false);

    /// <summary>The question whether somebody may do something.</summary>
    public static readonly ApiResource SubjectAccessReviews = new("authorization.k8s.io", "subjectaccessreviews", false);

    /// <summary><c>v1 Namespace</c>.</summary>
    public static readonly ApiResource Namespaces = new("", "namespaces", false);

    /// <summary><c>v1 ConfigMap</c>.</summary>
    public static readonly ApiResource ConfigMaps = new("", "configmaps", true);

    /// <summary><c>v1 Secret</c>.</summary>
    public static readonly ApiResource Secrets = new("", "secrets", true);

    /// <summary><c>v1 Event</c>.</summary>
    public static readonly ApiResource Events = new("", "events", true);

    /// <summary>EndpointSlice of <c>discovery.k8s.io</c>.</summary>
    public static readonly ApiResource EndpointSlices = new("discovery.k8s.io", "endpointslices", true);

    /// <summary>Lease of <c>coordination.k8s.io</c>.</summary>
    public static readonly ApiResource Leases = new("coordination.k8s.io", "leases", true);

    /// <summary>MetalLB's pools since 0.13.</summary>
    public static readonly ApiResource MetalLBPools = new("metallb.io", "ipaddresspools", true);

    /// <summary>MetalLB's layer-2 announcements since 0.13.</summary>
    public static readonly ApiResource MetalLBAdvertisements = new("metallb.io", "l2advertisements", true);

    /// <summary>MetalLB's BGP peers since 0.13.</summary>
    public static readonly ApiResource MetalLBPeers = new("metallb.io", "bgppeers", true);

    /// <summary>The name RBAC rules use: <c>services</c>, <c>services/status</c>.</summary>
    public string RbacName => Subresource.Length == 0 ? Plural : $"{Plural}/{Subresource}";
}
