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

    /// <summary>Whether the address lies in the pool, given out automatically or not.</summary>
    public bool Contains(IpAddress address)
    {
        foreach (var range in Ranges)
        {
            if (range.Contains(address))
            {
                return true;
            }
        }

        return false;
    }
}
