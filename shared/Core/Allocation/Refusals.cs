using LoadBalancer.Core.Addressing;
using LoadBalancer.Core.Pools;

namespace LoadBalancer.Core.Allocation;

/// <summary>The texts of the refusals that more than one place gives: what was found, and what would work.</summary>
internal static class Refusals
{
    public static Refusal FamilyNotWanted(IpAddress address, IReadOnlyList<IpFamily> wanted) => new(AllocationReason.FamiliesChanged,
        $"{address} is of a family the Service does not have now; its spec.ipFamilies is {string.Join(", ", wanted)}");

    public static Refusal NoLongerInAnyPool(IpAddress address) => new(AllocationReason.AddressOutsidePools,
        $"{address} is in no pool of the configuration");

    public static Refusal RequestOutsidePools(string source, IpAddress address) => new(AllocationReason.AddressOutsidePools,
        $"{source} asks for {address}, which is in no pool of the configuration; ask for an address of a pool or add it to one");

    public static Refusal RequestAvoided(string source, IpAddress address, string pool) => new(AllocationReason.AddressAvoided,
        $"{source} asks for {address}, which pool '{pool}' never gives out: it has avoid-buggy-ips: true, and the address ends in "
        + $".{address.AsUInt32 & 0xFF}; ask for another address, or set avoid-buggy-ips: false");

    public static Refusal Avoided(IpAddress address, string pool) => new(AllocationReason.AddressAvoided,
        $"{address} ends in .{address.AsUInt32 & 0xFF}, and pool '{pool}' has avoid-buggy-ips: true");

    public static Refusal PoolNotForService(string pool, ServiceId id) => new(AllocationReason.PoolNotForService,
        $"pool '{pool}' is not meant for this Service: its namespaces, namespace-selectors or service-selectors do not match namespace "
        + $"'{id.Namespace}' and the Service's labels; use another pool or change them");

    public static Refusal ContradictsPool(string source, IpAddress address, string pool, string poolKey, string requested) =>
        new(AllocationReason.AddressContradictsPool,
            $"{source} asks for {address} of pool '{pool}', but annotation {poolKey} asks for pool '{requested}'; "
            + "remove or change one of the two");

    public static Refusal PoolUnknown(string key, string name, PoolConfig config) => new(AllocationReason.PoolUnknown,
        $"annotation {key} asks for pool '{InvisibleCharacters.Show(name)}', which is not in the configuration; it has {Names(config.Pools)}");

    public static Refusal NotDualStack(IReadOnlyList<IpFamily> families) => new(AllocationReason.NotDualStack,
        $"spec.ipFamilyPolicy is RequireDualStack, but the Service has only {string.Join(", ", families)} cluster IPs; "
        + "use PreferDualStack, or a dual-stack cluster");

    public static Refusal NoConfiguration { get; } = new(AllocationReason.NoConfiguration,
        "there is no valid pool configuration; create the ConfigMap, or look at its Events for what is wrong with it");

    public static Refusal NoPools { get; } = new(AllocationReason.NoPools,
        "the configuration has no address pool; add one under address-pools");

    public static Refusal NoPoolForService { get; } = new(AllocationReason.NoPoolForService,
        "no pool gives addresses to this Service by itself: each has auto-assign: false or is meant for other Services; "
        + "ask for a pool by the annotation metallb.io/address-pool, or add one");

    public static Refusal StatusAltered(ServiceFacts facts) => new(AllocationReason.StatusAltered,
        $"the status showed {Assignment.Text(facts.Status.Select(static e => e.ToString()))}, which this controller did not give");

    public static Refusal NotEligible(Eligibility eligibility) => eligibility switch
    {
        Eligibility.NotLoadBalancer => new Refusal(AllocationReason.NotLoadBalancer, "spec.type is not LoadBalancer"),
        _ => new Refusal(AllocationReason.NoClusterIP,
            "the Service has no cluster IP; a LoadBalancer Service cannot be headless"),
    };

    private static string Names(IEnumerable<Pool> pools)
    {
        var names = pools.Select(static pool => $"'{pool.Name}'").ToArray();
        return names.Length switch
        {
            0 => "no pool",
            1 => $"pool {names[0]}",
            <= 8 => $"pools {string.Join(", ", names)}",
            _ => $"pools {string.Join(", ", names.Take(8))} and {names.Length - 8} more",
        };
    }
}
