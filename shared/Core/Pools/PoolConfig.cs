using LoadBalancer.Core.Addressing;

namespace LoadBalancer.Core.Pools;

/// <summary>All pools of one valid configuration, in the order they are tried: by priority, then as written.</summary>
/// <param name="Pools">The pools; may be empty.</param>
/// <exception cref="ArgumentException">Two pools have an address in common.</exception>
public sealed record PoolConfig(IReadOnlyList<Pool> Pools)
{
    private readonly IpRangeMap<Pool> _byAddress =
        new(Pools.SelectMany(pool => pool.Ranges, (pool, range) => (range, pool)));

    /// <summary>The configuration without a pool.</summary>
    public static PoolConfig Empty { get; } = new([]);

    /// <summary>The pools; may be empty. Not settable, because the index over their addresses is built once.</summary>
    public IReadOnlyList<Pool> Pools { get; } = Pools;

    /// <summary>The pool that has the address; pools never overlap, so there is at most one. O(log n) in the number of ranges.</summary>
    public Pool? Find(IpAddress address) => _byAddress.TryFind(address, out var pool) ? pool : null;
}
