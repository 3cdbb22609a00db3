using LoadBalancer.Core.Addressing;
using LoadBalancer.Core.Pools;

namespace LoadBalancer.Core.Allocation;

/// <summary>Why a pool gives a Service no address by itself.</summary>
public enum PoolRefusal
{
    /// <summary>It would.</summary>
    None,

    /// <summary>The Service asks for another pool by name.</summary>
    OtherPoolRequested,

    /// <summary>The Service asks for an address that is not in it.</summary>
    OtherAddressRequested,

    /// <summary>Its namespaces or selectors do not match the Service.</summary>
    NotForService,

    /// <summary>It gives only on request: <c>auto-assign: false</c>.</summary>
    OnRequestOnly,

    /// <summary>It has no address of the Service's families.</summary>
    NoSuchFamily,
}

/// <summary>A pool and a Service: for an explanation, not for a decision.</summary>
/// <param name="Pool">The pool.</param>
/// <param name="Refusal">Why it does not come into question, or None.</param>
public sealed record PoolVerdict(Pool Pool, PoolRefusal Refusal)
{
    /// <summary>Each pool in the order in which it is tried for the Service, those that do not come into question last.</summary>
    public static IReadOnlyList<PoolVerdict> Of(PoolConfig config, ServiceFacts facts)
    {
        _ = facts.Request.Read(facts.Families, out var addresses);
        var order = config.AutomaticFor(facts).Concat(config.Pools).Distinct();
        return [.. order.Select(pool => new PoolVerdict(pool, Judge(pool, facts, addresses))).OrderBy(static verdict => verdict.Refusal != PoolRefusal.None)];
    }

    private static PoolRefusal Judge(Pool pool, ServiceFacts facts, IReadOnlyList<IpAddress> addresses) =>
        facts.Request.Pool.Length > 0 && facts.Request.Pool != pool.Name ? PoolRefusal.OtherPoolRequested
        : addresses.Count > 0 && !addresses.Any(pool.Contains) ? PoolRefusal.OtherAddressRequested
        : !pool.Admits(facts) ? PoolRefusal.NotForService
        : !pool.AutoAssign && facts.Request.Pool.Length == 0 && addresses.Count == 0 ? PoolRefusal.OnRequestOnly
        : !pool.Ranges.Any(range => facts.Families.Contains(range.Family)) ? PoolRefusal.NoSuchFamily
        : PoolRefusal.None;
}
