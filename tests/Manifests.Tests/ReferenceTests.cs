using System.Globalization;
using System.Text.Json.Nodes;
using LoadBalancer.LocalCluster.ApiServer.Json;

namespace LoadBalancer.Manifests.Tests;

/// <summary>What one object says of another is true: the API server checks none of it.</summary>
public sealed class ReferenceTests
{
    [Fact]
    public void Workload_SelectsThePodsOfItsTemplateAndNoOthers()
    {
        Assert.Equal(2, Manifests.Workloads.Count());
        Assert.All(Manifests.Workloads, workload => Assert.All(Manifests.Workloads, other => Assert.Equal(
            ReferenceEquals(workload, other),
            Manifests.Selects(workload.At("spec", "selector"), other.At("spec", "template", "metadata", "labels")))));
    }

    [Fact]
    public void Workload_SpreadsOrLimitsPodsThatExist() => Assert.All(Manifests.Workloads, workload =>
    {
        var terms = Manifests.PodSpec(workload).Objects("affinity", "podAntiAffinity", "preferredDuringSchedulingIgnoredDuringExecution");
        Assert.All(terms, term => Assert.True(Manifests.Selects(
            term.At("podAffinityTerm", "labelSelector"), workload.At("spec", "template", "metadata", "labels"))));
    });

    [Fact]
    public void Workload_RunsAsAServiceAccountThatExists() => Assert.All(Manifests.Workloads, workload =>
        Assert.Contains(Manifests.PodSpec(workload).Text("serviceAccountName"), Manifests.OfKind("ServiceAccount").Select(Manifests.Name)));

    [Fact]
    public void Binding_BindsARoleThatExistsToAServiceAccountThatExists()
    {
        var bindings = Manifests.Installed.Where(o => o.Text("kind") is "RoleBinding" or "ClusterRoleBinding").ToArray();
        Assert.Equal(4, bindings.Length);
        Assert.All(bindings, binding =>
        {
            Assert.Equal("rbac.authorization.k8s.io", binding.Text("roleRef", "apiGroup"));
            Assert.Contains(binding.Text("roleRef", "name"), Manifests.OfKind(binding.Text("roleRef", "kind")).Select(Manifests.Name));
            Assert.All(binding.Objects("subjects"), subject =>
            {
                Assert.Equal("ServiceAccount", subject.Text("kind"));
                Assert.Equal(Manifests.Namespace, subject.Text("namespace"));
                Assert.Contains(subject.Text("name"), Manifests.OfKind("ServiceAccount").Select(Manifests.Name));
            });
        });
    }

    [Fact]
    public void NetworkPolicy_SelectsPodsThatExist() => Assert.All(Manifests.OfKind("NetworkPolicy"), policy =>
        Assert.Contains(Manifests.Workloads, workload =>
            Manifests.Selects(policy.At("spec", "podSelector"), workload.At("spec", "template", "metadata", "labels"))));

    [Fact]
    public void Probe_AsksAPortTheContainerHasAndAPathTheProgramServes() => Assert.All(Manifests.Workloads, workload =>
    {
        var container = Manifests.Container(workload);
        Assert.Equal("/healthz", container.Text("livenessProbe", "httpGet", "path"));
        Assert.Equal("/readyz", container.Text("readinessProbe", "httpGet", "path"));
        Assert.All(["livenessProbe", "readinessProbe"], probe =>
            Assert.Contains(container.Text(probe, "httpGet", "port"), container.Objects("ports").Select(port => port.Text("name"))));
    });

    [Theory]
    [InlineData("controller", 7472)]
    [InlineData("speaker", 7473)]
    public void Port_IsTheSameForListeningProbingScrapingAndThePolicy(string name, int number)
    {
        JsonNode workload = Manifests.Workload(name);
        var container = Manifests.Container(workload);
        var port = Assert.Single(container.Objects("ports"));
        Assert.Equal(number, port.Number("containerPort"));
        Assert.Contains($"--listen=:{number}", container.Strings("args"));
        Assert.Equal(
            number.ToString(CultureInfo.InvariantCulture),
            workload.Text("spec", "template", "metadata", "annotations", "prometheus.io/port"));
        var policies = Manifests.OfKind("NetworkPolicy").Where(policy => Manifests.Name(policy) == name).ToArray();
        Assert.Equal(Manifests.PodSpec(workload).Flag("hostNetwork") == true ? 0 : 1, policies.Length);
        Assert.All(policies, policy => Assert.Equal(number, policy.Objects("spec", "ingress").Single().Objects("ports").Single().Number("port")));
    }
}
