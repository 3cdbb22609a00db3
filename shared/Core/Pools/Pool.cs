using LoadBalancer.Core.Addressing;

namespace LoadBalancer.Core.Pools;

/// <summary>A named set of addresses the controller may give out, as one entry of <c>address-pools</c> describes it.</summary>
public sealed record Pool
{
    /// <summary>Unique among the pools of a configuration; what the <c>address-pool</c> annotation names.</summary>
    public required string Name { get; init; }

    /// <summary>The addresses, disjoint, in ascending order, IPv4 before IPv6. Overlaps are refused when the configuration is read.</summary>
    public required IReadOnlyList<IpRange> Ranges { get; init; }

    /// <summary>Addresses of the pool that are given only to a Service that asks for them by address. Ascending, disjoint.</summary>
    public IReadOnlyList<IpRange> Reserved { get; init; } = [];

    /// <summary>Whether a Service that asks for nothing may get an address from here. Default true.</summary>
    public bool AutoAssign { get; init; } = true;

    /// <summary>Whether IPv4 addresses that end in .0 or .255 are never given out. Default false.</summary>
    public bool AvoidBuggyIps { get; init; }

    /// <summary>Lower is tried first; null is tried last.</summary>
    public int? Priority { get; init; }

    /// <summary>Namespaces the pool is meant for; with <see cref="NamespaceSelectors"/>: either matches.</summary>
    public IReadOnlyList<string> Namespaces { get; init; } = [];

    /// <summary>Label selectors on namespaces.</summary>
    public IReadOnlyList<LabelSelector> NamespaceSelectors { get; init; } = [];

    /// <summary>Label selectors on Services; narrows what the namespaces matched.</summary>
    public IReadOnlyList<LabelSelector> ServiceSelectors { get; init; } = [];

    /// <summary>Label selectors on nodes that may own the pool's addresses; none means every node.</summary>
    public IReadOnlyList<LabelSelector> NodeSelectors { get; init; } = [];

    /// <summary>Names of the links the pool's addresses are announced on; none means every link whose subnet has the address.</summary>
    public IReadOnlyList<string> Interfaces { get; init; } = [];

    /// <summary>
    /// The number of addresses that may be given out, reserved ones included; saturates at 2^128-1. Addresses that
    /// <see cref="AvoidBuggyIps"/> rules out are not counted.
    /// </summary>
    public UInt128 Size
    {
        get
        {
            var size = UInt128.Zero;
            foreach (var range in Ranges)
            {
                var usable = range.Count - (AvoidBuggyIps ? BuggyCount(range) : 0);
                size = usable > UInt128.MaxValue - size ? UInt128.MaxValue : size + usable;
            }

            return size;
        }
    }

    /// <summary>Whether the address lies in the pool, given out automatically or not. O(log n).</summary>
    public bool Contains(IpAddress address) => Ranges.IndexOf(address) >= 0;

    /// <summary>Whether the address is of those that <see cref="AvoidBuggyIps"/> keeps back, on request too: that is MetalLB's rule.</summary>
    public bool Avoids(IpAddress address) => AvoidBuggyIps && IsBuggy(address);

    /// <summary>Whether any address of the pool is kept back so.</summary>
    public bool AvoidsAny => AvoidBuggyIps && Ranges.Any(static range => BuggyCount(range) > 0);

    /// <summary>
    /// Whether the address ends in .0 or .255, which some home routers and old hosts drop as if it were a network or broadcast
    /// address whatever the mask is.
    /// </summary>
    public static bool IsBuggy(IpAddress address) =>
        address.Family == IpFamily.IPv4 && (address.AsUInt32 & 0xFF) is 0x00 or 0xFF;

    private static UInt128 BuggyCount(IpRange range)
    {
        if (range.Family != IpFamily.IPv4)
        {
            return 0;
        }

        // Of the numbers below n, (n + 255) / 256 end in 0 and n / 256 end in 255.
        var below = range.First.Value;
        var end = range.Last.Value + 1;
        return ((end + 255) / 256) - ((below + 255) / 256) + (end / 256) - (below / 256);
    }
}
