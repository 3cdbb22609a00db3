using System.Globalization;
using LoadBalancer.Core.Packets;

namespace LoadBalancer.Speaker.Links;

/// <summary>
/// Detects a node whose kernel answers ARP for every VIP by itself. With kube-proxy in IPVS mode each node carries all Service
/// addresses on the dummy interface kube-ipvs0, and Linux answers for any of its addresses on any interface unless
/// <c>arp_ignore</c> says otherwise (ip-sysctl); kube-proxy sets it if <c>strictARP</c> is on.
/// </summary>
public static class StrictArp
{
    private const string Settings = "/proc/sys/net/ipv4/conf";
    private const string IpvsInterface = "kube-ipvs0";

    /// <summary>What is wrong on this node and what would help, for the log and an Event; null if nothing is.</summary>
    /// <param name="links">The links VIPs are announced on.</param>
    public static string? Check(IEnumerable<LinkFacts> links) => Check(links, Settings);

    internal static string? Check(IEnumerable<LinkFacts> links, string settings)
    {
        if (!Directory.Exists(Path.Combine(settings, IpvsInterface)))
        {
            return null;
        }

        var all = ArpIgnore(settings, "all");
        return Warning([.. links.Select(link => link.Name).Where(name => !IsStrict(Math.Max(all, ArpIgnore(settings, name))))]);
    }

    private static string? Warning(IReadOnlyList<string> links) => links.Count == 0 ? null
        : $"kube-proxy runs in IPVS mode without strictARP: this node's kernel answers ARP for every Service address on "
            + $"{string.Join(", ", links)}, whichever node owns it. Set ipvs.strictARP: true in the ConfigMap kube-proxy of the "
            + "namespace kube-system and restart kube-proxy.";

    // The larger of the value for all and for the interface is in force. 1 and 2 answer only for addresses of the interface
    // asked on, 8 for none; 0 and 3 answer for kube-ipvs0's.
    private static bool IsStrict(int arpIgnore) => arpIgnore is 1 or 2 or 8;

    private static int ArpIgnore(string settings, string name)
    {
        try
        {
            var text = File.ReadAllText(Path.Combine(settings, name, "arp_ignore"));
            return int.Parse(text, NumberStyles.AllowTrailingWhite, CultureInfo.InvariantCulture);
        }
        catch (Exception e) when (e is IOException or FormatException or UnauthorizedAccessException)
        {
            // An interface that is gone answers nothing; what cannot be read does not lower the value for all.
            return 0;
        }
    }
}
