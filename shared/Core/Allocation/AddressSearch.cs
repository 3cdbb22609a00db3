using LoadBalancer.Core.Addressing;
using LoadBalancer.Core.Pools;

namespace LoadBalancer.Core.Allocation;

/// <summary>
/// Finds the addresses a Service should have: what it asks for, what it has, then the lowest free. Two addresses come from one pool where
/// one has both, otherwise from two.
/// </summary>
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

        return Check(requested, out var named) is { } refusal ? (null, refusal) : Search(requested, named);
    }

    /// <summary>Whether what is asked for can be had.</summary>
    /// <param name="requested">The addresses asked for.</param>
    /// <param name="named">The pool asked for by name, or null.</param>
    private Refusal? Check(IReadOnlyList<IpAddress> requested, out Pool? named)
    {
        named = null;
        var request = facts.Request;
        if (request.Pool.Length > 0)
        {
            named = config.Pools.FirstOrDefault(pool => pool.Name == request.Pool);
            if (named is null)
            {
                return Refusals.PoolUnknown(request.PoolKey, request.Pool, config);
            }

            if (!named.Admits(facts))
            {
                return Refusals.PoolNotForService(named.Name, facts.Id);
            }
        }

        foreach (var address in requested)
        {
            if (Check(address, named) is { } refusal)
            {
                return refusal;
            }
        }

        return null;
    }

    private Refusal? Check(IpAddress address, Pool? named)
    {
        var request = facts.Request;
        return allocator.PoolOf(address) is not { } pool ? Refusals.RequestOutsidePools(request.Source, address)
            : pool.Avoids(address) ? Refusals.RequestAvoided(request.Source, address, pool.Name)
            : named is not null && named.Name != pool.Name
                ? Refusals.ContradictsPool(request.Source, address, pool.Name, request.PoolKey, request.Pool)
            : !pool.Admits(facts) ? Refusals.PoolNotForService(pool.Name, facts.Id)
            : allocator.CheckGiving(facts.Id, facts.Sharing, address);
    }

    private (Assignment?, Refusal?) Search(IReadOnlyList<IpAddress> requested, Pool? named)
    {
        var found = wanted.Select(family => Settled(family, requested, named)).ToArray();
        if (!found.Contains(null))
        {
            return (ToAssignment(found), null);
        }

        var pools = Candidates(found, named);
        if (pools.Count == 0)
        {
            return (null, Refusals.NoPoolForService);
        }

        Complete(found, pools);
        var missing = wanted.Where((_, index) => found[index] is null).ToArray();
        return missing.Length == 0 ? (ToAssignment(found), null)
            : missing.Length == wanted.Count || NeedsAll ? (null, WhyNone(missing, pools, named))
            : (ToAssignment(found), new Shortfall(facts, missing[0], pools, named, allocator).SecondFamily());
    }

    /// <summary>The address of a family that is not to be looked for: the one asked for, or the one it has.</summary>
    private IpAddress? Settled(IpFamily family, IReadOnlyList<IpAddress> requested, Pool? named)
    {
        foreach (var address in requested)
        {
            if (address.Family == family)
            {
                return address;
            }
        }

        return current.Of(family) is { } kept && (named is null || named.Contains(kept)) ? kept : null;
    }

    /// <summary>The pools to look in: the one asked for alone; else those of the addresses there are, then those that give by themselves.</summary>
    private List<Pool> Candidates(IpAddress?[] found, Pool? named) => named is not null
        ? [named]
        : [.. found.OfType<IpAddress>().Select(allocator.PoolOf).OfType<Pool>().Concat(config.AutomaticFor(facts)).Distinct()];

    private void Complete(IpAddress?[] found, List<Pool> pools)
    {
        if (Array.TrueForAll(found, static address => address is null))
        {
            foreach (var pool in pools)
            {
                var both = wanted.Select(family => Offer(pool, family)).ToArray();
                if (!both.Contains(null))
                {
                    both.CopyTo(found, 0);
                    return;
                }
            }
        }

        for (var i = 0; i < found.Length; i++)
        {
            found[i] ??= pools.Select(pool => Offer(pool, wanted[i])).FirstOrDefault(static address => address is not null);
        }
    }

    private IpAddress? Offer(Pool pool, IpFamily family) =>
        allocator.TryOffer(pool, family, facts.Id, facts.Sharing, out var address) ? address : null;

    private static Assignment ToAssignment(IpAddress?[] found) => new([.. found.OfType<IpAddress>()]);

    /// <summary>Of several families that are missing the one that tells most: if all are needed one that no pool has, else one that some pool has.</summary>
    private Refusal WhyNone(IpFamily[] missing, List<Pool> pools, Pool? named)
    {
        var telling = missing.Where(family => pools.Exists(pool => allocator.HasFamily(pool, family)) != NeedsAll).DefaultIfEmpty(missing[0]).First();
        return new Shortfall(facts, telling, pools, named, allocator).Refuse(both: NeedsAll && wanted.Count > 1);
    }
}
