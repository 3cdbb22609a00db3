using LoadBalancer.LocalCluster.Isolation;

namespace LoadBalancer.LocalCluster.Network;

/// <summary>A second network beside the home network, as another VLAN is, with one client on it; until disposed.</summary>
public sealed class SecondSwitch : IDisposable
{
    /// <summary>What <see cref="Card.Plug"/> calls it.</summary>
    public const string Bridge = "lan-two";

    private const string ClientPort = "port-client-two";

    public SecondSwitch()
    {
        string mac = $"02:45{Lan.Mac(Lan.Client)[5..]}";
        var network = new NetworkNamespace("client-two");
        Tool.Run("ip", ["-batch", "-"],
            $"""
            link add {Bridge} type bridge stp_state 0 forward_delay 0 mcast_snooping 0
            link set {Bridge} up
            link add {ClientPort} type veth peer name eth0 address {mac} netns {network.Name}
            link set {ClientPort} master {Bridge} up

            """);
        network.Ip($"link set eth0 up\naddr add {Lan.Client}/{Lan.PrefixLength} dev eth0\n");
        Client = new Host("client-two", [Lan.Client], mac, network, ClientPort);
    }

    /// <summary>A host of that network, which has the same addresses as the other.</summary>
    public Host Client { get; }

    public void Dispose()
    {
        Tool.Try("ip", ["link", "delete", ClientPort]);
        Client.Dispose();
        Tool.Try("ip", ["link", "delete", Bridge]);
    }
}
