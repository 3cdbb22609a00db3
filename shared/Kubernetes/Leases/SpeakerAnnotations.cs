using LoadBalancer.Core.Addressing;
using LoadBalancer.Core.Packets;
using LoadBalancer.Kubernetes.Resources;

namespace LoadBalancer.Kubernetes.Leases;

/// <summary>One link of a node, as its speaker's Lease names it.</summary>
/// <param name="Name">The interface.</param>
/// <param name="Prefixes">The node's addresses there, each with the length of its subnet.</param>
public readonly record struct NodeLink(string Name, IReadOnlyList<IpPrefix> Prefixes);

/// <summary>
/// What a speaker's Lease says of its node. What another version wrote and cannot be read here is skipped.
/// </summary>
public static class SpeakerAnnotations
{
    /// <summary>The links: <c>eth0=192.168.96.11/20,fd00:96::11/64;eth1=10.1.0.11/16</c>.</summary>
    public const string Links = "loadbalancer/links";

    /// <summary><c>true</c> if the speaker may own VIPs.</summary>
    public const string Ready = "loadbalancer/ready";

    /// <summary>The routers the node's routing table names: <c>192.168.96.1,fd00:96::1</c>.</summary>
    public const string Gateways = "loadbalancer/gateways";

    /// <summary>Which speakers are heard, and hear this one, on each link: <c>eth0=n2,n3;eth1=n4</c>.</summary>
    public const string Hears = "loadbalancer/hears";

    /// <summary>The speaker's version, as <c>--version</c> tells it.</summary>
    public const string Version = "loadbalancer/version";

    // Two hundred names as they are in small clusters; the rest is left out.
    private const int LongestHears = 4000;

    /// <summary>The value of <see cref="Hears"/>.</summary>
    public static string Of(IEnumerable<KeyValuePair<string, IEnumerable<string>>> heard)
    {
        var text = new System.Text.StringBuilder();
        foreach (var (link, nodes) in heard.OrderBy(entry => entry.Key, StringComparer.Ordinal))
        {
            var separator = text.Length > 0 ? $";{link}=" : $"{link}=";
            foreach (var node in nodes.Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal))
            {
                if (text.Length + separator.Length + node.Length <= LongestHears)
                {
                    text.Append(separator).Append(node);
                    separator = ",";
                }
            }
        }

        return text.ToString();
    }

    /// <summary>Whether a node hears another on any link, as its Lease tells.</summary>
    public static bool IsHeard(LeaseResource lease, string node) =>
        lease.Annotations.GetValueOrDefault(Hears, "").Split(';', '=', ',').Contains(node, StringComparer.Ordinal);

    /// <summary>Whom a node hears on a link, as its Lease tells; nobody if it does not.</summary>
    public static IReadOnlyList<string> HeardOn(LeaseResource lease, string link)
    {
        foreach (var entry in lease.Annotations.GetValueOrDefault(Hears, "").Split(';', StringSplitOptions.RemoveEmptyEntries))
        {
            var parts = entry.Split('=');
            if (parts.Length == 2 && parts[0] == link)
            {
                return parts[1].Split(',', StringSplitOptions.RemoveEmptyEntries);
            }
        }

        return [];
    }

    /// <summary>The value of <see cref="Links"/>; a link without a carrier is not told.</summary>
    public static string Of(IEnumerable<LinkFacts> links) => string.Join(';', links
        .Where(link => link.Carrier)
        .OrderBy(link => link.Name, StringComparer.Ordinal)
        .Select(link => $"{link.Name}={string.Join(',', link.Prefixes)}"));

    /// <summary>The links that a Lease names.</summary>
    public static IReadOnlyList<NodeLink> LinksOf(LeaseResource lease)
    {
        var links = new List<NodeLink>();
        foreach (var entry in lease.Annotations.GetValueOrDefault(Links, "").Split(';', StringSplitOptions.RemoveEmptyEntries))
        {
            var parts = entry.Split('=');
            if (parts.Length == 2)
            {
                var prefixes = new List<IpPrefix>();
                foreach (var text in parts[1].Split(','))
                {
                    if (IpPrefix.TryParse(text, out var prefix))
                    {
                        prefixes.Add(prefix);
                    }
                }

                links.Add(new NodeLink(parts[0], prefixes));
            }
        }

        return links;
    }

    /// <summary>The routers that a Lease names.</summary>
    public static IReadOnlyList<IpAddress> GatewaysOf(LeaseResource lease)
    {
        var gateways = new List<IpAddress>();
        foreach (var text in lease.Annotations.GetValueOrDefault(Gateways, "").Split(',', StringSplitOptions.RemoveEmptyEntries))
        {
            if (IpAddress.TryParse(text, out var address))
            {
                gateways.Add(address);
            }
        }

        return gateways;
    }
}
