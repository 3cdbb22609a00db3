using LoadBalancer.Core.Addressing;

namespace LoadBalancer.Core.Pools;

/// <summary>All pools of one valid configuration, in the order they are tried: by priority, then as written.</summary>
/// <param name="Pools">The pools; may be empty.</param>
public sealed record PoolConfig(IReadOnlyList<Pool> Pools)
{
    /// <summary>The configuration without a pool.</summary>
    public static PoolConfig Empty { get; } = new([]);

    /// <summary>The pool that has the address; pools never overlap, so there is at most one.</summary>
    public Pool? Find(IpAddress address)
    {
        foreach (var pool in Pools)
        {
            if (pool.Contains(address))
            {
                return pool;
            }
        }

        return null;
    }
}
