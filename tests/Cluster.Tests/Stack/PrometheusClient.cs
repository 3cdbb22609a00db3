using System.Text.Json.Nodes;
using LoadBalancer.LocalCluster.ApiServer.Json;
using LoadBalancer.LocalCluster.Network;

namespace LoadBalancer.Cluster.Tests.Stack;

/// <summary>Prometheus' HTTP API, asked by a host of the LAN through the Service's address.</summary>
/// <param name="from">Who asks.</param>
/// <param name="address">The Service's address.</param>
internal sealed class PrometheusClient(Host from, string address)
{
    /// <summary>The series an expression has now.</summary>
    public async Task<JsonObject[]> QueryAsync(string expression) =>
        [.. (await GetAsync($"query?query={Uri.EscapeDataString(expression)}")).Objects("data", "result")];

    /// <summary>The targets by job, each with its health.</summary>
    public async Task<ILookup<string, (string Url, string Health, string Error)>> TargetsAsync() =>
        (await GetAsync("targets?state=active")).Objects("data", "activeTargets")
            .ToLookup(target => target.Text("labels", "job"), target => (target.Text("scrapeUrl"), target.Text("health"), target.Text("lastError")));

    /// <summary>The addresses of the Alertmanagers it sends to.</summary>
    public async Task<string[]> AlertmanagersAsync() =>
        [.. (await GetAsync("alertmanagers")).Objects("data", "activeAlertmanagers").Select(entry => entry.Text("url"))];

    /// <summary>The rules it evaluates, each with its health.</summary>
    public async Task<JsonObject[]> RulesAsync() => [.. (await GetAsync("rules")).Objects("data", "groups").SelectMany(group => group.Objects("rules"))];

    private async Task<JsonNode> GetAsync(string path)
    {
        using HttpClient http = from.Http(TimeSpan.FromSeconds(10));
        using HttpResponseMessage response = await http.GetAsync(new Uri($"http://{address}:8080/api/v1/{path}"), TestContext.Current.CancellationToken);
        var body = JsonNode.Parse(await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
        Assert.True(body.Text("status") == "success", $"{path}: {body.Text("error")}");
        return body!;
    }
}
