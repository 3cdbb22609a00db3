using LoadBalancer.LocalCluster.Isolation;

namespace LoadBalancer.LocalCluster.Network;

/// <summary>A further network card of a host, until disposed.</summary>
public sealed class Card : IDisposable
{
    private readonly Host _host;
    private readonly string _port;

    private Card(Host host, string name, string mac, string port)
    {
        _host = host;
        Name = name;
        Mac = mac;
        _port = port;
    }

    /// <summary>The interface's name.</summary>
    public string Name { get; }

    /// <summary>Its hardware address, lower case with colons.</summary>
    public string Mac { get; }

    /// <summary>Plugs a further card of a host into a switch.</summary>
    /// <param name="host">The host.</param>
    /// <param name="name">The card's name: <c>eth1</c>.</param>
    /// <param name="address">Its address with prefix length, or null for none.</param>
    /// <param name="bridge">The switch.</param>
    public static Card Plug(Host host, string name, string? address, string bridge = Switch.Bridge)
    {
        var card = new Card(host, name, $"02:43{host.Mac[5..]}", $"{host.Name}-{name}");
        Tool.Run("ip", ["-batch", "-"],
            $"""
            link add {card._port} type veth peer name {name} address {card.Mac} netns {host.Network.Name}
            link set {card._port} master {bridge} up

            """);
        card.Up(address);
        return card;
    }

    /// <summary>Makes a macvlan of a host's eth0: a second hardware address on the same cable.</summary>
    public static Card Macvlan(Host host, string name, string? address)
    {
        var card = new Card(host, name, $"02:44{host.Mac[5..]}", "");
        host.Network.Ip($"link add {name} link eth0 address {card.Mac} type macvlan mode bridge\n");
        card.Up(address);
        return card;
    }

    /// <summary>Pulls the cable.</summary>
    public void Unplug() => Tool.Run($"ip link set {_port} down");

    public void Dispose() => Tool.Try("ip", ["-n", _host.Network.Name, "link", "delete", Name]);

    private void Up(string? address)
    {
        // Without IPv6: its link-local address would only hold the interface up.
        _host.Network.Set($"net/ipv6/conf/{Name}/disable_ipv6", 1);
        _host.Network.Ip($"link set {Name} up\n{(address is null ? "" : $"addr add {address} dev {Name}\n")}");
    }
}
