using LoadBalancer.Core.Packets;

namespace LoadBalancer.Speaker.Links;

/// <summary>
/// Detects Wi-Fi links that are not promiscuous. Many chips, those of a Raspberry Pi among them, sort out ARP requests for addresses that the
/// node itself does not have, in firmware: the speaker never sees them, and a VIP answers only who has heard its announcement.
/// </summary>
public static class WirelessLinks
{
    private const string Interfaces = "/sys/class/net";

    /// <summary>What is wrong on this node and what would help, for the log; null if nothing is.</summary>
    /// <param name="links">The links VIPs are announced on.</param>
    /// <param name="isPromiscuous">Whether a link is opened in promiscuous mode, by its name.</param>
    public static string? Check(IEnumerable<LinkFacts> links, Func<string, bool> isPromiscuous) => Check(links, isPromiscuous, Interfaces);

    internal static string? Check(IEnumerable<LinkFacts> links, Func<string, bool> isPromiscuous, string interfaces)
    {
        var deaf = links.Select(static link => link.Name).Where(name => IsWireless(interfaces, name) && !isPromiscuous(name)).ToArray();
        SpeakerMetrics.WirelessNotPromiscuous.Set(deaf.Length);
        return deaf.Length == 0 ? null
            : $"{string.Join(", ", deaf)}: a wireless interface that is not in promiscuous mode. Many Wi-Fi chips, a Raspberry Pi's among them, drop ARP "
                + "requests for addresses the node itself does not have, so that Services are not reached through it. Start the speakers with "
                + $"--promiscuous {string.Join(',', deaf.Select(static name => $"^{name}$"))}, or use a cable.";
    }

    // cfg80211 makes phy80211; the older wireless extensions make the other, also for drivers without cfg80211.
    private static bool IsWireless(string interfaces, string name) =>
        Directory.Exists(Path.Combine(interfaces, name, "phy80211")) || Directory.Exists(Path.Combine(interfaces, name, "wireless"));
}
