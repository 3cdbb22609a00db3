using System.Text.Json.Nodes;
using LoadBalancer.LocalCluster.ApiServer.Json;

namespace LoadBalancer.LocalCluster.Monitoring;

/// <summary>Reads a Grafana dashboard as Grafana does, as far as its queries go.</summary>
public static class Dashboard
{
    /// <summary>Each query of each panel, with the variables filled in as Grafana does when everything is selected.</summary>
    /// <param name="dashboard">The dashboard.</param>
    /// <param name="window">What <c>$__rate_interval</c> stands for, such as <c>1m</c>.</param>
    /// <exception cref="InvalidDataException">A query has a variable the dashboard does not define.</exception>
    public static IReadOnlyList<PanelQuery> Queries(JsonObject dashboard, string window)
    {
        string[] variables = [.. dashboard.Objects("templating", "list").Select(variable => variable.Text("name"))];
        return [.. dashboard.Objects("panels").SelectMany(panel => panel.Objects("targets")
            .Select(target => new PanelQuery(panel.Text("title"), Fill(target.Text("expr"), variables, window))))];
    }

    private static string Fill(string expression, string[] variables, string window)
    {
        string filled = variables.Aggregate(
            expression.Replace("$__rate_interval", window, StringComparison.Ordinal).Replace("$__range", "1h", StringComparison.Ordinal),
            (text, variable) => text.Replace($"${variable}", ".*", StringComparison.Ordinal));

        // "$1" is label_replace's, not Grafana's.
        int at = filled.IndexOf('$', StringComparison.Ordinal);
        return at < 0 || char.IsAsciiDigit(filled[at + 1]) ? filled : throw new InvalidDataException($"{expression}: an unknown variable");
    }
}

/// <summary>One query of a panel.</summary>
/// <param name="Panel">The panel's title.</param>
/// <param name="Expression">PromQL without variables.</param>
public sealed record PanelQuery(string Panel, string Expression);
