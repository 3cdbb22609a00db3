using System.Collections.Concurrent;
using System.Globalization;
using System.Text.Json.Nodes;
using LoadBalancer.LocalCluster;
using LoadBalancer.LocalCluster.Client;
using LoadBalancer.LocalCluster.Workloads;

namespace LoadBalancer.Benchmarks.Scale;

/// <summary>Services that are created at once, and how long each waits for its address: from before its creation is sent to when a watch shows the address.</summary>
/// <param name="api">The API server, through as many connections as create at once.</param>
/// <param name="services">All Services, followed by a watch.</param>
internal sealed class Burst(KubeApi api, Mirror services)
{
    /// <summary>How many are created at a time.</summary>
    public const int Connections = 16;

    private const string ServicesPath = "/api/v1/namespaces/default/services";
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(5);

    // Labels and an annotation of the length that Helm charts and kubectl give them. The first is kube-proxy's own: it leaves these Services out.
    private static readonly JsonObject Labels = new()
    {
        ["service.kubernetes.io/service-proxy-name"] = "none", ["app.kubernetes.io/name"] = "web", ["app.kubernetes.io/part-of"] = "burst",
        ["app.kubernetes.io/managed-by"] = "Helm", ["helm.sh/chart"] = "web-1.2.3",
    };

    /// <summary>Creates them.</summary>
    /// <param name="first">The number of the first; their names follow from it.</param>
    /// <param name="count">How many.</param>
    /// <returns>The waits, ascending.</returns>
    public async Task<TimeSpan[]> CreateAsync(int first, int count)
    {
        var created = new ConcurrentDictionary<string, long>(StringComparer.Ordinal);
        var assigned = new ConcurrentDictionary<string, long>(StringComparer.Ordinal);
        void Note(string key)
        {
            if (created.ContainsKey(key) && Cluster.AddressesOf(services[key]).Count > 0)
            {
                assigned.TryAdd(key, TimeProvider.System.GetTimestamp());
            }
        }

        services.Changed += Note;
        await ForEachAsync(first, count, async name =>
        {
            created[$"default/{name}"] = TimeProvider.System.GetTimestamp();
            await api.CreateAsync(ServicesPath, Service(name));
        });
        await Eventually.TrueAsync(() => assigned.Count == count, Patience, "an address for each", () => assigned.Count.ToString(CultureInfo.InvariantCulture));
        services.Changed -= Note;
        return [.. assigned.Select(entry => TimeProvider.System.GetElapsedTime(created[entry.Key], entry.Value)).Order()];
    }

    /// <summary>Gives each an endpoint, as the EndpointSlice controller does: then it is announced.</summary>
    public Task ServeAsync(int first, int count, string node) => ForEachAsync(first, count, name => api.CreateAsync(
        "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices",
        new JsonObject
        {
            ["apiVersion"] = "discovery.k8s.io/v1",
            ["kind"] = "EndpointSlice",
            ["addressType"] = "IPv4",
            ["metadata"] = new JsonObject
            {
                ["name"] = $"{name}-x7k2p",
                ["labels"] = new JsonObject { ["kubernetes.io/service-name"] = name, ["endpointslice.kubernetes.io/managed-by"] = "endpointslice-controller.k8s.io" },
            },
            ["endpoints"] = new JsonArray(new JsonObject
            {
                ["addresses"] = new JsonArray("10.244.1.9"), ["nodeName"] = node, ["conditions"] = new JsonObject { ["ready"] = true, ["serving"] = true, ["terminating"] = false },
            }),
            ["ports"] = new JsonArray(new JsonObject { ["name"] = "http", ["port"] = 8080, ["protocol"] = "TCP" }),
        }));

    /// <summary>Takes them away again.</summary>
    public Task DeleteAsync(int first, int count) => ForEachAsync(first, count, name => api.DeleteAsync($"{ServicesPath}/{name}"));

    private static JsonObject Service(string name)
    {
        var service = ServiceObject.LoadBalancer(name, new JsonObject { ["selector"] = null, ["allocateLoadBalancerNodePorts"] = false },
            new JsonObject { ["meta.helm.sh/release-name"] = name, ["meta.helm.sh/release-namespace"] = "default" });
        service["metadata"]!["labels"] = Labels.DeepClone();
        return service;
    }

    private static Task ForEachAsync(int first, int count, Func<string, Task> act) => Parallel.ForEachAsync(
        Enumerable.Range(first, count), new ParallelOptions { MaxDegreeOfParallelism = Connections }, async (number, _) => await act($"burst-{number}"));
}
