using System.Text.Json.Nodes;
using LoadBalancer.LocalCluster.ApiServer.Json;
using LoadBalancer.LocalCluster.Isolation;

namespace LoadBalancer.Manifests.Tests.Stack;

/// <summary>manifests/examples/alerting: rules for any cluster and an Alertmanager that tells somebody, judged by Prometheus' own tools.</summary>
public sealed class AlertingExampleTests
{
    private const string Folder = "manifests/examples/alerting";
    private static readonly string RuleTests = ProjectFiles.At("tests", "Manifests.Tests", "Rules", "general.test.yml");

    private static IReadOnlyList<JsonObject> Alerts { get; } =
        [.. YamlText.Parse(ProjectFiles.Read(Folder, "general.rules")).Objects("groups").SelectMany(group => group.Objects("rules"))];

    public static TheoryData<string> AlertNames => [.. Alerts.Select(alert => alert.Text("alert"))];

    [Fact]
    public void Rules_AreAcceptedByPromtool_AndDoWhatTheirTestsSay()
    {
        Tool.Run("promtool", ["check", "rules", ProjectFiles.At(Folder, "general.rules")]);
        Tool.Run("promtool", ["test", "rules", RuleTests]);
    }

    [Theory]
    [MemberData(nameof(AlertNames))]
    public void Alert_HasACaseInWhichItFiresAndOneInWhichItDoesNot_AndIsExplained(string alert)
    {
        JsonObject[] cases = [.. Cases.Where(test => test.Text("alertname") == alert)];
        Assert.Contains(cases, test => test.Objects("exp_alerts").Any());
        Assert.Contains(cases, test => alert == "Watchdog" || !test.Objects("exp_alerts").Any());
        Assert.Equal("docs/monitoring.md#prometheus-by-hand", Alerts.Single(one => one.Text("alert") == alert).Text("annotations", "runbook_url"));
        Assert.Contains($"| `{alert}` | ", ProjectFiles.Read("docs", "monitoring.md"), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("at-once", "severity=critical", "alertname=NodeNotReady", "node=node1")]
    [InlineData("gathered", "severity=warning", "alertname=TargetDown")]
    [InlineData("alive", "severity=none", "alertname=Watchdog")]
    public void Alertmanager_TellsTheReceiverMeant(string receiver, params string[] labels)
    {
        string file = ProjectFiles.At(Folder, "alertmanager.yml");
        Tool.Run("amtool", ["check-config", file]);
        Assert.Equal(receiver, Tool.Run("amtool", ["config", "routes", "test", $"--config.file={file}", .. labels]).Trim());
    }

    [Fact]
    public void InhibitRule_NamesLabelsThatItsSourceHas()
    {
        JsonObject rule = Assert.Single(
            YamlText.Parse(ProjectFiles.Read(Folder, "alertmanager.yml")).Objects("inhibit_rules"), rule => rule.Strings("equal").Any());
        string source = rule.Strings("source_matchers").Single()["alertname = ".Length..];
        Assert.All(
            Cases.Where(test => test.Text("alertname") == source).SelectMany(test => test.Objects("exp_alerts")),
            alert => Assert.All(rule.Strings("equal"), label => Assert.NotEqual("", alert.Text("exp_labels", label))));
    }

    [Fact]
    public void Kustomization_AddsToWhatPrometheusReads_AndReplacesWhatAlertmanagerDoes()
    {
        JsonObject[] maps = [.. Kustomization.Of("examples/alerting").OfKind("ConfigMap")];
        JsonNode prometheus = maps.Single(map => Manifests.Name(map).StartsWith("prometheus-config-", StringComparison.Ordinal)).At("data")!;
        Assert.Equal(["general.rules", "prometheus.rules", "prometheus.yml"], prometheus.AsObject().Select(entry => entry.Key).Order(StringComparer.Ordinal));
        Assert.Equal("*.rules", Assert.Single(YamlText.Parse(prometheus.Text("prometheus.yml")).Strings("rule_files")));
        JsonNode alertmanager = maps.Single(map => Manifests.Name(map).StartsWith("alertmanager-config-", StringComparison.Ordinal)).At("data")!;
        Assert.Equal(ProjectFiles.Read(Folder, "alertmanager.yml"), alertmanager.Text("alertmanager.yml"));
    }

    private static IEnumerable<JsonObject> Cases =>
        YamlText.Parse(File.ReadAllText(RuleTests)).Objects("tests").SelectMany(test => test.Objects("alert_rule_test"));
}
