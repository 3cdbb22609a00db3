using System.Text.Json.Nodes;
using LoadBalancer.Kubernetes.Configuration;
using LoadBalancer.LocalCluster.ApiServer.Json;
using LoadBalancer.Manifests.Tests.Stack;

namespace LoadBalancer.Manifests.Tests.Chart;

/// <summary>What <c>manifests/chart</c> renders to is what the kustomizations render to.</summary>
public sealed class ChartTests
{
    public static TheoryData<string> Components => [.. Component.Names];

    [Fact]
    public void DefaultValues_Rendered_AreTheKustomization() => AssertSame(Manifests.Installed, HelmProgram.Render());

    [Theory]
    [MemberData(nameof(Components))]
    public void Component_SwitchedOn_IsTheKustomizationWithIt(string name) => AssertSame(
        Component.Render(name), HelmProgram.Render($"components: {{{ValueOf(name)}: true}}"));

    [Fact]
    public void Monitoring_SwitchedOn_IsTheKustomizationForTheOperator()
    {
        var expected = Kustomization.Of("kube-prometheus-stack").Objects.Select(o => (JsonObject)o.DeepClone()).ToArray();
        // kustomize names a ConfigMap after its contents; Helm replaces it in place, and Grafana's sidecar reads it again.
        expected.Single(o => o.Text("kind") == "ConfigMap")["metadata"]!["name"] = "loadbalancer-dashboards";
        AssertSame([.. Manifests.Installed, .. expected], HelmProgram.Render(
            "monitoring: {serviceMonitor: true, podMonitor: true, rules: true, dashboards: {enabled: true}}"));
    }

    [Fact]
    public void Monitors_OfProgramsWithSecureMetrics_AreTheKustomizationsWithBothComponents()
    {
        string[] kinds = ["Service", "ServiceMonitor", "PodMonitor"];
        AssertSame(
            [.. Component.Render("secure-metrics"), .. Component.Render("kube-prometheus-stack", "secure-metrics").Where(o => kinds.Contains(o.Text("kind")))],
            HelmProgram.Render("{components: {secureMetrics: true}, monitoring: {serviceMonitor: true, podMonitor: true}}"));
    }

    [Theory]
    [InlineData("serviceMonitor: true", "Service loadbalancer-system/controller-metrics", "ServiceMonitor loadbalancer-system/loadbalancer-controller")]
    [InlineData("podMonitor: true", "PodMonitor loadbalancer-system/loadbalancer-speaker")]
    [InlineData("rules: true", "PrometheusRule loadbalancer-system/loadbalancer")]
    [InlineData("dashboards: {enabled: true}", "ConfigMap monitoring/loadbalancer-dashboards")]
    public void PartOfTheMonitoring_SwitchedOnAlone_AddsItsObjectsAndNoOther(string value, params string[] added) => Assert.Equal(
        added, HelmProgram.Render($"monitoring: {{{value}}}").Select(Manifests.Title).Except(Manifests.Installed.Select(Manifests.Title)));

    [Fact]
    public void LabelsOfTheMonitoring_AreOnWhatTheOperatorLooksFor()
    {
        var rendered = HelmProgram.Render("monitoring: {serviceMonitor: true, podMonitor: true, rules: true, labels: {release: mine}}");
        var labelled = rendered.Where(o => o.Text("apiVersion").StartsWith(OperatorSchemas.Group, StringComparison.Ordinal)).ToArray();
        Assert.Equal(3, labelled.Length);
        Assert.All(labelled, o => Assert.Equal("mine", o.Text("metadata", "labels", "release")));
    }

    [Fact]
    public void Pools_WithEveryKey_AreReadByTheProgramAsTheyAreWritten()
    {
        const string Pools = """
            - name: default
              protocol: layer2
              addresses: [192.168.96.100-192.168.96.150, 'fd00:96::/120']
              reserved: [192.168.96.120]
              auto-assign: false
              avoid-buggy-ips: true
              priority: 1000000
              namespaces: [prod]
              namespace-selectors: [{match-labels: {team: "true"}}]
              service-selectors: [{match-expressions: [{key: tier, operator: In, values: [front, "1"]}]}]
              node-selectors: [{match-expressions: [{key: edge, operator: Exists}]}, {}]
              interfaces: [eth0]
            """;
        var rendered = HelmProgram.Render($"pools:\n{Pools}");
        JsonNode configMap = Assert.Single(rendered, o => o.Text("kind") == "ConfigMap");
        Assert.Equal("ConfigMap loadbalancer-system/config", Manifests.Title(configMap));
        var read = PoolConfigText.Read(configMap.Text("data", PoolConfigSource.DataKey));
        Assert.Empty(read.Problems);
        var meant = Assert.Single(PoolConfigText.Read($"address-pools:\n{Pools}").Config!.Pools);
        Assert.Equivalent(meant, Assert.Single(read.Config!.Pools), strict: true);
    }

    [Fact]
    public void Namespace_OfAnotherName_IsInEveryObjectAndFlag()
    {
        var rendered = HelmProgram.Render("""
            namespace: {name: lb}
            pools: [{name: a, protocol: layer2, addresses: [192.168.96.100/32]}]
            components: {markLostNodes: true, ownLease: true, kernel: true, viewer: true, secureMetrics: true}
            monitoring: {serviceMonitor: true, podMonitor: true}
            """);
        Assert.All(rendered, o => Assert.DoesNotContain("loadbalancer-system", o.ToJsonString(), StringComparison.Ordinal));
        Assert.All(["controller", "speaker"], name => Assert.Contains("--namespace=lb", Arguments(rendered, name)));
        AccessRight[] expected = [.. new[] { "mark-lost-nodes", "secure-metrics" }
            .SelectMany(name => new RbacRules(Component.Render(name)).GrantedTo(Manifests.Namespace, "controller"))
            .Select(right => right.Namespace == Manifests.Namespace ? right with { Namespace = "lb" } : right)];
        Assert.Equal(expected.ToHashSet(), new RbacRules(rendered).GrantedTo("lb", "controller").ToHashSet());
    }

    [Fact]
    public void Namespace_ThatIsThereAlready_IsNotRendered() =>
        Assert.DoesNotContain(HelmProgram.Render("namespace: {create: false}"), o => o.Text("kind") == "Namespace");

    [Fact]
    public void NetworkPolicies_SwitchedOff_LeaveNone() => Assert.DoesNotContain(
        HelmProgram.Render("{networkPolicies: false, components: {markLostNodes: true, secureMetrics: true}}"), o => o.Text("kind") == "NetworkPolicy");

    [Fact]
    public void Flags_OfThePrograms_AreArgumentsOfTheirContainers()
    {
        var rendered = HelmProgram.Render("""
            lbClass: example.com/lb
            logLevel: debug
            speaker: {interfacesExclude: '^docker.*,kind:vxlan', promiscuous: '^wlan.*', probeInterval: 'off', heartbeatInterval: 200ms, grace: 10s, ignoreExcludeLabel: true, rebalance: true}
            """);
        string[] both = ["--lb-class=example.com/lb", "--log-level=debug"];
        Assert.Equal(both.Order(StringComparer.Ordinal), Arguments(rendered, "controller").Except(Arguments(Manifests.Installed, "controller")).Order(StringComparer.Ordinal));
        Assert.Equal(
            [
                "--grace=10s", "--heartbeat-interval=200ms", "--ignore-exclude-label=true", "--interfaces-exclude=^docker.*,kind:vxlan",
                .. both, "--probe-interval=off", "--promiscuous=^wlan.*", "--rebalance=true",
            ],
            Arguments(rendered, "speaker").Except(Arguments(Manifests.Installed, "speaker")).Order(StringComparer.Ordinal));
    }

    [Theory]
    [InlineData("controller")]
    [InlineData("speaker")]
    public void Workload_TakesTheValuesOfItsPods(string name)
    {
        var rendered = HelmProgram.Render($$"""
            image: {registry: 'registry.lan:5000', tag: 1.2.3, pullPolicy: Always, pullSecrets: [mine]}
            {{name}}:
              resources:
                requests: {cpu: 1, memory: 1Gi}
                limits: {memory: 2Gi}
              nodeSelector: {edge: "true"}
              tolerations: [{key: a, operator: Equal, value: b, effect: NoSchedule}]
            """);
        var spec = Manifests.PodSpec(rendered.Single(o => o.Text("kind") is "Deployment" or "DaemonSet" && Manifests.Name(o) == name));
        var container = Assert.Single(spec.Objects("containers"));
        Assert.Equal($"registry.lan:5000/loadbalancer/{name}:1.2.3", container.Text("image"));
        Assert.Equal("Always", container.Text("imagePullPolicy"));
        Assert.Equal("mine", Assert.Single(spec.Objects("imagePullSecrets")).Text("name"));
        Assert.Equal("""{"limits":{"memory":"2Gi"},"requests":{"cpu":1,"memory":"1Gi"}}""", container["resources"]!.ToJsonString());
        Assert.Equal("true", spec.Text("nodeSelector", "edge"));
        Assert.Equal("a", Assert.Single(spec.Objects("tolerations")).Text("key"));
    }

    [Fact]
    public void Chart_Linted_HasNoError()
    {
        var result = HelmProgram.Run("lint", HelmProgram.Folder);
        Assert.True(result.ExitCode == 0, result.Output + result.Errors);
        Assert.DoesNotContain("[ERROR]", result.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("[WARNING]", result.Output, StringComparison.Ordinal);
    }

    /// <summary><c>mark-lost-nodes</c> → <c>markLostNodes</c>.</summary>
    internal static string ValueOf(string component) =>
        string.Concat(component.Split('-').Select((word, index) => index == 0 ? word : char.ToUpperInvariant(word[0]) + word[1..]));

    private static IEnumerable<string> Arguments(IEnumerable<JsonObject> objects, string workload) => Manifests.Container(
        objects.Single(o => o.Text("kind") is "Deployment" or "DaemonSet" && Manifests.Name(o) == workload)).Strings("args");

    private static void AssertSame(IEnumerable<JsonObject> expected, IReadOnlyList<JsonObject> rendered)
    {
        var byTitle = expected.ToDictionary(Manifests.Title);
        Assert.Equal(byTitle.Keys.Order(StringComparer.Ordinal), rendered.Select(Manifests.Title).Order(StringComparer.Ordinal));
        Assert.All(rendered, o => Assert.True(
            JsonNode.DeepEquals(byTitle[Manifests.Title(o)], o), $"{byTitle[Manifests.Title(o)].ToJsonString()}\nis rendered as\n{o.ToJsonString()}"));
    }
}
