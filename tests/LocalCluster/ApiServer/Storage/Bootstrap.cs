using System.Text.Json.Nodes;
using LoadBalancer.LocalCluster.ApiServer.Requests;

namespace LoadBalancer.LocalCluster.ApiServer.Storage;

/// <summary>What an API server creates by itself before it is ready: namespaces, its own Service, the RBAC every user needs.</summary>
public static class Bootstrap
{
    private const string RbacGroup = "rbac.authorization.k8s.io";

    public static void Run(Writes writes, Func<string, string, ApiContext> contextFor, string clusterIp, int port)
    {
        void Create(string plural, string ns, JsonObject o) => writes.Create(contextFor(plural, ns), o);

        foreach (var name in (string[])["default", "kube-system", "kube-public", "kube-node-lease"])
            Create("namespaces", "", Object("v1", "Namespace", name));
        Create("services", "default", Kubernetes(clusterIp, port));
        Create("clusterroles", "", Role("cluster-admin", Rule(["*"], ["*"], ["*"]), PathRule("*")));
        Create("clusterroles", "", Role("system:discovery",
            PathRule("/api", "/api/*", "/apis", "/apis/*", "/healthz", "/livez", "/openapi", "/openapi/*", "/readyz", "/version", "/version/")));
        Create("clusterroles", "", Role("system:public-info-viewer", PathRule("/healthz", "/livez", "/readyz", "/version", "/version/")));
        Create("clusterroles", "", Role("system:basic-user",
            Rule(["create"], ["authorization.k8s.io"], ["selfsubjectaccessreviews", "selfsubjectrulesreviews"]),
            Rule(["create"], ["authentication.k8s.io"], ["selfsubjectreviews"])));
        Create("clusterrolebindings", "", Binding("cluster-admin", "system:masters"));
        Create("clusterrolebindings", "", Binding("system:discovery", "system:authenticated"));
        Create("clusterrolebindings", "", Binding("system:basic-user", "system:authenticated"));
        Create("clusterrolebindings", "", Binding("system:public-info-viewer", "system:authenticated", "system:unauthenticated"));
    }

    private static JsonObject Kubernetes(string clusterIp, int port)
    {
        var service = Object("v1", "Service", "kubernetes");
        service["metadata"]!["labels"] = new JsonObject { ["component"] = "apiserver", ["provider"] = "kubernetes" };
        service["spec"] = new JsonObject
        {
            ["clusterIP"] = clusterIp,
            ["ports"] = new JsonArray(new JsonObject { ["name"] = "https", ["port"] = 443L, ["protocol"] = "TCP", ["targetPort"] = (long)port }),
        };
        return service;
    }

    private static JsonObject Role(string name, params JsonNode[] rules)
    {
        var role = Object($"{RbacGroup}/v1", "ClusterRole", name);
        role["metadata"]!["labels"] = new JsonObject { ["kubernetes.io/bootstrapping"] = "rbac-defaults" };
        role["rules"] = new JsonArray(rules);
        return role;
    }

    private static JsonObject Binding(string role, params string[] groups)
    {
        var binding = Object($"{RbacGroup}/v1", "ClusterRoleBinding", role);
        binding["metadata"]!["labels"] = new JsonObject { ["kubernetes.io/bootstrapping"] = "rbac-defaults" };
        binding["roleRef"] = new JsonObject { ["apiGroup"] = RbacGroup, ["kind"] = "ClusterRole", ["name"] = role };
        binding["subjects"] = new JsonArray([.. groups.Select(g => new JsonObject { ["apiGroup"] = RbacGroup, ["kind"] = "Group", ["name"] = g })]);
        return binding;
    }

    private static JsonObject Rule(string[] verbs, string[] groups, string[] resources) => new()
    {
        ["apiGroups"] = List(groups),
        ["resources"] = List(resources),
        ["verbs"] = List(verbs),
    };

    private static JsonObject PathRule(params string[] paths) => new() { ["nonResourceURLs"] = List(paths), ["verbs"] = List(paths is ["*"] ? ["*"] : ["get"]) };

    private static JsonArray List(string[] texts) => Json.JsonPaths.ListOf(texts);

    private static JsonObject Object(string apiVersion, string kind, string name) =>
        new() { ["apiVersion"] = apiVersion, ["kind"] = kind, ["metadata"] = new JsonObject { ["name"] = name } };
}
