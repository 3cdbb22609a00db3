using System.Net;
using System.Net.Sockets;
using LoadBalancer.LocalCluster.Isolation;

namespace LoadBalancer.LocalCluster.Network;

/// <summary>
/// The Ethernet switch of the home network: a bridge in the run's first namespace, which also holds the router's address
/// and the API server's.
/// </summary>
public sealed class Switch : IDisposable
{
    /// <summary>The name of the bridge.</summary>
    public const string Bridge = "lan";

    private const string FarBridge = "lan-far";
    private readonly List<Host> _hosts = [];

    /// <param name="families">Which addresses its hosts get.</param>
    public Switch(LanFamilies families = LanFamilies.DualStack)
    {
        Families = families;
        string addresses = string.Concat(AddressesOf(Lan.Router).Concat(AddressesOf(Lan.ApiServer)).Select(address => AddAddress(address, Bridge)));
        Tool.Run("ip", ["-batch", "-"],
            $"""
            link add {Bridge} type bridge stp_state 0 forward_delay 0 mcast_snooping 0
            link set {Bridge} address {Lan.Mac(Lan.Router)} up
            {addresses}

            """);
    }

    /// <summary>Which addresses its hosts have.</summary>
    public LanFamilies Families { get; }

    /// <summary>All that are plugged in.</summary>
    public IReadOnlyList<Host> Hosts => _hosts;

    /// <summary>The addresses of a host of this network that is known by an IPv4 address; the first is the main one.</summary>
    public IReadOnlyList<string> AddressesOf(string address) =>
        Families == LanFamilies.IPv6Only ? [Lan.IPv6(address)] : [address, Lan.IPv6(address)];

    /// <summary>Plugs a new host in: a namespace whose eth0 is a port of this switch.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="address">The IPv4 address it is known by, also where it has only the IPv6 address that follows from it.</param>
    public Host Connect(string name, string address)
    {
        var network = new NetworkNamespace(name);
        string port = $"port-{name}";
        Tool.Run("ip", ["-batch", "-"],
            $"""
            link add {port} type veth peer name eth0 address {Lan.Mac(address)} netns {name}
            link set {port} master {Bridge} up

            """);
        IReadOnlyList<string> addresses = AddressesOf(address);
        network.Set("net/ipv6/conf/eth0/keep_addr_on_down", 1);
        network.Ip(
            $"""
            link set eth0 up
            {string.Concat(addresses.Select(own => AddAddress(own, "eth0")))}
            {string.Concat(AddressesOf(Lan.Router).Select(router => $"route add default via {router}\n"))}

            """);
        var host = new Host(name, addresses, Lan.Mac(address), network, port);
        _hosts.Add(host);
        return host;
    }

    /// <summary>Connects to a port on the loopback of the host that has an address, as a kubelet does for a pod on the host's network.</summary>
    /// <exception cref="SocketException">Nobody listens there, or no host has the address.</exception>
    public async Task<Stream> ForwardAsync(string address, int port, CancellationToken stop)
    {
        Host host = _hosts.FirstOrDefault(candidate => candidate.Addresses.Contains(address)) ?? throw new SocketException((int)SocketError.HostUnreachable);
        IPAddress loopback = Families == LanFamilies.IPv6Only ? IPAddress.IPv6Loopback : IPAddress.Loopback;
        Socket socket = host.TcpSocket(loopback.AddressFamily);
        try
        {
            await socket.ConnectAsync(new IPEndPoint(loopback, port), stop);
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    /// <summary>
    /// Parts the network as a broken cable between two switches does: these hosts reach each other, the rest, the router and the API
    /// server among it, reach each other, and no port loses its carrier.
    /// </summary>
    public static void Part(params IEnumerable<Host> far)
    {
        Tool.Run("ip", ["-batch", "-"],
            $"""
            link add {FarBridge} type bridge stp_state 0 forward_delay 0 mcast_snooping 0
            link set {FarBridge} up
            {string.Concat(far.Select(host => $"link set port-{host.Name} master {FarBridge}\n"))}

            """);
    }

    /// <summary>Ends <see cref="Part"/>.</summary>
    public void Join()
    {
        string ports = string.Concat(_hosts.Select(host => $"link set port-{host.Name} master {Bridge}\n"));
        Tool.Run("ip", ["-batch", "-"], ports);
        Tool.Try("ip", ["link", "delete", FarBridge]);
    }

    /// <summary>Unplugs and removes every host. The kernel does the same when the run ends; this is for what ends earlier.</summary>
    public void Dispose()
    {
        // The kernel takes its time over a namespace that is deleted; the ports must be gone when another switch is made.
        _hosts.ForEach(host => Tool.Try("ip", ["link", "delete", $"port-{host.Name}"]));
        _hosts.ForEach(host => host.Dispose());
        Tool.Try("ip", ["link", "delete", Bridge]);
        Tool.Try("ip", ["link", "delete", FarBridge]);
    }

    // The addresses of the stage are known to be nobody else's; duplicate address detection would only hold it up for a second.
    private static string AddAddress(string address, string device) => Lan.IsIPv6(address)
        ? $"addr add {address}/{Lan.PrefixLength6} dev {device} nodad\n"
        : $"addr add {address}/{Lan.PrefixLength} broadcast + dev {device}\n";
}
