using LoadBalancer.Core.Addressing;
using LoadBalancer.Core.Pools;

namespace LoadBalancer.Core.Allocation;

/// <summary>Finds the addresses a Service should have: what it asks for, what it has, then the lowest free.</summary>
internal sealed class AddressSearch
{
    private readonly ServiceFacts facts;
    private readonly IReadOnlyList<IpFamily> wanted;
    private readonly Allocator allocator;
    private readonly CurrentAddresses current;
    private readonly PoolConfig config;

    public AddressSearch(ServiceFacts facts, IReadOnlyList<IpFamily> wanted, CurrentAddresses current, Allocator allocator)
    {
        this.facts = facts;
        this.wanted = wanted;
        this.current = current;
        this.allocator = allocator;
        config = allocator.Config!;
    }

    private bool NeedsAll => facts.FamilyPolicy != FamilyPolicy.PreferDualStack;

    /// <summary>The addresses, or null and why not; both if only one of two preferred families can be had.</summary>
    public (Assignment? Assignment, Refusal? Refusal) Find()
    {
        if (facts.FamilyPolicy == FamilyPolicy.RequireDualStack && wanted.Count < 2)
        {
            return (null, Refusals.NotDualStack(wanted));
        }

        if (facts.Request.Read(wanted, out var requested) is { } malformed)
        {
            return (null, malformed);
        }

        if (config.Pools.Count == 0)
        {
            return (null, Refusals.NoPools);
        }

        if (FindRequestedPool(requested, out var pool) is { } refusal)
        {
            return (null, refusal);
        }

        return pool is not null ? FromRequestedPool(pool, requested) : FromAnyPool();
    }

    private Refusal? FindRequestedPool(IReadOnlyList<IpAddress> requested, out Pool? pool)
    {
        pool = null;
        var request = facts.Request;
        if (request.Pool.Length > 0)
        {
            pool = config.Pools.FirstOrDefault(p => p.Name == request.Pool);
            if (pool is null)
            {
                return Refusals.PoolUnknown(request.PoolKey, request.Pool, config);
            }
        }

        foreach (var address in requested)
        {
            var itsPool = allocator.PoolOf(address);
            if (itsPool is null)
            {
                return Refusals.RequestOutsidePools(request.Source, address);
            }

            if (itsPool.Avoids(address))
            {
                return Refusals.RequestAvoided(request.Source, address, itsPool.Name);
            }

            if (pool is not null && pool.Name != itsPool.Name)
            {
                return request.Pool.Length > 0
                    ? Refusals.ContradictsPool(request.Source, address, itsPool.Name, request.PoolKey, request.Pool)
                    : Refusals.InTwoPools(requested[0], pool.Name, address, itsPool.Name);
            }

            pool = itsPool;
        }

        return pool is not null && !pool.Admits(facts) ? Refusals.PoolNotForService(pool.Name, facts.Id) : null;
    }

    private (Assignment?, Refusal?) FromRequestedPool(Pool pool, IReadOnlyList<IpAddress> requested)
    {
        foreach (var address in requested)
        {
            if (allocator.CheckGiving(facts.Id, facts.Sharing, address) is { } refusal)
            {
                return (null, refusal);
            }
        }

        return Judge(pool, Fill(pool, requested));
    }

    private (Assignment?, Refusal?) FromAnyPool()
    {
        if (current.Pool is { } own)
        {
            var (assignment, refusal) = Judge(own, Fill(own, []));
            if (assignment is not null)
            {
                return (assignment, refusal);
            }
        }

        var pools = config.AutomaticFor(facts).ToList();
        return pools.Count == 0 ? (null, Refusals.NoPoolForService) : FromAutomatic(pools);
    }

    private (Assignment?, Refusal?) FromAutomatic(List<Pool> pools)
    {
        // One family is only taken once no pool has both; among those, a pool that has the preferred one.
        (Pool Pool, List<IpAddress> Found)? partial = null;
        foreach (var pool in pools)
        {
            var found = Fill(pool, []);
            if (found.Count == wanted.Count)
            {
                return (new Assignment(pool.Name, found), null);
            }

            if (found.Count > 0 && (partial is null || (partial.Value.Found[0].Family != wanted[0] && found[0].Family == wanted[0])))
            {
                partial = (pool, found);
            }
        }

        return partial is { } best && !NeedsAll ? Judge(best.Pool, best.Found) : (null, NothingIn(pools));
    }

    private (Assignment?, Refusal?) Judge(Pool pool, List<IpAddress> found)
    {
        if (found.Count == wanted.Count)
        {
            return (new Assignment(pool.Name, found), null);
        }

        return found.Count == 0 || NeedsAll
            ? (null, NothingIn([pool]))
            : (new Assignment(pool.Name, found), Refusals.SecondFamily(wanted.First(f => f != found[0].Family), pool.Name));
    }

    private List<IpAddress> Fill(Pool pool, IReadOnlyList<IpAddress> requested)
    {
        var found = new List<IpAddress>(wanted.Count);
        foreach (var family in wanted)
        {
            var explicitly = requested.Where(a => a.Family == family).ToArray();
            if (explicitly.Length > 0)
            {
                found.Add(explicitly[0]);
            }
            else if (pool.Name == current.Pool?.Name && current.Of(family) is { } kept)
            {
                found.Add(kept);
            }
            else if (allocator.TryOffer(pool, family, facts.Id, facts.Sharing, out var address))
            {
                found.Add(address);
            }
        }

        return found;
    }

    private Refusal NothingIn(IReadOnlyList<Pool> pools)
    {
        var had = wanted.Where(family => pools.Any(pool => allocator.HasFamily(pool, family))).ToArray();
        if (had.Length == 0 || (had.Length < wanted.Count && NeedsAll))
        {
            return Refusals.NoPoolOfFamily(wanted.First(family => !had.Contains(family)), pools);
        }

        return wanted.Count > 1 && NeedsAll ? Refusals.NoPoolOfBoth(pools) : Refusals.NoFreeAddress(had[0], pools);
    }
}
