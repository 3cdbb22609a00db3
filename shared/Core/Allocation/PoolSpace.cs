using LoadBalancer.Core.Addressing;
using LoadBalancer.Core.Pools;

namespace LoadBalancer.Core.Allocation;

/// <summary>
/// One pool and which of its addresses are free to be given without being asked for: in the pool, not reserved, not excluded, not
/// suspect to old firmware, not in use.
/// </summary>
internal sealed class PoolSpace
{
    private readonly Dictionary<IpAddress, Exclusion> exclusions;
    private readonly FreeAddresses free4 = new();
    private readonly FreeAddresses free6 = new();

    public PoolSpace(Pool pool, Dictionary<IpAddress, Exclusion> exclusions)
    {
        Pool = pool;
        Size = (double)pool.Size;
        this.exclusions = exclusions;
        foreach (var range in pool.Ranges)
        {
            Free(range.Family).Add(range);
        }

        foreach (var range in pool.Reserved)
        {
            Free(range.Family).Take(range);
        }

        foreach (var address in exclusions.Keys)
        {
            Free(address.Family).Take(address);
        }
    }

    public Pool Pool { get; }

    /// <summary>See <see cref="PoolUsage.Size"/>.</summary>
    public double Size { get; }

    /// <summary>The number of addresses at least one Service has.</summary>
    public int InUse { get; private set; }

    public bool Has(IpFamily family) => Pool.Ranges.Any(range => range.Family == family);

    public void Use(IpAddress address)
    {
        InUse++;
        Free(address.Family).Take(address);
    }

    public void Unuse(IpAddress address)
    {
        InUse--;
        if (!exclusions.ContainsKey(address) && !Pool.Avoids(address) && !Pool.Reserved.Any(range => range.Contains(address)))
        {
            Free(address.Family).Return(address);
        }
    }

    /// <summary>The lowest free address.</summary>
    public bool TryLowest(IpFamily family, out IpAddress address)
    {
        var free = Free(family);
        while (free.TryLowest(out address))
        {
            if (!Pool.Avoids(address))
            {
                return true;
            }

            // Struck out when it is met, once: a /8 has 131,072 of them, too many to cut out beforehand.
            free.Take(address);
        }

        return false;
    }

    /// <summary>The lowest free addresses, ascending.</summary>
    /// <param name="family">Of which family.</param>
    /// <param name="count">How many at most.</param>
    public IReadOnlyList<IpAddress> Lowest(IpFamily family, int count)
    {
        var lowest = new List<IpAddress>(count);
        foreach (var run in Free(family).Runs)
        {
            for (var address = run.First; lowest.Count < count; address = address.Add(1))
            {
                if (!Pool.Avoids(address))
                {
                    lowest.Add(address);
                }

                if (address == run.Last)
                {
                    break;
                }
            }

            if (lowest.Count == count)
            {
                break;
            }
        }

        return lowest;
    }

    private FreeAddresses Free(IpFamily family) => family == IpFamily.IPv4 ? free4 : free6;
}
