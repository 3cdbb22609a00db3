using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using LoadBalancer.LocalCluster;
using LoadBalancer.LocalCluster.ApiServer.Json;
using LoadBalancer.LocalCluster.Monitoring;
using LoadBalancer.LocalCluster.Network;
using LoadBalancer.LocalCluster.Probes;
using LoadBalancer.LocalCluster.Programs;

namespace LoadBalancer.Cluster.Tests.Stack;

/// <summary>What a user of the manifests sees from a machine of the LAN.</summary>
public sealed partial class MonitoringTests(ClusterFixture fixture, MonitoringPods pods, ITestOutputHelper output)
    : ProgramTest(fixture, output), IClassFixture<MonitoringPods>
{
    // Ten seconds a scrape, two scrapes for a rate, and a machine that does other things too.
    private static readonly TimeSpan AFewScrapes = TimeSpan.FromSeconds(90);

    // With --mark-lost-nodes only; NodeLossTests asks for those.
    private const string OffByDefault = "loadbalancer_node_loss_";

    public static TheoryData<string> Dashboards => ["loadbalancer.json", "nodes.json"];

    public override async ValueTask InitializeAsync()
    {
        await base.InitializeAsync();
        await pods.StartAsync(Cluster);
    }

    [Theory]
    [InlineData("prometheus", 8080, "/-/ready")]
    [InlineData("alertmanager", 9093, "/-/ready")]
    public async Task Service_OfTheManifests_AnswersTheClientThroughItsAddress(string name, int port, string path)
    {
        string address = await Cluster.WaitForAddressAsync(name, "monitoring");
        await HttpStatus.GetAsync(Cluster.Client, address, port, path, 200);
        await OwnerOnWireAsync(address);
    }

    [Fact]
    public async Task Prometheus_OnItsNodePort_AnswersToo() => await HttpStatus.GetAsync(Cluster.Client, Cluster.Nodes[2].Host.Address, 30003, "/-/ready", 200);

    [Fact]
    public async Task NodeExporter_BehindALoadBalancerServiceMadeOfItsOwn_Answers()
    {
        // The manifest's Service is headless: each node is asked by itself. The same Service with an address:
        JsonObject service = await Cluster.Api.GetAsync("/api/v1/namespaces/monitoring/services/node-exporter");
        var exposed = new JsonObject
        {
            ["apiVersion"] = "v1",
            ["kind"] = "Service",
            ["metadata"] = new JsonObject { ["name"] = "node-exporter-exposed", ["namespace"] = "monitoring" },
            ["spec"] = new JsonObject { ["type"] = "LoadBalancer", ["selector"] = service["spec"]!["selector"]!.DeepClone(), ["ports"] = service["spec"]!["ports"]!.DeepClone() },
        };
        await Cluster.Api.CreateAsync("/api/v1/namespaces/monitoring/services", exposed);
        string address = await Cluster.WaitForAddressAsync("node-exporter-exposed", "monitoring");
        string page = await HttpStatus.GetAsync(Cluster.Client, address, 9100, "/metrics", 200);
        Assert.Contains("node_memory_MemAvailable_bytes", page, StringComparison.Ordinal);
        await Cluster.Api.DeleteAsync("/api/v1/namespaces/monitoring/services/node-exporter-exposed");
    }

    [Fact]
    public async Task Prometheus_HasOurProgramsAndTheClustersPartsAsHealthyTargets()
    {
        PrometheusClient prometheus = await PrometheusAsync();
        (string Job, int Count)[] expected =
        [
            ("loadbalancer-controller", 2), ("loadbalancer-speaker", 3), ("node-exporter", 3), ("kube-state-metrics", 1),
            ("alertmanager", 1), ("kubernetes-apiservers", 1), ("prometheus", 1),
        ];
        string found = "";
        await Eventually.GetAsync(
            async () =>
            {
                var targets = await prometheus.TargetsAsync();
                found = string.Join('\n', targets.SelectMany(job => job.Select(target => $"{job.Key} {target}")));
                return expected.All(job => targets[job.Job].Count() == job.Count && targets[job.Job].All(target => target.Health == "up")) ? "all" : null;
            },
            AFewScrapes, "healthy targets", () => found);

        // No kubelet runs here; that they are looked for in the right place is all this can show of them.
        var kubelets = (await prometheus.TargetsAsync())["kubernetes-cadvisor"].Select(target => target.Url).Order(StringComparer.Ordinal);
        Assert.Equal(Cluster.Nodes.Select(node => $"https://{node.Host.Address}:10250/metrics/cadvisor"), kubelets);
    }

    [Fact]
    public async Task Prometheus_KnowsItsAlertmanagerAndEvaluatesEveryRule()
    {
        PrometheusClient prometheus = await PrometheusAsync();
        await Eventually.GetAsync(
            async () => (await prometheus.AlertmanagersAsync()) is [{ } url] && url.Contains(":9093/", StringComparison.Ordinal) ? url : null, AFewScrapes, "one Alertmanager");
        JsonObject[] rules = [];
        await Eventually.GetAsync(
            async () => (rules = await prometheus.RulesAsync()).All(rule => rule.Text("health") == "ok") && rules.Length > 0 ? "all" : null,
            AFewScrapes, "healthy rules", () => string.Join('\n', rules.Select(rule => rule.ToJsonString())));
    }

    [Theory]
    [MemberData(nameof(Dashboards))]
    public async Task Query_OfEveryPanel_ReturnsData(string file)
    {
        // A Service that waits, one that is announced, and questions for an address that is nobody's.
        string waiting = NewName("waiting");
        await CreateServiceAsync(waiting, annotations: new JsonObject { ["metallb.io/address-pool"] = "nowhere" });
        string served = NewName();
        await CreateServiceAsync(served);
        await OwnerOnWireAsync(await Cluster.WaitForAddressAsync(served));
        await using ArpProbe nobody = ArpProbe.Start(Cluster.Client, "192.168.96.77");
        PrometheusClient prometheus = await PrometheusAsync();
        var dashboard = JsonNode.Parse(await File.ReadAllTextAsync(Path.Combine(ProgramFile.Root, "manifests/monitoring/grafana/dashboards", file), Cancel))!.AsObject();
        List<PanelQuery> left = [.. Dashboard.Queries(dashboard, "1m").Where(query => !ProvedByRulesTest(query.Expression))];
        int all = left.Count;
        long began = TimeProvider.System.GetTimestamp();
        await Eventually.GetAsync(
            async () =>
            {
                for (int i = left.Count - 1; i >= 0; i--)
                {
                    if ((await prometheus.QueryAsync(left[i].Expression)).Length > 0)
                    {
                        left.RemoveAt(i);
                    }
                }

                return left.Count == 0 ? "all" : null;
            },
            AFewScrapes, $"data for every query of {file}", () => string.Join('\n', left.Select(query => $"{query.Panel}: {query.Expression}")));
        Figure($"{file}: {all} queries had data after {TimeProvider.System.GetElapsedTime(began).TotalSeconds:0.0} s");
    }

    [Fact]
    public async Task Metric_OfEveryAlert_ReturnsData()
    {
        // An address that is a node's: the addresses of pools that are passed over have a series only when there are any.
        await Cluster.SetConfigAsync($"{UsualConfig}\n- name: of-a-node\n  protocol: layer2\n  auto-assign: false\n  addresses: [{Cluster.Nodes[0].Host.Address}/32]\n");
        string waiting = NewName("waiting");
        await CreateServiceAsync(waiting, annotations: new JsonObject { ["metallb.io/address-pool"] = "nowhere" });
        PrometheusClient prometheus = await PrometheusAsync();
        string rules = await File.ReadAllTextAsync(Path.Combine(ProgramFile.Root, "manifests/monitoring/prometheus/prometheus.rules"), Cancel);
        List<string> metrics = [.. YamlText.Parse(rules).Objects("groups").SelectMany(group => group.Objects("rules"))
            .SelectMany(rule => MetricName().Matches(rule.Text("expr")).Select(match => match.Value)).Distinct()
            .Where(metric => !metric.StartsWith(OffByDefault, StringComparison.Ordinal))];
        Assert.NotEmpty(metrics);
        await Eventually.GetAsync(
            async () =>
            {
                for (int i = metrics.Count - 1; i >= 0; i--)
                {
                    if ((await prometheus.QueryAsync(metrics[i])).Length > 0)
                    {
                        metrics.RemoveAt(i);
                    }
                }

                return metrics.Count == 0 ? "all" : null;
            },
            AFewScrapes, "data for every metric of the alerts", () => string.Join('\n', metrics));
        await Cluster.SetConfigAsync(UsualConfig);
    }

    [Fact]
    public async Task Owner_OfEachAddress_IsWhatTheWireSays()
    {
        string name = NewName();
        await CreateServiceAsync(name);
        string address = await Cluster.WaitForAddressAsync(name);
        Node owner = await OwnerOnWireAsync(address);
        PrometheusClient prometheus = await PrometheusAsync();
        string found = "";
        await Eventually.GetAsync(
            async () =>
            {
                JsonObject[] series = await prometheus.QueryAsync($"loadbalancer_speaker_vip_owned{{vip=\"{address}\"}}");
                found = string.Join(", ", series.Select(one => one.Text("metric", "node")));
                return found == owner.Name ? found : null;
            },
            AFewScrapes, $"{owner.Name} as the owner of {address}", () => found);
    }

    /// <summary>Whether a case of promtool shows the query, because it takes a fault to have data.</summary>
    private static bool ProvedByRulesTest(string expression)
    {
        string text = File.ReadAllText(Path.Combine(ProgramFile.Root, "tests/Manifests.Tests/Rules/dashboards.test.yml"));
        return YamlText.Parse(text).Objects("tests").SelectMany(test => test.Objects("promql_expr_test")).Any(test => test.Text("expr") == expression);
    }

    private async Task<PrometheusClient> PrometheusAsync()
    {
        string address = await Cluster.WaitForAddressAsync("prometheus", "monitoring");
        await HttpStatus.GetAsync(Cluster.Client, address, 8080, "/-/ready", 200);
        return new PrometheusClient(Cluster.Client, address);
    }

    [GeneratedRegex(@"\b(?:loadbalancer_[a-z_]+|kube_[a-z_]+|up)\b(?=[^""]*(?:""[^""]*""[^""]*)*$)")]
    private static partial Regex MetricName();
}
