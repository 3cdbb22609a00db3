using System.Text.Json.Nodes;
using LoadBalancer.Kubernetes.Client;
using LoadBalancer.LocalCluster.ApiServer.Json;
using LoadBalancer.Manifests.Tests.Stack;

namespace LoadBalancer.Manifests.Tests;

/// <summary>The component secure-metrics: what <c>--secure-metrics</c> needs, and nothing else; who scrapes finds it by the same names.</summary>
public sealed class SecureMetricsTests
{
    public static TheoryData<string, long> Programs => new() { { "controller", 7482 }, { "speaker", 7483 } };

    [Theory]
    [MemberData(nameof(Programs))]
    public void Program_GetsTheFlagsAPortAndTheCertificate_AndKeepsItsProbes(string program, long port)
    {
        var workload = Workload(program);
        var (container, before) = (Manifests.Container(workload), Manifests.Container(Manifests.Workload(program)));

        Assert.Equal([$"--secure-metrics=:{port}", "--secure-metrics-certificate=/etc/loadbalancer/metrics-certificate"], container.Strings("args").Except(before.Strings("args")));
        Assert.Equal(port, container.Objects("ports").Single(entry => entry.Text("name") == "metrics").Number("containerPort"));
        Assert.Equal("/etc/loadbalancer/metrics-certificate", container.Objects("volumeMounts").Single(mount => mount.Text("name") == "metrics-certificate").Text("mountPath"));
        var secret = Manifests.PodSpec(workload).Objects("volumes").Single(volume => volume.Text("name") == "metrics-certificate");
        Assert.Equal(("metrics-certificate", true), (secret.Text("secret", "secretName"), secret.Flag("secret", "optional")));
        Assert.All(["livenessProbe", "readinessProbe"], probe => Assert.True(JsonNode.DeepEquals(before[probe], container[probe])));
        var annotations = workload.At("spec", "template", "metadata", "annotations");
        Assert.Equal(("https", $"{port}"), (annotations.Text("prometheus.io/scheme"), annotations.Text("prometheus.io/port")));
    }

    [Theory]
    [InlineData("controller")]
    [InlineData("speaker")]
    public void Program_MayAskForReviews_AndNothingElseIsGranted(string program) => Assert.Equal(
        ApiUse.SecuringMetrics.SelectMany(grant => grant.Verbs.Select(verb => new AccessRight(verb.ToString().ToLowerInvariant(), grant.Resource.Group, grant.Resource.RbacName, null, null))).ToHashSet(),
        new RbacRules(Rendered).GrantedTo(Manifests.Namespace, program).Except(new RbacRules(Manifests.Installed).GrantedTo(Manifests.Namespace, program)).ToHashSet());

    [Fact]
    public void Policy_OpensTheControllersPort_AndNothingElse()
    {
        var policy = Rendered.Single(o => o.Text("kind") == "NetworkPolicy" && Manifests.Name(o) == "controller-secure-metrics");
        Assert.Equal(["Ingress"], policy.Strings("spec", "policyTypes"));
        Assert.Equal(["TCP 7482"], policy.Objects("spec", "ingress").SelectMany(rule => rule.Objects("ports")).Select(p => $"{p.Text("protocol")} {(long)p["port"]!}"));
    }

    [Fact]
    public void Reader_MayGetMetrics_AndNothingElse()
    {
        var role = Rendered.Single(o => o.Text("kind") == "ClusterRole" && Manifests.Name(o) == "loadbalancer-metrics-reader");
        var rule = Assert.Single(role.Objects("rules"));
        Assert.Equal(["/metrics"], rule.Strings("nonResourceURLs"));
        Assert.Equal(["get"], rule.Strings("verbs"));
        Assert.Equal(["nonResourceURLs", "verbs"], rule.Select(field => field.Key).Order());
    }

    [Fact]
    public void PrometheusOfTheManifests_HasTheRight()
    {
        var rules = Kustomization.Of("monitoring").Find("ClusterRole", "", "monitoring:prometheus").Objects("rules");
        Assert.Contains(rules, rule => rule.Strings("nonResourceURLs").Contains("/metrics") && rule.Strings("verbs").Contains("get"));
    }

    [Fact]
    public void Monitors_OfTheOperator_AskByTlsWithPrometheusOwnToken_AndKeepTheNamesOfTheJobs()
    {
        var rendered = Component.Render("kube-prometheus-stack", "secure-metrics");
        Assert.DoesNotContain(rendered, o => o.Text("kind") == "PodMonitor");
        Assert.All(["controller", "speaker"], program =>
        {
            var endpoint = Assert.Single(rendered.Single(o => o.Text("kind") == "ServiceMonitor" && Manifests.Name(o) == $"loadbalancer-{program}").Objects("spec", "endpoints"));
            Assert.Equal(("metrics", "https", "/var/run/secrets/kubernetes.io/serviceaccount/token"), (endpoint.Text("port"), endpoint.Text("scheme"), endpoint.Text("bearerTokenFile")));
            Assert.Contains(endpoint.Objects("relabelings"), relabeling => relabeling.Text("targetLabel") == "job" && relabeling.Text("replacement") == $"loadbalancer-{program}");
            var service = rendered.Single(o => o.Text("kind") == "Service" && Manifests.Name(o) == $"{program}-metrics");
            Assert.Equal("metrics", Assert.Single(service.Objects("spec", "ports")).Text("targetPort"));
            Assert.True(Manifests.Selects(new JsonObject { ["matchLabels"] = service["spec"]!["selector"]!.DeepClone() }, Workload(program).At("spec", "template", "metadata", "labels")));
        });
    }

    private static IReadOnlyList<JsonObject> Rendered => Component.Render("secure-metrics");

    private static JsonObject Workload(string program) => Rendered.Single(o => o.Text("kind") is "Deployment" or "DaemonSet" && Manifests.Name(o) == program);
}
