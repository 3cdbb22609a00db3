namespace LoadBalancer.LocalCluster.Network;

/// <summary>A Kubernetes node: a host that forwards, with a bridge for its pods.</summary>
public sealed class Node
{
    private readonly bool _hasIPv4;
    private int _pods;

    /// <param name="host">The machine.</param>
    /// <param name="number">The node's number, from 1.</param>
    /// <param name="nodes">How many nodes there are; it gets a route to the pods of each.</param>
    public Node(Host host, int number, int nodes)
    {
        Host = host;
        Number = number;
        _hasIPv4 = !Lan.IsIPv6(host.Address);
        host.Network.Set("net/ipv4/ip_forward", 1);
        host.Network.Set("net/ipv6/conf/all/forwarding", 1);
        host.Network.Set("net/ipv4/conf/all/rp_filter", 0);
        host.Network.Set("net/ipv4/conf/default/rp_filter", 0);
        host.Network.Set("net/ipv4/conf/eth0/rp_filter", 0);
        IEnumerable<string> routes = Enumerable.Range(1, nodes).Where(other => other != number)
            .Select(other => OfFamilies($"route add {Lan.PodPrefix(other)} via {Lan.Node(other)}\n", $"route add {Lan.PodPrefix6(other)} via {Lan.IPv6(Lan.Node(other))}\n"));
        host.Network.Ip(
            $"""
            link add cni0 type bridge forward_delay 0
            link set cni0 up
            {OfFamilies($"addr add {Lan.PodGateway(number)}/24 dev cni0\n", $"addr add {Lan.PodGateway6(number)}/64 dev cni0 nodad\n")}
            {string.Concat(routes)}
            """);
    }

    public string Name => Host.Name;

    public Host Host { get; }

    /// <summary>From 1.</summary>
    public int Number { get; }

    /// <summary>Makes the network of a further pod on this node.</summary>
    internal Host AddPodNetwork(string name)
    {
        int pod = Interlocked.Increment(ref _pods);
        IReadOnlyList<string> addresses = _hasIPv4 ? [Lan.Pod(Number, pod), Lan.Pod6(Number, pod)] : [Lan.Pod6(Number, pod)];
        var network = new Isolation.NetworkNamespace(name);
        string port = $"veth{pod}";
        Host.Network.Ip(
            $"""
            link add {port} type veth peer name eth0 netns {name}
            link set {port} master cni0 up

            """);
        network.Ip(
            $"""
            link set eth0 up
            {OfFamilies($"addr add {addresses[0]}/24 dev eth0\n", $"addr add {addresses[^1]}/64 dev eth0 nodad\n")}
            {OfFamilies($"route add default via {Lan.PodGateway(Number)}\n", $"route add default via {Lan.PodGateway6(Number)}\n")}

            """);
        return new Host(name, addresses, "", network, port);
    }

    private string OfFamilies(string v4, string v6) => _hasIPv4 ? v4 + v6 : v6;
}
