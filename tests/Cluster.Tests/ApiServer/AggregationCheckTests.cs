using System.Text.Json.Nodes;
using LoadBalancer.LocalCluster.ApiServer;
using LoadBalancer.LocalCluster.Client;
using LoadBalancer.LocalCluster.Isolation;
using LoadBalancer.LocalCluster.Programs;

namespace LoadBalancer.Cluster.Tests.ApiServer;

/// <summary>
/// manifests/metrics-server/check.sh on clusters that lack one piece after another. The pieces are the objects a real cluster has; kubelet
/// and aggregator, which would write their statuses, are not there, so the test writes them.
/// </summary>
public sealed class AggregationCheckTests : IAsyncDisposable
{
    private const string ApiServicePath = "/apis/apiregistration.k8s.io/v1/apiservices/v1beta1.metrics.k8s.io";
    private const string ServerConfig = "/api/v1/namespaces/kube-system/configmaps";
    private const string RoleBindings = "/apis/rbac.authorization.k8s.io/v1/namespaces/kube-system/rolebindings/metrics-server-auth-reader";
    private static readonly string Folder = Path.Combine(ProgramFile.Root, "manifests/metrics-server");
    private readonly LocalApiServer _server = new();
    private readonly string _folder = Directory.CreateTempSubdirectory("aggregation-check-").FullName;
    private string _kubeconfig = "";

    public async ValueTask DisposeAsync()
    {
        await _server.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }

    [Fact]
    public async Task EachMissingPiece_IsNamed_UntilAllAreThere()
    {
        Assert.SkipWhen(Tool.Find("kubectl") is null, "kubectl is not installed");
        _kubeconfig = _server.WriteKubeconfig(Path.Combine(_folder, "kubeconfig"));
        Missing("the API server does not answer");

        await _server.StartAsync();
        using var api = new KubeApi(new KubeconfigFile(_kubeconfig));
        Missing("the APIService v1beta1.metrics.k8s.io");

        Tool.Run("kubectl", ["--kubeconfig", _kubeconfig, "apply", "-k", Folder]);
        Missing("a ready pod of metrics-server (found: no pod at all)");

        await api.MergeAsync("/apis/apps/v1/namespaces/kube-system/deployments/metrics-server/status", Json("""{"status":{"replicas":1,"readyReplicas":1}}"""));
        Missing("endpoints of the Service kube-system/metrics-server");

        await api.CreateAsync("/apis/discovery.k8s.io/v1/namespaces/kube-system/endpointslices", Json(
            """
            {"metadata":{"name":"metrics-server-1","labels":{"kubernetes.io/service-name":"metrics-server"}},"addressType":"IPv4",
             "endpoints":[{"addresses":["192.168.96.11"]}],"ports":[{"name":"https","port":4443}]}
            """));
        Missing("the front-proxy CA");

        await api.CreateAsync(ServerConfig, Json(
            """
            {"metadata":{"name":"extension-apiserver-authentication"},"data":{"requestheader-client-ca-file":"-----BEGIN CERTIFICATE-----",
             "requestheader-allowed-names":"[\"front-proxy-client\"]","requestheader-username-headers":"[\"X-Remote-User\"]",
             "requestheader-group-headers":"[]","requestheader-extra-headers-prefix":"[\"X-Remote-Extra-\"]"}}
            """));
        Missing("the flag --requestheader-group-headers of kube-apiserver");

        await api.MergeAsync($"{ServerConfig}/extension-apiserver-authentication", Json("""{"data":{"requestheader-group-headers":"[\"X-Remote-Group\"]"}}"""));
        await CreateApiServerPodAsync(api, "--proxy-client-cert-file=/etc/kubernetes/pki/front-proxy-client.crt");
        Missing("the flag --proxy-client-key-file of kube-apiserver");

        await api.DeleteAsync("/api/v1/namespaces/kube-system/pods/kube-apiserver-n1");
        await CreateApiServerPodAsync(api, "--proxy-client-cert-file=/c", "--proxy-client-key-file=/k", "--enable-aggregator-routing=true");
        JsonObject binding = await api.GetAsync(RoleBindings);
        await api.DeleteAsync(RoleBindings);
        Missing("the RoleBinding kube-system/metrics-server-auth-reader");

        binding["metadata"]!.AsObject().Remove("resourceVersion");
        binding["metadata"]!.AsObject().Remove("uid");
        await api.CreateAsync(RoleBindings[..RoleBindings.LastIndexOf('/')], binding);
        await AvailableAsync(api, "False", "failing or missing response from https://192.168.96.11:4443/apis/metrics.k8s.io/v1beta1: bad status: 401");
        Missing("metrics-server's belief in the API server");

        await AvailableAsync(api, "False", "failing or missing response from https://192.168.96.11:4443: context deadline exceeded");
        Missing("the way from the API server to metrics-server");

        await AvailableAsync(api, "True", "all checks passed");
        await api.CreateAsync("/api/v1/nodes", Json("""{"metadata":{"name":"n1"}}"""));
        await api.CreateAsync("/api/v1/nodes", Json("""{"metadata":{"name":"n2"}}"""));
        Missing("figures of the nodes");

        await ServeFiguresAsync(api);
        await MeasureAsync(api, "n1");
        Missing("figures of node n2");

        await MeasureAsync(api, "n2");
        ToolResult all = Check();
        Assert.True(all.ExitCode == 0, all.Output);
        Assert.DoesNotContain("MISSING", all.Output, StringComparison.Ordinal);
        Assert.EndsWith("ok       figures of every node: kubectl top node works\n", all.Output, StringComparison.Ordinal);
    }

    private void Missing(string what)
    {
        ToolResult result = Check();
        string line = result.Output.Split('\n').SingleOrDefault(candidate => candidate.StartsWith("MISSING", StringComparison.Ordinal)) ?? result.Output + result.Errors;
        Assert.StartsWith($"MISSING  {what}", line, StringComparison.Ordinal);
        Assert.Equal(1, result.ExitCode);
    }

    private ToolResult Check() =>
        Tool.Try(Path.Combine(Folder, "check.sh"), [], environment: new Dictionary<string, string> { ["KUBECONFIG"] = _kubeconfig });

    private static Task<JsonObject> CreateApiServerPodAsync(KubeApi api, params string[] flags)
    {
        JsonObject pod = Json("""{"metadata":{"name":"kube-apiserver-n1","labels":{"component":"kube-apiserver"}},"spec":{"containers":[{"name":"kube-apiserver","image":"kube-apiserver"}]}}""");
        pod["spec"]!["containers"]![0]!["command"] = new JsonArray(["kube-apiserver", .. flags.Select(flag => (JsonNode)flag)]);
        return api.CreateAsync("/api/v1/namespaces/kube-system/pods", pod);
    }

    private static Task<JsonObject> AvailableAsync(KubeApi api, string status, string message)
    {
        var condition = new JsonObject
        {
            ["type"] = "Available",
            ["status"] = status,
            ["reason"] = status == "True" ? "Passed" : "FailedDiscoveryCheck",
            ["message"] = message,
            ["lastTransitionTime"] = "2026-01-01T00:00:00Z",
        };
        return api.MergeAsync($"{ApiServicePath}/status", new JsonObject { ["status"] = new JsonObject { ["conditions"] = new JsonArray(condition) } });
    }

    /// <summary>The API metrics.k8s.io, as objects of a defined kind in metrics-server's place.</summary>
    private static Task<JsonObject> ServeFiguresAsync(KubeApi api) => api.CreateAsync("/apis/apiextensions.k8s.io/v1/customresourcedefinitions", Json(
        """
        {"apiVersion":"apiextensions.k8s.io/v1","kind":"CustomResourceDefinition","metadata":{"name":"nodes.metrics.k8s.io","annotations":{"api-approved.kubernetes.io":"unapproved, a test"}},
         "spec":{"group":"metrics.k8s.io","scope":"Cluster","names":{"kind":"NodeMetrics","plural":"nodes","singular":"nodemetrics","listKind":"NodeMetricsList"},
         "versions":[{"name":"v1beta1","served":true,"storage":true,"schema":{"openAPIV3Schema":{"type":"object","x-kubernetes-preserve-unknown-fields":true}}}]}}
        """));

    private static Task<JsonObject> MeasureAsync(KubeApi api, string node) => api.CreateAsync("/apis/metrics.k8s.io/v1beta1/nodes", Json(
        $$$"""{"apiVersion":"metrics.k8s.io/v1beta1","kind":"NodeMetrics","metadata":{"name":"{{{node}}}"},"usage":{"cpu":"100m","memory":"1Gi"}}"""));

    private static JsonObject Json(string text) => JsonNode.Parse(text)!.AsObject();
}
