using LoadBalancer.LocalCluster.Isolation;

namespace LoadBalancer.LocalCluster.Network;

/// <summary>
/// The Ethernet switch of the home network: a bridge in the run's first namespace, which also holds the router's address
/// and the API server's.
/// </summary>
public sealed class Switch : IDisposable
{
    private const string Bridge = "lan";
    private readonly List<Host> _hosts = [];

    public Switch()
    {
        Tool.Run("ip", ["-batch", "-"],
            $"""
            link add {Bridge} type bridge stp_state 0 forward_delay 0 mcast_snooping 0
            link set {Bridge} address {Lan.Mac(Lan.Router)} up
            addr add {Lan.Router}/{Lan.PrefixLength} dev {Bridge}
            addr add {Lan.ApiServer}/{Lan.PrefixLength} dev {Bridge}

            """);
    }

    /// <summary>All that are plugged in.</summary>
    public IReadOnlyList<Host> Hosts => _hosts;

    /// <summary>Plugs a new host in: a namespace whose eth0 is a port of this switch.</summary>
    public Host Connect(string name, string address)
    {
        var network = new NetworkNamespace(name);
        string port = $"port-{name}";
        Tool.Run("ip", ["-batch", "-"],
            $"""
            link add {port} type veth peer name eth0 address {Lan.Mac(address)} netns {name}
            link set {port} master {Bridge} up

            """);
        network.Ip(
            $"""
            link set eth0 up
            addr add {address}/{Lan.PrefixLength} broadcast + dev eth0
            route add default via {Lan.Router}

            """);
        var host = new Host(name, address, network, port);
        _hosts.Add(host);
        return host;
    }

    /// <summary>Unplugs and removes every host. The kernel does the same when the run ends; this is for what ends earlier.</summary>
    public void Dispose()
    {
        _hosts.ForEach(host => host.Dispose());
        Tool.Try("ip", ["link", "delete", Bridge]);
    }
}
