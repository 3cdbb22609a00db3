using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using LoadBalancer.Core.Addressing;
using LoadBalancer.Core.Pools;
using LoadBalancer.Kubectl.Cluster;
using LoadBalancer.Kubernetes.Configuration;

namespace LoadBalancer.Kubectl.Bundle;

/// <summary>
/// Takes out of a bundle's texts what is of no concern to a bug of the load balancer, and counts it: addresses that are neither of a pool nor of a
/// subnet of the nodes, and what looks like a secret. The same address gets the same number everywhere, so that a log can still be followed.
/// </summary>
/// <param name="concerned">The ranges whose addresses stay.</param>
internal sealed partial class BundleFilter(IReadOnlyList<IpRange> concerned)
{
    private readonly Dictionary<IpAddress, int> numbers = [];

    /// <summary>How many different addresses were taken out.</summary>
    public int Addresses => numbers.Count;

    /// <summary>How many times something that looks like a secret was taken out.</summary>
    public int Secrets { get; private set; }

    /// <summary>A filter that leaves in the addresses of the pools, of the nodes and of their links' subnets.</summary>
    public static BundleFilter Of(ClusterView view)
    {
        List<IpRange> ranges = [];
        ranges.AddRange((view.Controller?.Pools ?? []).SelectMany(static pool => pool.Ranges).Select(Parse).OfType<IpRange>());
        if (view.ConfigText is { } text && PoolConfigText.Read(text).Config is { } config)
        {
            ranges.AddRange(config.Pools.SelectMany(static (Pool pool) => pool.Ranges));
        }

        ranges.AddRange(view.Answering.SelectMany(static speaker => speaker.Links).SelectMany(static link => link.Prefixes)
            .Select(static prefix => IpPrefix.TryParse(prefix, out var parsed) ? parsed.Range : (IpRange?)null).OfType<IpRange>());
        ranges.AddRange((view.Nodes ?? []).SelectMany(static node => node.Addresses)
            .Select(static text => IpAddress.TryParse(text, out var address) ? new IpRange(address, address) : (IpRange?)null).OfType<IpRange>());
        return new BundleFilter(ranges);
    }

    /// <summary>A file as it goes into the bundle.</summary>
    public BundleFile Apply(BundleFile file) => BundleFile.Of(file.Name, Apply(Encoding.UTF8.GetString(file.Content)));

    /// <summary>A text as it goes into the bundle.</summary>
    public string Apply(string text)
    {
        text = Secret().Replace(text, match =>
        {
            Secrets++;
            return match.Groups["before"].Value + "[left out: looks like a secret]";
        });
        return Ipv6().Replace(Ipv4().Replace(text, Replace), Replace);
    }

    /// <summary>What was taken out, in a sentence for the README.</summary>
    public string Describe() => string.Create(CultureInfo.InvariantCulture,
        $"Taken out of all files but the ConfigMap: {Addresses} addresses that are neither of a pool nor of a subnet of the nodes (the same one is the same [address N] everywhere); {Secrets} texts that look like a secret.\n");

    private static IpRange? Parse(string text)
    {
        var ends = text.Split('-');
        return IpAddress.TryParse(ends[0], out var first) && IpAddress.TryParse(ends[^1], out var last) ? new IpRange(first, last) : null;
    }

    private string Replace(Match match)
    {
        if (!IpAddress.TryParse(match.Value, out var address) || IsOfConcern(address))
        {
            return match.Value;
        }

        if (!numbers.TryGetValue(address, out var number))
        {
            numbers.Add(address, number = numbers.Count + 1);
        }

        return string.Create(CultureInfo.InvariantCulture, $"[address {number}]");
    }

    // Everybody's: unspecified, loopback, link-local and multicast say nothing of anybody.
    private bool IsOfConcern(IpAddress address) => concerned.Any(range => range.Contains(address)) || (address.Family == IpFamily.IPv4
        ? (address.AsUInt32 >> 24) is 0 or 127 or >= 224 || address.AsUInt32 >> 16 == 0xA9FE
        : address.Value <= 1 || (ushort)(address.Value >> 112) is 0xFE80 or >= 0xFF00);

    // Not within a longer number, and not a version with more parts.
    [GeneratedRegex(@"(?<![\w.])\d{1,3}(?:\.\d{1,3}){3}(?![\w]|\.\d)")]
    private static partial Regex Ipv4();

    [GeneratedRegex(@"(?<![\w:.])(?:[0-9A-Fa-f]{0,4}:){2,7}[0-9A-Fa-f]{0,4}(?![\w:.])")]
    private static partial Regex Ipv6();

    // PEM blocks, bearer and JSON web tokens, and values that are called so.
    [GeneratedRegex(
        @"-----BEGIN [A-Z ]+-----[\s\S]*?-----END [A-Z ]+-----|(?<before>[Bb]earer\s+)[\w.~+/=-]{8,}|\beyJ[\w-]+\.[\w-]+\.[\w-]*|(?<before>(?:password|passwd|token|secret|client-key-data)[""']?\s*[:=]\s*[""']?)[\w.~+/=-]{8,}",
        RegexOptions.IgnoreCase)]
    private static partial Regex Secret();
}
