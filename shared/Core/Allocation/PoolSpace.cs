using System.Globalization;
using LoadBalancer.Core.Addressing;
using LoadBalancer.Core.Pools;

namespace LoadBalancer.Core.Allocation;

/// <summary>
/// One pool and which of its addresses are free to be given without being asked for: in the pool, not reserved, not excluded, not
/// suspect to old firmware, not in use.
/// </summary>
internal sealed class PoolSpace
{
    private const int MostNamed = 3;

    private readonly Dictionary<IpAddress, Exclusion> exclusions;
    private readonly FreeAddresses free4 = new();
    private readonly FreeAddresses free6 = new();
    private readonly int[] inUse = new int[2];
    private readonly string?[] heldBack = new string?[2];

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
    public int InUse => inUse[0] + inUse[1];

    public bool Has(IpFamily family) => Pool.Ranges.Any(range => range.Family == family);

    public bool AnyInUse(IpFamily family) => inUse[Index(family)] > 0;

    /// <summary>What keeps the addresses of a family from being given, where none is free: whose they are, not how many are taken.</summary>
    public string WhatHolds(IpFamily family)
    {
        var held = heldBack[Index(family)] ??= HeldBack(family);
        return !AnyInUse(family) ? held : held.Length == 0 ? "all are in use by Services" : $"{held}, the others are in use by Services";
    }

    public void Use(IpAddress address)
    {
        inUse[Index(address.Family)]++;
        Free(address.Family).Take(address);
    }

    public void Unuse(IpAddress address)
    {
        inUse[Index(address.Family)]--;
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
    /// <param name="isUsed">Which are in use without <see cref="Use"/> having been told: looking at those on the way costs less than cutting all of them out.</param>
    public IReadOnlyList<IpAddress> Lowest(IpFamily family, int count, Predicate<IpAddress> isUsed)
    {
        var lowest = new List<IpAddress>(count);
        foreach (var run in Free(family).Runs)
        {
            for (var address = run.First; lowest.Count < count; address = address.Add(1))
            {
                if (!Pool.Avoids(address) && !isUsed(address))
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

    /// <summary>The addresses that are given to nobody, or not without being asked for. They are the same as long as this object is.</summary>
    private string HeldBack(IpFamily family)
    {
        var excluded = exclusions.Values.Where(exclusion => exclusion.Address.Family == family && Pool.Contains(exclusion.Address))
            .OrderBy(static exclusion => exclusion.Address).ToArray();
        var parts = excluded.Take(MostNamed).Select(static exclusion => exclusion.Statement).ToList();
        if (excluded.Length > MostNamed)
        {
            parts.Add(string.Create(CultureInfo.InvariantCulture, $"{excluded.Length - MostNamed} more are hosts' or the ends of a subnet"));
        }

        if (Pool.Reserved.Any(range => range.Family == family))
        {
            parts.Add("those reserved are given on request only");
        }

        if (family == IpFamily.IPv4 && Pool.AvoidsAny)
        {
            parts.Add("those that end in .0 or .255 are kept back by avoid-buggy-ips");
        }

        return string.Join(", ", parts);
    }

    private static int Index(IpFamily family) => family == IpFamily.IPv4 ? 0 : 1;

    private FreeAddresses Free(IpFamily family) => family == IpFamily.IPv4 ? free4 : free6;
}
