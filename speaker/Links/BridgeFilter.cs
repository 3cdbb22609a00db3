namespace LoadBalancer.Speaker.Links;

/// <summary>
/// Detects where the kernel's switch between bridges and the packet filter stands wrong (ip-sysctl, <c>bridge-nf-call-iptables</c>). On, frames
/// that merely pass a bridge of this node, to guests that are other nodes for example, go through kube-proxy's rules here, and a VIP of another
/// node is answered for by this one. Off, pods behind one bridge of the pod network do not reach each other by a Service's address.
/// </summary>
public static class BridgeFilter
{
    private const string Interfaces = "/sys/class/net";
    private const string Settings = "/proc/sys/net/bridge";
    private const string CallIptables = "bridge-nf-call-iptables";

    // What the plugins flannel and bridge name theirs; others do not use one.
    private const string PodBridge = "cni0";

    /// <summary>What is wrong on this node and what would help, for the log; null if nothing is.</summary>
    /// <param name="links">The links VIPs are announced on.</param>
    public static string? Check(IEnumerable<string> links) => Check(links, Interfaces, Settings);

    internal static string? Check(IEnumerable<string> links, string interfaces, string settings)
    {
        var everywhere = IsOn(Path.Combine(settings, CallIptables));
        var passed = links.Where(name => (everywhere || IsOn(Path.Combine(interfaces, name, "bridge", "nf_call_iptables"))) && Ports(interfaces, name) > 1).ToArray();
        if (passed.Length > 0)
        {
            return $"{string.Join(", ", passed)}: frames that merely pass this bridge, to virtual machines for example, go through this node's packet filter and kube-proxy's rules in it, so that "
                + $"it takes traffic for addresses that other nodes have. Set net.bridge.{CallIptables} and bridge-nf-call-ip6tables to 0; if the pod network needs them for its own bridge, "
                + $"write 1 to /sys/class/net/{PodBridge}/bridge/nf_call_iptables.";
        }

        return !everywhere && Directory.Exists(Path.Combine(interfaces, PodBridge, "bridge")) && !IsOn(Path.Combine(interfaces, PodBridge, "bridge", "nf_call_iptables"))
            ? $"{PodBridge}: pods of this node do not reach each other by the address of a Service, since what passes this bridge goes by the packet filter's back. Load br_netfilter and set net.bridge.{CallIptables} to 1."
            : null;
    }

    private static int Ports(string interfaces, string name)
    {
        var ports = Path.Combine(interfaces, name, "brif");
        return Directory.Exists(ports) ? Directory.GetFileSystemEntries(ports).Length : 0;
    }

    private static bool IsOn(string file)
    {
        try
        {
            return File.ReadAllText(file).AsSpan().Trim() is "1";
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // No bridge, or br_netfilter is not loaded: nothing is called.
            return false;
        }
    }
}
