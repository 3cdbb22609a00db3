using System.Text;
using LoadBalancer.LocalCluster.Isolation;
using LoadBalancer.LocalCluster.Network;

namespace LoadBalancer.LocalCluster.Proxy;

/// <summary>
/// The rules of one node for one family. Only what changed is told to the kernel, in one transaction; connections that are established keep
/// their translation in conntrack, as they do under kube-proxy.
/// </summary>
internal sealed class NodeProxy
{
    private readonly Node _node;
    private readonly bool _ipv6;
    private readonly Dictionary<string, PortRules> _current = new(StringComparer.Ordinal);

    internal NodeProxy(Node node, bool ipv6)
    {
        _node = node;
        _ipv6 = ipv6;
        Send(Frame);
    }

    private string Ip => _ipv6 ? "ip6" : "ip";

    private string AddressType => _ipv6 ? "ipv6_addr" : "ipv4_addr";

    private string Table => $"{Ip} service_proxy";

    private string Pods => _ipv6 ? Lan.Pods6 : Lan.Pods;

    // The last two rules of to_wire: pods leave the cluster under their node's address, as CNIs do it; and a pod that reaches another one
    // of its node by a Service's address gets the answer back through the node, for which kube-proxy needs br_netfilter.
    private string Frame =>
        $$"""
        add table {{Table}}
        add map {{Table}} services { type {{AddressType}} . inet_proto . inet_service : verdict; }
        add map {{Table}} node_ports { type inet_proto . inet_service : verdict; }
        add set {{Table}} empty { type {{AddressType}} . inet_proto . inet_service; }
        add chain {{Table}} dispatch
        add rule {{Table}} dispatch {{Ip}} daddr . meta l4proto . th dport vmap @services
        add rule {{Table}} dispatch fib daddr type local meta l4proto . th dport vmap @node_ports
        add chain {{Table}} refuse
        add rule {{Table}} refuse ct state new {{Ip}} daddr . meta l4proto . th dport @empty reject
        add chain {{Table}} from_wire { type nat hook prerouting priority dstnat; }
        add rule {{Table}} from_wire jump dispatch
        add chain {{Table}} from_node { type nat hook output priority -100; }
        add rule {{Table}} from_node jump dispatch
        add chain {{Table}} to_wire { type nat hook postrouting priority srcnat; }
        add rule {{Table}} to_wire meta mark & 0x4000 == 0x4000 masquerade
        add rule {{Table}} to_wire oifname eth0 {{Ip}} saddr {{Pods}} {{Ip}} daddr != {{Pods}} masquerade
        add rule {{Table}} to_wire oifname cni0 {{Ip}} saddr {{Pods}} ct status dnat masquerade
        add chain {{Table}} pass { type filter hook forward priority filter; }
        add rule {{Table}} pass jump refuse
        add chain {{Table}} leave { type filter hook output priority filter; }
        add rule {{Table}} leave jump refuse

        """;

    /// <summary>Puts the rules of some ports in force; <see cref="PortRules.None"/> removes a port.</summary>
    internal void Apply(IReadOnlyDictionary<string, (int Id, ProxiedPort? Port)> changes)
    {
        var away = new StringBuilder();
        var chains = new StringBuilder();
        var entries = new StringBuilder();
        var remains = new StringBuilder();
        foreach ((string key, (int id, ProxiedPort? port)) in changes)
        {
            if (port is not null && port.IPv6 != _ipv6)
            {
                continue;
            }

            PortRules before = _current.GetValueOrDefault(key, PortRules.None);
            PortRules now = port is null ? PortRules.None : PortRules.For(id, port, _node.Name);
            foreach ((string map, string entry) in before.Elements.Except(now.Elements))
            {
                away.Append($"delete element {Table} {map} {{ {entry} }}\n");
            }

            foreach ((string map, string entry) in now.Elements.Except(before.Elements))
            {
                entries.Append($"add element {Table} {map} {{ {entry} }}\n");
            }

            Rewrite(before, now, chains, remains);
            _current[key] = now;
            if (port is null)
            {
                _current.Remove(key);
            }
        }

        // An address may move between two ports in one go: first every entry that leaves, then those that come.
        string script = string.Concat(away, chains, entries, remains);
        if (script.Length > 0)
        {
            Send(script);
        }
    }

    private void Rewrite(PortRules before, PortRules now, StringBuilder chains, StringBuilder remains)
    {
        foreach ((string chain, string[] rules) in now.Chains)
        {
            if (before.Chains.TryGetValue(chain, out string[]? old) && old.SequenceEqual(rules))
            {
                continue;
            }

            chains.Append($"add chain {Table} {chain}\nflush chain {Table} {chain}\n");
            foreach (string rule in rules)
            {
                chains.Append($"add rule {Table} {chain} {rule}\n");
            }
        }

        // A chain can be deleted once nothing jumps to it: flush all of a port before deleting any.
        string[] unused = [.. before.Chains.Keys.Except(now.Chains.Keys)];
        remains.AppendJoin("", unused.Select(chain => $"flush chain {Table} {chain}\n"));
        remains.AppendJoin("", unused.Select(chain => $"delete chain {Table} {chain}\n"));
    }

    private void Send(string script)
    {
        ToolResult result = _node.Host.Network.Try("nft", ["-f", "-"], script);
        if (result.ExitCode != 0)
        {
            throw new ToolFailedException(result with { Output = script.Length < 4000 ? script : script[..4000] });
        }
    }
}
