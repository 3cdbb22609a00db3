using System.Collections.Concurrent;
using System.Text.Json.Nodes;
using System.Threading.Channels;
using LoadBalancer.LocalCluster.Client;
using LoadBalancer.LocalCluster.Network;

namespace LoadBalancer.LocalCluster.Proxy;

/// <summary>
/// Stands in kube-proxy's place on every node: cluster IPs, load-balancer addresses and node ports lead to the pods of a
/// Service. Driven by what the API server says about Services and EndpointSlices.
/// </summary>
public sealed class ServiceProxy
{
    private const string ServiceName = "kubernetes.io/service-name";
    private const string ProxyName = "service.kubernetes.io/service-proxy-name";
    private readonly Mirror _services;
    private readonly Mirror _slices;
    private readonly NodeProxy[] _nodes;
    private readonly Channel<string> _dirty = Channel.CreateUnbounded<string>();
    private readonly ConcurrentDictionary<string, string> _serviceOfSlice = new(StringComparer.Ordinal);
    private readonly Dictionary<string, HashSet<string>> _portsOf = new(StringComparer.Ordinal);
    private readonly Dictionary<string, int> _ids = new(StringComparer.Ordinal);
    private int _nextId;

    public ServiceProxy(IEnumerable<Node> nodes, Mirror services, Mirror slices)
    {
        _services = services;
        _slices = slices;
        _nodes = [.. nodes.SelectMany(node => new[] { new NodeProxy(node, ipv6: false), new NodeProxy(node, ipv6: true) })];
        services.Changed += key => _dirty.Writer.TryWrite(key);
        slices.Changed += SliceChanged;
    }

    /// <summary>Follows the cluster until cancelled. Whatever changed while the last transaction ran goes into the next.</summary>
    public async Task RunAsync(CancellationToken cancel)
    {
        var keys = new HashSet<string>(StringComparer.Ordinal);
        while (await _dirty.Reader.WaitToReadAsync(cancel))
        {
            keys.Clear();
            while (_dirty.Reader.TryRead(out string? key))
            {
                keys.Add(key);
            }

            Dictionary<string, (int Id, ProxiedPort? Port)> changes = Changes(keys);
            await Task.WhenAll(_nodes.Select(node => Task.Run(() => node.Apply(changes), cancel)));
        }
    }

    private Dictionary<string, (int Id, ProxiedPort? Port)> Changes(IEnumerable<string> services)
    {
        var changes = new Dictionary<string, (int, ProxiedPort?)>(StringComparer.Ordinal);
        foreach (string service in services)
        {
            var now = new HashSet<string>(StringComparer.Ordinal);
            foreach (ProxiedPort port in Ports(service))
            {
                string key = $"{service}:{port.Protocol}:{port.Port}:{(port.IPv6 ? "IPv6" : "IPv4")}";
                now.Add(key);
                changes[key] = (Id(key), port);
            }

            foreach (string gone in _portsOf.GetValueOrDefault(service, []).Except(now))
            {
                changes[gone] = (Id(gone), null);
            }

            _portsOf[service] = now;
        }

        return changes;
    }

    // A Service with this label is another proxy's (v1 LabelServiceProxyName); kube-proxy leaves it out.
    private static bool IsAnothers(JsonObject service) => service["metadata"]!["labels"]?[ProxyName] is not null;

    private IEnumerable<ProxiedPort> Ports(string service) => _services[service] is { } found && !IsAnothers(found)
        ? ProxiedPort.Of(found, _serviceOfSlice.Where(pair => pair.Value == service).Select(pair => _slices[pair.Key]).OfType<JsonObject>())
        : [];

    private int Id(string key) => _ids.TryGetValue(key, out int id) ? id : _ids[key] = ++_nextId;

    private void SliceChanged(string key)
    {
        if (_slices[key] is { } slice && (string?)slice["metadata"]!["labels"]?[ServiceName] is { } name)
        {
            _serviceOfSlice[key] = $"{(string?)slice["metadata"]!["namespace"]}/{name}";
        }

        if (_serviceOfSlice.TryGetValue(key, out string? service))
        {
            _dirty.Writer.TryWrite(service);
        }
    }
}
