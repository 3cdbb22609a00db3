using System.Globalization;
using LoadBalancer.Core.Addressing;
using LoadBalancer.Core.Pools;

namespace LoadBalancer.Core.Allocation;

/// <summary>An address of one family that a Service cannot have now: why not, pool by pool, and what would help.</summary>
/// <param name="facts">The Service.</param>
/// <param name="family">The family.</param>
/// <param name="candidates">The pools it could come from.</param>
/// <param name="named">The pool that the Service asks for alone, or null.</param>
/// <param name="allocator">Who has which address.</param>
internal sealed class Shortfall(
    ServiceFacts facts, IpFamily family, IReadOnlyList<Pool> candidates, Pool? named, Allocator allocator)
{
    private const int MostPools = 8;

    /// <summary>The Service has no address for want of this one.</summary>
    /// <param name="both">Whether it must have both families.</param>
    public Refusal Refuse(bool both)
    {
        var subject = both ? "one address of each family is required, and there is" : "there is";
        return !candidates.Any(pool => allocator.HasFamily(pool, family))
            ? new Refusal(AllocationReason.NoPoolOfFamily,
                $"{subject} no pool with {family} addresses for this Service ({Why()}); add an {family} range, or change the Service's spec.ipFamilies")
            : new Refusal(AllocationReason.NoFreeAddress, $"{subject} no free {family} address ({Why()}); {Remedy()}");
    }

    /// <summary>The Service has an address of the other family, and would have one of this beside it.</summary>
    public Refusal SecondFamily() => new(AllocationReason.SecondFamilyUnavailable,
        $"no {family} address to go with the one assigned ({Why()}); it is added as soon as one is to be had");

    private string Remedy() => candidates.Any(pool => allocator.AnyInUse(pool, family))
        ? "add a range, or delete a Service that has one"
        : "add a range of addresses that nobody has";

    /// <summary>Says nothing that changes with each address taken: it is an Event, which is told anew when it changes.</summary>
    private string Why()
    {
        if (named is not null)
        {
            return $"pool '{named.Name}', which annotation {facts.Request.PoolKey} asks for: {WhyNot(named)}";
        }

        var pools = allocator.Config!.Pools.Where(pool => candidates.Contains(pool) || allocator.HasFamily(pool, family)).ToArray();
        var said = string.Join("; ", pools.Take(MostPools).Select(pool => $"pool '{pool.Name}': {WhyNot(pool)}"));
        return pools.Length switch
        {
            0 => $"no pool has any",
            <= MostPools => said,
            _ => string.Create(CultureInfo.InvariantCulture, $"{said}; and {pools.Length - MostPools} more pools"),
        };
    }

    private string WhyNot(Pool pool) =>
        candidates.Contains(pool) ? (allocator.HasFamily(pool, family) ? allocator.WhatHolds(pool, family) : $"no {family} addresses")
        : !pool.Admits(facts) ? "not meant for this Service"
        : "auto-assign: false";
}
