using System.Text.Json.Nodes;
using LoadBalancer.LocalCluster.ApiServer;
using LoadBalancer.LocalCluster.ApiServer.Json;
using LoadBalancer.LocalCluster.Isolation;
using LoadBalancer.Manifests.Tests.Stack;

namespace LoadBalancer.Manifests.Tests.Kubernetes120;

/// <summary>
/// <c>manifests/kubernetes-1.20</c> and what it takes from elsewhere, against the fields of 1.20's own API and, where the variable
/// <c>KUBECTL_1_20</c> names one, with kubectl 1.20.
/// </summary>
public sealed class Kubernetes120Tests
{
    private static readonly string[] Parts = ["ingress-nginx", "metrics-server", "monitoring"];

    public static TheoryData<string> Rendered => [.. Parts];

    /// <summary>What is applied on 1.20.</summary>
    public static TheoryData<string> Applied =>
    [
        "loadbalancer.yaml", "loadbalancer/pool.example.yaml", "examples/unavailable.yaml", "examples/terminated.yaml", "examples/springboot/springboot.yaml",
        .. Parts.Select(part => $"kubernetes-1.20/{part}.yaml"),
    ];

    [Theory]
    [MemberData(nameof(Applied))]
    public void Object_ReadByKubernetes120_HasOnlyFieldsItKnows(string file)
    {
        var objects = YamlText.ParseAll(ProjectFiles.Read("manifests", file)).ToArray();
        Assert.NotEmpty(objects);
        Assert.All(objects, o => Assert.Empty(Fields.Problems(o)));
    }

    [Fact]
    public void ComponentMarkLostNodes_ReadByKubernetes120_HasOnlyFieldsItKnows() =>
        Assert.All(Component.Render("mark-lost-nodes"), o => Assert.Empty(Fields.Problems(o)));

    // Each came after 1.20: a table that knows them, or refuses nothing, would prove nothing.
    [Theory]
    [InlineData("""{"apiVersion":"v1","kind":"Service","spec":{"loadBalancerClass":"a"}}""", "Service.spec.loadBalancerClass is unknown")]
    [InlineData("""{"apiVersion":"apps/v1","kind":"Deployment","spec":{"replicas":"2"}}""", "Deployment.spec.replicas is no int")]
    [InlineData("""{"apiVersion":"apps/v1","kind":"DaemonSet","spec":{"updateStrategy":{"rollingUpdate":{"maxSurge":1}}}}""", "DaemonSet.spec.updateStrategy.rollingUpdate.maxSurge is unknown")]
    [InlineData("""{"apiVersion":"v1","kind":"Pod","spec":{"containers":[{"resizePolicy":[]}]}}""", "Pod.spec.containers[0].resizePolicy is unknown")]
    [InlineData("""{"apiVersion":"policy/v1","kind":"PodDisruptionBudget"}""", "policy/v1 PodDisruptionBudget is no kind")]
    public void FieldOrKind_ThatCameLater_IsRefused(string json, string problem) =>
        Assert.Equal([problem], Fields.Problems(JsonNode.Parse(json)!.AsObject()));

    [Theory]
    [MemberData(nameof(Rendered))]
    public void RenderedFile_ComparedWithItsFolder_IsEqual(string part)
    {
        var file = ProjectFiles.Read("manifests", "kubernetes-1.20", $"{part}.yaml");
        Assert.True(
            file[(file.IndexOf('\n', StringComparison.Ordinal) + 1)..] == Tool.Run("kubectl", ["kustomize", ProjectFiles.At("manifests", "kubernetes-1.20", part)]),
            $"manifests/kubernetes-1.20/{part}.yaml is not what its folder renders to: run 'make manifests'.");
    }

    [Theory]
    [MemberData(nameof(Rendered))]
    public void Part_DiffersFromTheOneForNewerVersions_InTheObjectsThatMustDiffer(string part)
    {
        var newer = Kustomization.Of(part).Objects;
        var changed = Kustomization.Of($"kubernetes-1.20/{part}").Objects.Where(o => !newer.Any(other => JsonNode.DeepEquals(o, other)));
        Assert.Equal(
            part switch
            {
                "ingress-nginx" => ["ConfigMap ingress-nginx/ingress-nginx-controller", "Deployment ingress-nginx/ingress-nginx-controller", "Role ingress-nginx/ingress-nginx"],
                "metrics-server" => ["ClusterRole /system:metrics-server", "Deployment kube-system/metrics-server"],
                // The name of the ConfigMap is made of its contents.
                _ => ["ClusterRole /monitoring:prometheus", "ConfigMap monitoring/prometheus-config", "Deployment monitoring/kube-state-metrics", "Deployment monitoring/prometheus"],
            },
            changed.Select(o => Manifests.Title(o).Split("-config-")[0] is var title && Manifests.Title(o).Contains("-config-", StringComparison.Ordinal) ? $"{title}-config" : title).Order(StringComparer.Ordinal));
    }

    [Fact]
    public void Prometheus_FindsItsTargetsByEndpoints_WhichItMayRead()
    {
        var config = ProjectFiles.Read("manifests", "kubernetes-1.20", "monitoring", "prometheus.yml");
        Assert.Contains("- role: endpoints\n", config, StringComparison.Ordinal);
        Assert.DoesNotContain("endpointslice", config, StringComparison.Ordinal);
        Assert.Equal(
            ProjectFiles.Read("manifests", "monitoring", "prometheus", "prometheus.yml").Replace("endpointslice", "endpoint", StringComparison.Ordinal),
            config[(config.IndexOf('\n', StringComparison.Ordinal) + 1)..].Replace("role: endpoints\n", "role: endpoint\n", StringComparison.Ordinal));
        var rights = new RbacRules([.. Kustomization.Of("kubernetes-1.20/monitoring").Objects
            .Where(o => o.Text("kind").EndsWith("Binding", StringComparison.Ordinal) || (o.Text("kind").EndsWith("Role", StringComparison.Ordinal)))
            .Select(WithoutUrls)]).GrantedTo("monitoring", "prometheus");
        Assert.All(["get", "list", "watch"], verb => Assert.True(RbacRules.Allows(rights, verb, "", "endpoints", "monitoring", null)));
        Assert.DoesNotContain(rights, right => right.Resource == "endpointslices");
    }

    [Fact]
    public void KustomizationOfTheLoadBalancer_HasOnlyWhatTheKustomizeOfKubectl120Knows()
    {
        var kustomization = YamlText.Parse(ProjectFiles.Read("manifests", "loadbalancer", "kustomization.yaml"))!.AsObject();
        Assert.Empty(kustomization.Select(key => key.Key).Except(["apiVersion", "kind", "resources", "images"]));
        Assert.All(kustomization.Strings("resources"), resource => Assert.EndsWith(".yaml", resource, StringComparison.Ordinal));
    }

    [Fact]
    public void Kubectl120_RendersTheLoadBalancer_AsAnyOther() =>
        Assert.Equal(ProjectFiles.Read("manifests", "loadbalancer.yaml"), Tool.Run(Kubectl120(), ["kustomize", ProjectFiles.At("manifests", "loadbalancer")]));

    [Fact]
    public async Task Kubectl120_AppliesEveryFile()
    {
        var kubectl = Kubectl120();
        await using var server = new LocalApiServer(new LocalApiServerOptions { KubernetesVersion = new Version(1, 20, 15), EndpointSliceVersions = ["v1beta1"] });
        await server.StartAsync();
        var folder = Directory.CreateTempSubdirectory("kubectl-1.20-");
        try
        {
            var kubeconfig = server.WriteKubeconfig(Path.Combine(folder.FullName, "admin"));
            Assert.All(Applied.Select(row => row.Data), file =>
            {
                var applied = Tool.Run(kubectl, ["--kubeconfig", kubeconfig, "apply", "-f", ProjectFiles.At("manifests", file)]);
                Assert.Equal(YamlText.ParseAll(ProjectFiles.Read("manifests", file)).Count(), applied.Split('\n', StringSplitOptions.RemoveEmptyEntries).Length);
            });
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    private static string Kubectl120()
    {
        var program = Environment.GetEnvironmentVariable("KUBECTL_1_20");
        Assert.SkipWhen(string.IsNullOrEmpty(program), "KUBECTL_1_20 is not set: it names a kubectl of version 1.20 (Debian 12: kubernetes-client)");
        return program!;
    }

    private static JsonObject WithoutUrls(JsonObject role)
    {
        var copy = (JsonObject)role.DeepClone();
        if (copy["rules"] is JsonArray rules)
        {
            copy["rules"] = new JsonArray([.. rules.Where(rule => rule!["nonResourceURLs"] is null).Select(rule => rule!.DeepClone())]);
        }

        return copy;
    }
}
