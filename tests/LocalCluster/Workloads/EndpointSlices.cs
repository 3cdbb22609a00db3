using System.Text.Json.Nodes;
using System.Threading.Channels;
using LoadBalancer.LocalCluster.Client;
using LoadBalancer.LocalCluster.Network;

namespace LoadBalancer.LocalCluster.Workloads;

/// <summary>Plays the EndpointSlice controller: for each Service with a selector, a slice a family of the pods it selects.</summary>
public sealed class EndpointSlices
{
    private static readonly TimeSpan RetryDelay = TimeSpan.FromMilliseconds(200);
    private readonly KubeApi _api;
    private readonly Mirror _services;
    private readonly Mirror _reported;
    private readonly Func<IReadOnlyList<(string Namespace, Pod Pod)>> _pods;
    private readonly TimeProvider _time;
    private readonly Channel<string> _dirty = Channel.CreateUnbounded<string>();
    private readonly Dictionary<string, string> _written = new(StringComparer.Ordinal);

    /// <param name="api">Where slices are written.</param>
    /// <param name="services">All Services.</param>
    /// <param name="reported">All Pods as the API server has them: what counts is what is reported, not what is so.</param>
    /// <param name="pods">The pods that run.</param>
    /// <param name="time">The clock.</param>
    public EndpointSlices(KubeApi api, Mirror services, Mirror reported, Func<IReadOnlyList<(string Namespace, Pod Pod)>> pods, TimeProvider time)
    {
        _api = api;
        _services = services;
        _reported = reported;
        _pods = pods;
        _time = time;
        services.Changed += key => _dirty.Writer.TryWrite(key);
        reported.Changed += _ => PodsChanged();
    }

    /// <summary>Pods came, went or changed: every Service may be concerned.</summary>
    public void PodsChanged()
    {
        foreach (JsonObject service in _services.All)
        {
            _dirty.Writer.TryWrite(Mirror.Key(service));
        }
    }

    /// <summary>Writes slices until cancelled.</summary>
    public async Task RunAsync(CancellationToken cancel)
    {
        await foreach (string key in _dirty.Reader.ReadAllAsync(cancel))
        {
            try
            {
                await SyncAsync(key);
            }
            catch (Exception outage) when (outage is HttpRequestException or IOException or OperationCanceledException)
            {
                await Task.Delay(RetryDelay, _time, cancel);
                _dirty.Writer.TryWrite(key);
            }
        }
    }

    private async Task SyncAsync(string key)
    {
        foreach (string family in (string[])["IPv4", "IPv6"])
        {
            string name = family == "IPv4" ? $"{key}-local" : $"{key}-local-ipv6";
            JsonObject? slice = _services[key] is { } service ? Slice(service, family, name.Split('/')[1]) : null;
            string text = slice?.ToJsonString() ?? "";
            if (_written.GetValueOrDefault(name, "") != text)
            {
                await WriteAsync(name, slice);
                _written[name] = text;
            }
        }
    }

    private async Task WriteAsync(string key, JsonObject? slice)
    {
        string[] parts = key.Split('/');
        string collection = $"/apis/discovery.k8s.io/v1/namespaces/{parts[0]}/endpointslices";
        if (slice is null)
        {
            await _api.DeleteAsync($"{collection}/{parts[1]}");
        }
        else
        {
            await _api.ApplyAsync(collection, slice);
        }
    }

    private JsonObject? Slice(JsonObject service, string family, string sliceName)
    {
        if (service["spec"]!["selector"]?.AsObject() is not { Count: > 0 } selector
            || service["spec"]!["ipFamilies"]?.AsArray().Any(asked => (string?)asked == family) != true)
        {
            return null;
        }

        string space = (string)service["metadata"]!["namespace"]!;
        string name = (string)service["metadata"]!["name"]!;
        Pod[] selected = [.. _pods().Where(entry => entry.Namespace == space).Select(entry => entry.Pod)
            .Where(pod => !pod.Terminated && selector.All(label => pod.Labels.GetValueOrDefault(label.Key) == (string?)label.Value))];
        return new JsonObject
        {
            ["apiVersion"] = "discovery.k8s.io/v1",
            ["kind"] = "EndpointSlice",
            ["addressType"] = family,
            ["metadata"] = new JsonObject
            {
                ["name"] = sliceName,
                ["namespace"] = space,
                ["labels"] = new JsonObject { ["kubernetes.io/service-name"] = name, ["endpointslice.kubernetes.io/managed-by"] = "endpointslice-controller.k8s.io" },
            },
            ["endpoints"] = new JsonArray([.. selected.Select(pod => (JsonNode)Endpoint(pod, space, family))]),
            ["ports"] = new JsonArray([.. service["spec"]!["ports"]!.AsArray().Select(port => (JsonNode)Port(port, selected))]),
        };
    }

    private JsonObject Endpoint(Pod pod, string space, string family)
    {
        JsonObject? reported = _reported[$"{space}/{pod.Name}"];
        bool ready = PodReadiness.IsReady(reported);
        return new JsonObject
        {
            ["addresses"] = new JsonArray(pod.Host.Addresses.First(address => Lan.IsIPv6(address) == (family == "IPv6"))),
            ["nodeName"] = pod.Node.Name,
            ["targetRef"] = new JsonObject { ["kind"] = "Pod", ["name"] = pod.Name, ["namespace"] = space, ["uid"] = (string?)reported?["metadata"]?["uid"] },
            ["conditions"] = new JsonObject { ["ready"] = ready, ["serving"] = ready, ["terminating"] = false },
        };
    }

    /// <summary>The pods of a Service are all of one kind here, so one slice has the port of all of them.</summary>
    private static JsonObject Port(JsonNode? port, Pod[] pods) => new()
    {
        ["name"] = (string?)port!["name"] ?? "",
        ["port"] = pods.FirstOrDefault()?.PortFor(port["targetPort"]) ?? Pod.Port,
        ["protocol"] = (string?)port["protocol"] ?? "TCP",
    };
}
