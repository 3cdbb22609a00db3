using LoadBalancer.Core.Addressing;
using LoadBalancer.Core.Allocation;
using LoadBalancer.Core.Pools;

namespace LoadBalancer.Core.Conflicts;

/// <summary>Which addresses the allocator would give out next, as anyone can tell who knows the pools and what is in use.</summary>
public static class NextAddresses
{
    /// <summary>The lowest free addresses of each pool and family, in the allocator's order.</summary>
    /// <param name="config">The pools.</param>
    /// <param name="used">Addresses of Services, and others that are not given out.</param>
    /// <param name="count">How many of each family of a pool.</param>
    public static IReadOnlyList<(Pool Pool, IpAddress Address)> Of(PoolConfig config, IEnumerable<IpAddress> used, int count)
    {
        var spaces = config.Pools.ToDictionary(pool => pool.Name, pool => new PoolSpace(pool, []), StringComparer.Ordinal);
        foreach (var address in used)
        {
            if (config.Find(address) is { } pool)
            {
                spaces[pool.Name].Use(address);
            }
        }

        var next = new List<(Pool, IpAddress)>();
        foreach (var pool in config.Pools)
        {
            var space = spaces[pool.Name];
            next.AddRange(space.Lowest(IpFamily.IPv4, count).Concat(space.Lowest(IpFamily.IPv6, count)).Select(address => (pool, address)));
        }

        return next;
    }
}
