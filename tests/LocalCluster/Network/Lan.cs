namespace LoadBalancer.LocalCluster.Network;

/// <summary>Which addresses the hosts, pods and Services of a cluster have.</summary>
public enum LanFamilies
{
    /// <summary>Both; IPv4 is the family a Service gets that asks for none.</summary>
    DualStack,

    /// <summary>IPv6 and nothing else.</summary>
    IPv6Only,
}

/// <summary>
/// The addresses of the local cluster: a home network, the pods behind it and the Services over it. Hosts and pods are known by their
/// IPv4 address; the IPv6 address each has besides, or instead, follows from it.
/// </summary>
public static class Lan
{
    /// <summary>The mask length of the home network 192.168.96.0/20.</summary>
    public const int PrefixLength = 20;

    /// <summary>The prefix length of the home network fd00:96::/64.</summary>
    public const int PrefixLength6 = 64;

    /// <summary>The router every home has.</summary>
    public const string Router = "192.168.96.1";

    /// <summary>Where the API server listens.</summary>
    public const string ApiServer = "192.168.96.2";

    /// <summary>The client that reaches the Services from outside the cluster.</summary>
    public const string Client = "192.168.96.50";

    /// <summary>The range the demo and most tests put in their pool.</summary>
    public const string Pool = "192.168.96.100-192.168.96.150";

    /// <summary>The IPv6 range tests put in their pool.</summary>
    public const string Pool6 = "fd00:96::1:0/120";

    /// <summary>All pods; each node holds a /24 of it.</summary>
    public const string Pods = "10.244.0.0/16";

    /// <summary>All pods by IPv6; each node holds a /64 of it.</summary>
    public const string Pods6 = "fd00:244::/48";

    /// <summary>Cluster addresses.</summary>
    public const string Services = "10.96.0.0/16";

    /// <summary>Cluster addresses by IPv6.</summary>
    public const string Services6 = "fd00:10:96::/112";

    /// <summary>The address of the n-th node, from 1.</summary>
    public static string Node(int number) => $"192.168.96.{10 + number}";

    /// <summary>The gateway of the pods of the n-th node.</summary>
    public static string PodGateway(int node) => $"10.244.{node}.1";

    /// <summary>The pods of the n-th node.</summary>
    public static string PodPrefix(int node) => $"10.244.{node}.0/24";

    /// <summary>The address of the n-th pod, from 1, of a node.</summary>
    public static string Pod(int node, int number) => $"10.244.{node}.{10 + number}";

    /// <summary>The IPv6 address of a host of the home network: <c>fd00:96::50</c> for 192.168.96.50.</summary>
    public static string IPv6(string address)
    {
        string[] octets = address.Split('.');
        return octets[2] == "96" ? $"fd00:96::{octets[3]}" : $"fd00:96::{octets[2]}:{octets[3]}";
    }

    /// <summary>The gateway of the pods of the n-th node by IPv6.</summary>
    public static string PodGateway6(int node) => $"fd00:244:0:{node}::1";

    /// <summary>The pods of the n-th node by IPv6.</summary>
    public static string PodPrefix6(int node) => $"fd00:244:0:{node}::/64";

    /// <summary>The IPv6 address of the n-th pod, from 1, of a node.</summary>
    public static string Pod6(int node, int number) => $"fd00:244:0:{node}::{10 + number}";

    /// <summary>Whether an address is an IPv6 one.</summary>
    public static bool IsIPv6(string address) => address.Contains(':', StringComparison.Ordinal);

    /// <summary>The host of a URL: IPv6 addresses stand in brackets.</summary>
    public static string UrlHost(string address) => IsIPv6(address) ? $"[{address}]" : address;

    /// <summary>The hardware address a host of the home network gets: its IPv4 address can be read from it.</summary>
    public static string Mac(string address)
    {
        byte[] octets = System.Net.IPAddress.Parse(address).GetAddressBytes();
        return $"02:42:{octets[0]:x2}:{octets[1]:x2}:{octets[2]:x2}:{octets[3]:x2}";
    }
}
