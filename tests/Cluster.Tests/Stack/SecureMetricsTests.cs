using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json.Nodes;
using LoadBalancer.Cluster.Tests.Operating;
using LoadBalancer.LocalCluster;
using LoadBalancer.LocalCluster.ApiServer;
using LoadBalancer.LocalCluster.ApiServer.Json;
using LoadBalancer.LocalCluster.Client;
using LoadBalancer.LocalCluster.Isolation;
using LoadBalancer.LocalCluster.Network;
using LoadBalancer.LocalCluster.Programs;
using LocalClusterOf = LoadBalancer.LocalCluster.Cluster;

namespace LoadBalancer.Cluster.Tests.Stack;

/// <summary>The component secure-metrics, applied with kubectl, and Debian's Prometheus with the manifests' own configuration and its own token.</summary>
public sealed class SecureMetricsTests(ClusterFixture fixture, ITestOutputHelper output) : OwnClusterTest(fixture, output)
{
    private const string Pool = $"address-pools: [{{name: default, protocol: layer2, addresses: [{Lan.Pool}]}}]";
    private static readonly TimeSpan AFewScrapes = TimeSpan.FromSeconds(90);

    [Fact]
    public async Task Metrics_AreTheScrapersByToken_NobodyElsesOnTheLan_AndKubectlLbGoesByPortForward()
    {
        string certificates = Directory.CreateDirectory(Path.Combine(PrivateRun.Folder, "metrics-certificate")).FullName;
        await StartAsync(certificates);
        await using var pods = new MonitoringPods();
        await pods.StartAsync(Cluster);

        await PrometheusHasThemAllAsync();
        await NobodyElseHasThemAsync();
        await MountedCertificateIsShownAsync(certificates);
        await KubectlLbIsToldAsync();
    }

    private async Task PrometheusHasThemAllAsync()
    {
        string address = await Cluster.WaitForAddressAsync("prometheus", "monitoring");
        await HttpStatus.GetAsync(Cluster.Client, address, 8080, "/-/ready", 200);
        var prometheus = new PrometheusClient(Cluster.Client, address);
        string found = "";
        await Eventually.GetAsync(
            async () =>
            {
                var targets = await prometheus.TargetsAsync();
                found = string.Join('\n', targets.Where(job => job.Key.StartsWith("loadbalancer-", StringComparison.Ordinal)).SelectMany(job => job.Select(target => $"{job.Key} {target}")));
                return targets["loadbalancer-controller"].Count(target => target is { Health: "up" } && target.Url.StartsWith("https://", StringComparison.Ordinal)) == 2
                    && targets["loadbalancer-speaker"].Count(target => target is { Health: "up" } && target.Url.StartsWith("https://", StringComparison.Ordinal)) == 3
                    && targets["loadbalancer-controller"].Count() + targets["loadbalancer-speaker"].Count() == 5 ? found : null;
            },
            AFewScrapes, "five healthy targets by TLS", () => found);
        Figure(found);
        JsonObject[] series = await prometheus.QueryAsync("loadbalancer_build_info{job=\"loadbalancer-speaker\"}");
        Assert.Equal(["n1", "n2", "n3"], series.Select(one => one.Text("metric", "node")).Order(StringComparer.Ordinal));
    }

    private async Task NobodyElseHasThemAsync()
    {
        string node = Cluster.Nodes[0].Host.Address;
        Assert.Equal(HttpStatusCode.OK, (await GetAsync($"http://{node}:7473/healthz")).Status);
        Assert.Equal(HttpStatusCode.OK, (await GetAsync($"http://{node}:7473/readyz")).Status);
        Assert.Equal(HttpStatusCode.Forbidden, (await GetAsync($"http://{node}:7473/metrics")).Status);
        Assert.Equal(HttpStatusCode.Forbidden, (await GetAsync($"http://{node}:7473/status")).Status);
        Assert.Equal(HttpStatusCode.NotFound, (await GetAsync($"https://{node}:7483/status")).Status);
        Assert.Equal(HttpStatusCode.Unauthorized, (await GetAsync($"https://{node}:7483/metrics")).Status);
        Assert.Equal(HttpStatusCode.Unauthorized, (await GetAsync($"https://{node}:7483/metrics", "nobodys")).Status);

        (HttpStatusCode status, string body, _) = await GetAsync($"https://{node}:7483/metrics", await TokenAsync("monitoring", "kube-state-metrics"));
        Assert.Equal(HttpStatusCode.Forbidden, status);
        Assert.Contains("system:serviceaccount:monitoring:kube-state-metrics", body, StringComparison.Ordinal);

        (status, body, string? shown) = await GetAsync($"https://{node}:7483/metrics", await TokenAsync("monitoring", "prometheus"));
        Assert.Equal(HttpStatusCode.OK, status);
        Assert.Contains("loadbalancer_speaker_", body, StringComparison.Ordinal);
        Assert.Equal("CN=loadbalancer-speaker", shown);
    }

    private async Task MountedCertificateIsShownAsync(string folder)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using X509Certificate2 made = new CertificateRequest("CN=figures.home", key, HashAlgorithmName.SHA256).CreateSelfSigned(TimeProvider.System.GetUtcNow(), TimeProvider.System.GetUtcNow().AddDays(1));
        await File.WriteAllTextAsync(Path.Combine(folder, "tls.crt"), made.ExportCertificatePem(), Cancel);
        await File.WriteAllTextAsync(Path.Combine(folder, "tls.key"), key.ExportPkcs8PrivateKeyPem(), Cancel);
        await Eventually.GetAsync(
            async () => (await GetAsync($"https://{Cluster.Nodes[0].Host.Address}:7483/metrics")).Shown is "CN=figures.home" ? "shown" : null,
            TimeSpan.FromSeconds(30), "the mounted certificate");
    }

    private async Task KubectlLbIsToldAsync()
    {
        // A real API server hands port-forward to a kubelet, of which there is none here.
        if (Cluster.Server is not LocalApiServer)
        {
            return;
        }

        (int status, string text, string error, _) = OperatorTest.LbAs(Cluster.AdminKubeconfig, "status", "-o", "json");
        Figure(text + error);
        JsonObject report = JsonNode.Parse(text)!.AsObject();
        Assert.Equal(["n1", "n2", "n3"], report.Objects("speakers").Select(entry => entry.Text("node")).Order(StringComparer.Ordinal));
        Assert.All(report.Objects("speakers"), speaker => Assert.Equal("ready", speaker.Text("state")));
        Assert.Equal(["leader", "spare"], report.Objects("controllers").Select(entry => entry.Text("state")).Order(StringComparer.Ordinal));
        Assert.Equal(0, status);

        // Without the right to it, that is what is said.
        await Cluster.ApplyAsync(Manifest.Parse(await File.ReadAllTextAsync(Path.Combine(ProgramFile.Root, "manifests/loadbalancer/components/viewer/rbac.yaml"), Cancel)));
        await Cluster.Api.ApplyAsync("/apis/rbac.authorization.k8s.io/v1/namespaces/loadbalancer-system/rolebindings", Binding("RoleBinding", "Role"));
        await Cluster.Api.ApplyAsync("/apis/rbac.authorization.k8s.io/v1/clusterrolebindings", Binding("ClusterRoleBinding", "ClusterRole"));
        string kubeconfig = Cluster.Server.WriteKubeconfig(Path.Combine(PrivateRun.Folder, "looker.kubeconfig"), "looker");
        (status, text, error, _) = OperatorTest.LbAs(kubeconfig, "status");
        Figure(text + error);
        Assert.Equal(1, status);
        Assert.Contains("pods/portforward", text, StringComparison.Ordinal);
    }

    private static JsonObject Binding(string kind, string role) => new()
    {
        ["apiVersion"] = "rbac.authorization.k8s.io/v1",
        ["kind"] = kind,
        ["metadata"] = new JsonObject { ["name"] = "looker", ["namespace"] = kind == "RoleBinding" ? LocalClusterOf.SystemNamespace : null },
        ["roleRef"] = new JsonObject { ["apiGroup"] = "rbac.authorization.k8s.io", ["kind"] = role, ["name"] = "loadbalancer-viewer" },
        ["subjects"] = new JsonArray(new JsonObject { ["apiGroup"] = "rbac.authorization.k8s.io", ["kind"] = "User", ["name"] = "looker" }),
    };

    private async Task StartAsync(string certificates)
    {
        Assert.SkipWhen(Tool.Find("kubectl") is null, "kubectl is not installed");
        string folder = Directory.CreateDirectory(Path.Combine(PrivateRun.Folder, "secured")).FullName;
        string manifests = Path.GetRelativePath(folder, Path.Combine(ProgramFile.Root, "manifests/loadbalancer"));
        await File.WriteAllTextAsync(Path.Combine(folder, "kustomization.yaml"),
            $"apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources: [{manifests}]\ncomponents: [{manifests}/components/secure-metrics]\n", Cancel);
        Tool.Run("kubectl", ["--kubeconfig", Cluster.AdminKubeconfig, "--cache-dir", $"{PrivateRun.Folder}/kubectl", "apply", "-k", folder]);
        await Cluster.SetConfigAsync(Pool);
        foreach (Node node in Cluster.Nodes.Take(2))
        {
            Cluster.Programs.StartController(node, "--secure-metrics", ":7482", "--secure-metrics-certificate", certificates);
        }

        foreach (Node node in Cluster.Nodes)
        {
            Cluster.Programs.StartSpeaker(node, "--secure-metrics", ":7483", "--secure-metrics-certificate", certificates);
        }

        await Cluster.Programs.WaitUntilReadyAsync();
    }

    private async Task<string> TokenAsync(string space, string account) => (await Cluster.Api.CreateAsync($"/api/v1/namespaces/{space}/serviceaccounts/{account}/token", new JsonObject
    {
        ["apiVersion"] = "authentication.k8s.io/v1",
        ["kind"] = "TokenRequest",
        ["spec"] = new JsonObject(),
    })).Text("status", "token");

    private async Task<(HttpStatusCode Status, string Body, string? Shown)> GetAsync(string url, string? token = null)
    {
        string? shown = null;
        using HttpClient http = Cluster.Client.Http(TimeSpan.FromSeconds(10), subject => shown = subject);
        using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(url));
        if (token is not null)
        {
            request.Headers.Authorization = new("Bearer", token);
        }

        using HttpResponseMessage response = await http.SendAsync(request, Cancel);
        return (response.StatusCode, await response.Content.ReadAsStringAsync(Cancel), shown);
    }
}
