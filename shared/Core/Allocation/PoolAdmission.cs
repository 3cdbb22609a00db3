using LoadBalancer.Core.Pools;

namespace LoadBalancer.Core.Allocation;

/// <summary>Which pools are meant for which Services.</summary>
internal static class PoolAdmission
{
    /// <summary>Whether the pool is meant for some Services only.</summary>
    public static bool IsRestricted(this Pool pool) =>
        pool.Namespaces.Count > 0 || pool.NamespaceSelectors.Count > 0 || pool.ServiceSelectors.Count > 0;

    /// <summary>Namespace by name or by label, and, if the pool has service selectors, one of them too.</summary>
    public static bool Admits(this Pool pool, ServiceFacts facts) =>
        AdmitsNamespace(pool, facts)
        && (pool.ServiceSelectors.Count == 0 || pool.ServiceSelectors.Any(selector => selector.Matches(facts.Labels)));

    /// <summary>The pools that give to this Service without being asked for, in the order to try them: those meant for it first.</summary>
    public static IEnumerable<Pool> AutomaticFor(this PoolConfig config, ServiceFacts facts) =>
        config.Pools.Where(pool => pool.AutoAssign && pool.IsRestricted() && pool.Admits(facts))
            .Concat(config.Pools.Where(static pool => pool.AutoAssign && !pool.IsRestricted()));

    private static bool AdmitsNamespace(Pool pool, ServiceFacts facts) =>
        (pool.Namespaces.Count == 0 && pool.NamespaceSelectors.Count == 0)
        || pool.Namespaces.Contains(facts.Id.Namespace)
        || pool.NamespaceSelectors.Any(selector => selector.Matches(facts.NamespaceLabels));
}
