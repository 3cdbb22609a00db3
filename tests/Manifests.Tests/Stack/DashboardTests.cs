using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using LoadBalancer.LocalCluster.ApiServer.Json;
using LoadBalancer.LocalCluster.Isolation;
using LoadBalancer.LocalCluster.Monitoring;

namespace LoadBalancer.Manifests.Tests.Stack;

/// <summary>The dashboards as files; that each query has data is shown in the local cluster (Cluster.Tests/Stack).</summary>
public sealed partial class DashboardTests
{
    public static TheoryData<string> Files => ["loadbalancer.json", "nodes.json"];

    [Theory]
    [MemberData(nameof(Files))]
    public void Dashboard_HasPanelsThatDoNotOverlap(string file)
    {
        var dashboard = Read(file);
        Assert.NotEmpty(dashboard.Text("uid"));
        Assert.NotEmpty(dashboard.Text("title"));
        var panels = dashboard.Objects("panels").ToArray();
        Assert.Equal(panels.Length, panels.Select(panel => panel.Number("id")).Distinct().Count());
        var taken = new HashSet<(long X, long Y)>();
        Assert.All(panels, panel =>
        {
            var (x, y) = (panel.Number("gridPos", "x")!.Value, panel.Number("gridPos", "y")!.Value);
            for (var column = x; column < x + panel.Number("gridPos", "w"); column++)
            {
                Assert.InRange(column, 0, 23);
                for (var line = y; line < y + panel.Number("gridPos", "h"); line++)
                {
                    Assert.True(taken.Add((column, line)), $"{file}: {panel.Text("title")} lies over another panel");
                }
            }
        });
    }

    [Theory]
    [MemberData(nameof(Files))]
    public void Panel_AsksTheDataSourceThatIsProvisioned(string file)
    {
        var uid = YamlText.Parse(ProjectFiles.Read("manifests", "monitoring", "grafana", "datasources.yml")).Objects("datasources").Single().Text("uid");
        Assert.All(
            Read(file).Objects("panels").Where(panel => panel.Text("type") != "row"),
            panel => Assert.All(panel.Objects("targets").Append(panel), part => Assert.Equal(uid, part.Text("datasource", "uid"))));
    }

    [Theory]
    [MemberData(nameof(Files))]
    public void Query_IsPromQl(string file)
    {
        var queries = Dashboard.Queries(Read(file), "5m");
        Assert.NotEmpty(queries);
        var rules = new JsonObject
        {
            ["groups"] = new JsonArray(new JsonObject
            {
                ["name"] = "queries",
                ["rules"] = new JsonArray([.. queries.Select((query, i) => new JsonObject { ["record"] = $"query:{i}", ["expr"] = query.Expression })]),
            }),
        };
        var path = Path.Combine(Path.GetTempPath(), $"{Path.GetRandomFileName()}.yml");
        File.WriteAllText(path, rules.ToJsonString());
        var result = Tool.Try("promtool", ["check", "rules", path]);
        File.Delete(path);
        Assert.True(result.ExitCode == 0, result.Output + result.Errors);
    }

    [Fact]
    public void Query_ThatTakesAFaultToHaveData_HasItThen()
    {
        var result = Tool.Try("promtool", ["test", "rules", ProjectFiles.At("tests", "Manifests.Tests", "Rules", "dashboards.test.yml")]);
        Assert.True(result.ExitCode == 0, result.Output + result.Errors);
    }

    [Fact]
    public void Metrics_OfOurs_InDashboardsAndAlerts_AreDocumented()
    {
        // docs/configuration.md is held against the code by DocumentationTests.
        var page = ProjectFiles.Read("docs", "configuration.md");
        var used = Files.Select(row => ProjectFiles.Read("manifests", "monitoring", "grafana", "dashboards", row.Data))
            .Append(ProjectFiles.Read("manifests", "monitoring", "prometheus", "prometheus.rules"))
            .SelectMany(text => OurMetric().Matches(text).Select(match => match.Value)).Distinct().ToArray();
        Assert.NotEmpty(used);
        Assert.All(used, metric => Assert.Contains($"\n| `{HistogramPart().Replace(metric, "")}` | ", page, StringComparison.Ordinal));
    }

    private static JsonObject Read(string file) =>
        JsonNode.Parse(ProjectFiles.Read("manifests", "monitoring", "grafana", "dashboards", file))!.AsObject();

    [GeneratedRegex(@"\bloadbalancer_[a-z_]+")]
    private static partial Regex OurMetric();

    [GeneratedRegex("_(bucket|sum|count)$")]
    private static partial Regex HistogramPart();
}
