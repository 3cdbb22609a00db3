using LoadBalancer.Core.Addressing;
using LoadBalancer.Core.Allocation;
using LoadBalancer.Core.Pools;

namespace LoadBalancer.Core.Conflicts;

/// <summary>Which addresses the allocator would give out next, as anyone can tell who knows the pools and what is in use.</summary>
public static class NextAddresses
{
    /// <summary>The lowest free addresses of each pool and family, in the allocator's order.</summary>
    /// <param name="config">The pools.</param>
    /// <param name="isUsed">Whether a Service has an address, or it is not given out for another reason.</param>
    /// <param name="count">How many of each family of a pool.</param>
    public static IReadOnlyList<(Pool Pool, IpAddress Address)> Of(PoolConfig config, Predicate<IpAddress> isUsed, int count)
    {
        var next = new List<(Pool, IpAddress)>();
        foreach (var pool in config.Pools)
        {
            var space = new PoolSpace(pool, []);
            next.AddRange(space.Lowest(IpFamily.IPv4, count, isUsed).Concat(space.Lowest(IpFamily.IPv6, count, isUsed)).Select(address => (pool, address)));
        }

        return next;
    }
}
