using LoadBalancer.LocalCluster.Network;

namespace LoadBalancer.LocalCluster.Proxy;

/// <summary>The nftables text for one Service port on one node; pure.</summary>
/// <param name="Chains">Chain names with their rules.</param>
/// <param name="Elements">Entries of the dispatch maps, <c>map { key : value }</c> split into map and entry.</param>
internal sealed record PortRules(IReadOnlyDictionary<string, string[]> Chains, IReadOnlySet<(string Map, string Entry)> Elements)
{
    internal const string Masquerade = "meta mark set meta mark | 0x4000";

    internal static readonly PortRules None = new(new Dictionary<string, string[]>(), new HashSet<(string, string)>());

    /// <param name="id">A number of the port, unique on the node.</param>
    /// <param name="port">The port.</param>
    /// <param name="node">The node's name.</param>
    internal static PortRules For(int id, ProxiedPort port, string node)
    {
        var elements = new HashSet<(string, string)>();
        string Destination(string address) => $"{address} . {port.Protocol} . {port.Port}";
        if (port.Endpoints.Count == 0)
        {
            elements.UnionWith(port.ExternalIps.Append(port.ClusterIp).Select(address => ("empty", Destination(address))));
            return None with { Elements = elements };
        }

        string pick = $"pick{id}", inside = $"inside{id}", outside = $"outside{id}";
        elements.Add(("services", $"{Destination(port.ClusterIp)} : goto {inside}"));
        elements.UnionWith(port.ExternalIps.Select(address => ("services", $"{Destination(address)} : goto {outside}")));
        if (port.NodePort != 0)
        {
            elements.Add(("node_ports", $"{port.Protocol} . {port.NodePort} : goto {outside}"));
        }

        var chains = new Dictionary<string, string[]>
        {
            [pick] = [Pick(port.Protocol, port.Endpoints)],
            [inside] = [$"{Pods(port, "!=")} {Masquerade}", $"goto {pick}"],
            [outside] = port.Local ? OutsideLocal(port, node, pick) : [Masquerade, $"goto {pick}"],
        };
        return new PortRules(chains, elements);
    }

    /// <summary>externalTrafficPolicy Local: this node's pods see the client's address; the cluster itself reaches every pod.</summary>
    private static string[] OutsideLocal(ProxiedPort port, string node, string pick)
    {
        ProxyEndpoint[] here = [.. port.Endpoints.Where(endpoint => endpoint.Node == node)];
        return
        [
            $"{Pods(port, "==")} goto {pick}",
            $"fib saddr type local {Masquerade} goto {pick}",
            here.Length == 0 ? "drop" : Pick(port.Protocol, here),
        ];
    }

    private static string Pods(ProxiedPort port, string comparison) =>
        port.IPv6 ? $"ip6 saddr {comparison} {Lan.Pods6}" : $"ip saddr {comparison} {Lan.Pods}";

    private static string Pick(string protocol, IReadOnlyList<ProxyEndpoint> endpoints) => endpoints.Count == 1
        ? $"meta l4proto {protocol} dnat to {Lan.UrlHost(endpoints[0].Address)}:{endpoints[0].Port}"
        : $"meta l4proto {protocol} dnat to numgen random mod {endpoints.Count} map {{ {string.Join(", ", endpoints.Select((e, i) => $"{i} : {e.Address} . {e.Port}"))} }}";
}
