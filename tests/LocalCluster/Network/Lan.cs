namespace LoadBalancer.LocalCluster.Network;

/// <summary>The addresses of the local cluster: a home network, the pods behind it and the Services over it.</summary>
public static class Lan
{
    /// <summary>The mask length of the home network 192.168.96.0/20.</summary>
    public const int PrefixLength = 20;

    /// <summary>The router every home has.</summary>
    public const string Router = "192.168.96.1";

    /// <summary>Where the API server listens.</summary>
    public const string ApiServer = "192.168.96.2";

    /// <summary>The client that reaches the Services from outside the cluster.</summary>
    public const string Client = "192.168.96.50";

    /// <summary>The range the demo and most tests put in their pool.</summary>
    public const string Pool = "192.168.96.100-192.168.96.150";

    /// <summary>All pods; each node holds a /24 of it.</summary>
    public const string Pods = "10.244.0.0/16";

    /// <summary>The address of the n-th node, from 1.</summary>
    public static string Node(int number) => $"192.168.96.{10 + number}";

    /// <summary>The gateway of the pods of the n-th node.</summary>
    public static string PodGateway(int node) => $"10.244.{node}.1";

    /// <summary>The pods of the n-th node.</summary>
    public static string PodPrefix(int node) => $"10.244.{node}.0/24";

    /// <summary>The address of the n-th pod, from 1, of a node.</summary>
    public static string Pod(int node, int number) => $"10.244.{node}.{10 + number}";

    /// <summary>The hardware address a host of the home network gets: its IPv4 address can be read from it.</summary>
    public static string Mac(string address)
    {
        byte[] octets = System.Net.IPAddress.Parse(address).GetAddressBytes();
        return $"02:42:{octets[0]:x2}:{octets[1]:x2}:{octets[2]:x2}:{octets[3]:x2}";
    }
}
