using System.Text.Json.Nodes;
using LoadBalancer.LocalCluster.ApiServer.Json;

namespace LoadBalancer.LocalCluster.Monitoring;

/// <summary>
/// The shipped <c>prometheus.yml</c> for a Prometheus without Kubernetes service discovery, which Debian's is built without: each
/// <c>kubernetes_sd_configs</c> entry becomes a <c>file_sd_configs</c> entry whose file <see cref="Discovery"/> writes. Everything
/// else, relabelling and credentials included, stays as shipped.
/// </summary>
public sealed class ScrapeConfig
{
    private readonly JsonObject _config;
    private readonly List<DiscoveryRequest> _requests = [];

    /// <param name="yaml">The text of prometheus.yml.</param>
    /// <param name="folder">Where the files with targets are.</param>
    /// <exception cref="InvalidDataException">An entry of kubernetes_sd_configs has a key or role this does not play.</exception>
    public ScrapeConfig(string yaml, string folder)
    {
        _config = YamlText.Parse(yaml) as JsonObject ?? throw new InvalidDataException("prometheus.yml is no mapping");
        foreach (JsonObject holder in _config.Objects("scrape_configs").Concat(_config.Objects("alerting", "alertmanagers")).ToArray())
        {
            if (holder["kubernetes_sd_configs"] is JsonArray entries)
            {
                holder.Remove("kubernetes_sd_configs");
                holder["file_sd_configs"] = new JsonArray([.. entries.Select(entry => (JsonNode)FileEntry(Request(entry!.AsObject()), folder))]);
            }
        }
    }

    /// <summary>What service discovery is asked for, each once.</summary>
    public IReadOnlyList<DiscoveryRequest> Requests => _requests;

    /// <summary>The names of the jobs.</summary>
    public IEnumerable<string> Jobs => _config.Objects("scrape_configs").Select(job => job.Text("job_name"));

    /// <summary>The configuration as text; JSON is YAML.</summary>
    public string Text => _config.ToJsonString();

    private static JsonObject FileEntry(DiscoveryRequest request, string folder) => new JsonObject
    {
        ["files"] = new JsonArray(Path.Combine(folder, request.FileName)),
        ["refresh_interval"] = "10s",
    };

    private DiscoveryRequest Request(JsonObject entry)
    {
        if (entry.Select(pair => pair.Key).Except(["role", "namespaces"]).FirstOrDefault() is { } unknown)
        {
            throw new InvalidDataException($"kubernetes_sd_configs: the key '{unknown}' is not played here");
        }

        string role = entry.Text("role");
        if (!Discovery.Roles.Contains(role))
        {
            throw new InvalidDataException($"kubernetes_sd_configs: the role '{role}' is not played here");
        }

        var request = new DiscoveryRequest(role, string.Join(',', entry.Strings("namespaces", "names")));
        if (!_requests.Contains(request))
        {
            _requests.Add(request);
        }

        return request;
    }
}

/// <summary>One question to service discovery.</summary>
/// <param name="Role">The kind of targets: node, pod or endpointslice.</param>
/// <param name="Namespaces">The namespaces asked about, separated by commas; empty for all.</param>
public readonly record struct DiscoveryRequest(string Role, string Namespaces)
{
    public string FileName => $"{Role}{(Namespaces.Length == 0 ? "" : $"-{Namespaces}")}.json";
}
