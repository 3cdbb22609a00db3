using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using LoadBalancer.LocalCluster.ApiServer.Json;
using LoadBalancer.LocalCluster.Isolation;
using LoadBalancer.LocalCluster.Monitoring;

namespace LoadBalancer.Manifests.Tests.Stack;

/// <summary>What Prometheus and Alertmanager themselves say of the files they are given.</summary>
public sealed partial class PrometheusTests
{
    private const string Folder = "manifests/monitoring/prometheus";
    private static readonly string RuleTests = ProjectFiles.At("tests", "Manifests.Tests", "Rules", "loadbalancer.test.yml");

    private static IReadOnlyList<JsonObject> Alerts { get; } =
        [.. YamlText.Parse(ProjectFiles.Read(Folder, "prometheus.rules")).Objects("groups").SelectMany(group => group.Objects("rules"))];

    public static TheoryData<string> AlertNames => [.. Alerts.Select(alert => alert.Text("alert"))];

    [Fact]
    public void Configuration_IsAcceptedByPromtool()
    {
        // Debian builds Prometheus without Kubernetes service discovery; ScrapeConfig checks those entries and puts files in their place.
        var folder = Directory.CreateTempSubdirectory("prometheus-config-").FullName;
        var file = Path.Combine(folder, "prometheus.yml");
        var config = new ScrapeConfig(ProjectFiles.Read(Folder, "prometheus.yml"), folder);
        File.WriteAllText(file, config.Text);
        File.Copy(ProjectFiles.At(Folder, "prometheus.rules"), Path.Combine(folder, "prometheus.rules"));
        Run("promtool", "check", "config", "--syntax-only", file);
        Directory.Delete(folder, recursive: true);
    }

    [Fact]
    public void Jobs_AreThoseTheAlertsAndDashboardsName()
    {
        var config = new ScrapeConfig(ProjectFiles.Read(Folder, "prometheus.yml"), "/nowhere");
        Assert.Superset(
            new HashSet<string>([
                "kubernetes-apiservers", "kubernetes-nodes", "kubernetes-cadvisor", "kube-state-metrics", "node-exporter", "kubernetes-pods",
                "kubernetes-services", "loadbalancer-controller", "loadbalancer-speaker", "alertmanager"]),
            config.Jobs.ToHashSet());
        Assert.Equal("10s", YamlText.Parse(ProjectFiles.Read(Folder, "prometheus.yml")).Text("global", "scrape_interval"));
    }

    [Fact]
    public void ServiceDiscovery_MayWatchWhatItAsksFor()
    {
        var config = new ScrapeConfig(ProjectFiles.Read(Folder, "prometheus.yml"), "/nowhere");
        var rules = Kustomization.Of("monitoring").Find("ClusterRole", "", "monitoring:prometheus").Objects("rules").ToArray();
        Assert.All(config.Requests.SelectMany(request => request.Role switch
        {
            "node" => ["nodes"],
            "pod" => ["pods"],
            _ => (string[])["endpointslices", "services", "pods"],
        }).Distinct(), resource => Assert.All(["list", "watch"], verb =>
            Assert.Contains(rules, rule => rule.Strings("resources").Contains(resource) && rule.Strings("verbs").Contains(verb))));
    }

    [Fact]
    public void Rules_AreAcceptedByPromtool() => Run("promtool", "check", "rules", ProjectFiles.At(Folder, "prometheus.rules"));

    [Fact]
    public void Alertmanager_AcceptsItsConfiguration() =>
        Run("amtool", "check-config", ProjectFiles.At("manifests", "monitoring", "alertmanager", "alertmanager.yml"));

    [Fact]
    public void AlertRules_DoWhatTheirTestsSay() => Run("promtool", "test", "rules", RuleTests);

    [Theory]
    [MemberData(nameof(AlertNames))]
    public void Alert_HasACaseInWhichItFiresAndOneInWhichItDoesNot(string alert)
    {
        var cases = YamlText.Parse(File.ReadAllText(RuleTests)).Objects("tests").SelectMany(test => test.Objects("alert_rule_test"))
            .Where(test => test.Text("alertname") == alert).ToArray();
        Assert.Contains(cases, test => test.Objects("exp_alerts").Any());
        Assert.Contains(cases, test => !test.Objects("exp_alerts").Any());
    }

    [Theory]
    [MemberData(nameof(AlertNames))]
    public void Alert_SaysWhatIsWrongAndLeadsToTheRunbook(string name)
    {
        var alert = Alerts.Single(alert => alert.Text("alert") == name);
        Assert.Contains(alert.Text("labels", "severity"), (string[])["warning", "critical"]);
        Assert.NotEmpty(alert.Text("annotations", "summary"));
        Assert.NotEmpty(alert.Text("annotations", "description"));
        Assert.Equal($"docs/runbook.md#{name.ToLowerInvariant()}", alert.Text("annotations", "runbook_url"));
        Assert.Contains($"\n## {name}\n", ProjectFiles.Read("docs", "runbook.md"), StringComparison.Ordinal);
    }

    [Fact]
    public void Runbook_HasNoSectionOfAnAlertThatIsGone() => Assert.Empty(
        SectionOfAlert().Matches(ProjectFiles.Read("docs", "runbook.md")).Select(match => match.Groups[1].Value)
            .Except(Alerts.Select(alert => alert.Text("alert"))));

    [Fact]
    public void PrometheusRule_OfTheOperator_HasTheSameGroups() => Assert.True(
        JsonNode.DeepEquals(
            YamlText.Parse(ProjectFiles.Read(Folder, "prometheus.rules")).At("groups"),
            Assert.Single(Kustomization.Of("kube-prometheus-stack").OfKind("PrometheusRule")).At("spec", "groups")),
        "manifests/kube-prometheus-stack/rules.yaml is not what prometheus.rules makes: run 'make manifests'.");

    [Fact]
    public void HelmValues_PlaceEverythingButNodeExporterOnTheLabelledNode()
    {
        var values = YamlText.Parse(ProjectFiles.Read("manifests", "kube-prometheus-stack", "values.yaml"));
        Assert.All(
            [["prometheus", "prometheusSpec"], ["alertmanager", "alertmanagerSpec"], ["grafana"]],
            (string[] path) => Assert.Equal("monitoring", values.At([.. path, "nodeSelector"]).Text("system.rule")));
        Assert.Null(values.At("prometheus-node-exporter", "nodeSelector"));
        Assert.All(["prometheus", "grafana"], name => Assert.Equal("LoadBalancer", values.Text(name, "service", "type")));
        Assert.Equal("grafana-admin", values.Text("grafana", "admin", "existingSecret"));
    }

    private static void Run(string tool, params string[] arguments)
    {
        Assert.True(Tool.Find(tool) is not null, $"This test needs {tool} (Debian: prometheus and prometheus-alertmanager; 'make test' installs them).");
        var result = Tool.Try(tool, arguments);
        Assert.True(result.ExitCode == 0, $"{result.Command}\n{result.Output}{result.Errors}");
    }

    [GeneratedRegex(@"^## (LoadBalancer\w+)$", RegexOptions.Multiline)]
    private static partial Regex SectionOfAlert();
}
