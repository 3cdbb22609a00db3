using LoadBalancer.Core.Addressing;

namespace LoadBalancer.Core.Pools;

/// <summary>Addresses that no Service can be reached at from another host (IANA special-purpose registries, RFC 6890).</summary>
internal static class UnusableAddresses
{
    private static readonly (IpRange Range, string Name)[] Blocks =
    [
        (IpPrefix.Parse("0.0.0.0/8").Range, "0.0.0.0/8 (this network, RFC 791 §3.2)"),
        (IpPrefix.Parse("127.0.0.0/8").Range, "127.0.0.0/8 (loopback)"),
        (IpPrefix.Parse("169.254.0.0/16").Range, "169.254.0.0/16 (link-local)"),
        (IpPrefix.Parse("224.0.0.0/4").Range, "224.0.0.0/4 (multicast)"),
        (IpPrefix.Parse("255.255.255.255/32").Range, "255.255.255.255 (broadcast)"),
        (IpPrefix.Parse("::/128").Range, ":: (unspecified)"),
        (IpPrefix.Parse("::1/128").Range, "::1 (loopback)"),
        (IpPrefix.Parse("fe80::/10").Range, "fe80::/10 (link-local)"),
        (IpPrefix.Parse("ff00::/8").Range, "ff00::/8 (multicast)"),
    ];

    /// <summary>The blocks the range has addresses of, for a message; null if none.</summary>
    public static string? In(IpRange range)
    {
        var names = Blocks.Where(block => block.Range.Overlaps(range)).Select(block => block.Name).ToArray();
        return names.Length == 0 ? null : string.Join(", ", names);
    }
}
