using LoadBalancer.Core.Addressing;
using LoadBalancer.Core.Conflicts;
using LoadBalancer.Core.Pools;
using LoadBalancer.Kubernetes.ListWatch;
using LoadBalancer.Kubernetes.Resources;

namespace LoadBalancer.Speaker.Strangers;

/// <summary>Which pool addresses are in use and which come next.</summary>
/// <param name="Config">The pools.</param>
/// <param name="Used">The addresses of all Services, ours or another load balancer's, and of the nodes.</param>
/// <param name="Next">The free addresses that are given out next, those that strangers have left out.</param>
internal sealed record PoolFacts(PoolConfig Config, IReadOnlySet<IpAddress> Used, IReadOnlyList<(Pool Pool, IpAddress Address)> Next)
{
    /// <summary>Nothing is known.</summary>
    public static PoolFacts Empty { get; } = new(PoolConfig.Empty, new HashSet<IpAddress>(), []);

    /// <summary>Builds the facts from what the stores have now.</summary>
    /// <param name="config">The pools in force.</param>
    /// <param name="services">The Services that have an address.</param>
    /// <param name="nodes">All Nodes.</param>
    /// <param name="taken">What strangers have.</param>
    /// <param name="ahead">How many free addresses of a pool and family.</param>
    /// <param name="used">That of the facts before, which are facts no more: for ten thousand addresses it is not made anew each second.</param>
    public static PoolFacts Build(
        PoolConfig config, IStore<AnnouncedService> services, IStore<NodeResource> nodes, IEnumerable<IpAddress> taken, int ahead, HashSet<IpAddress> used)
    {
        used.Clear();
        foreach (var service in services.All())
        {
            foreach (var address in service.Addresses)
            {
                used.Add(address);
            }
        }

        foreach (var node in nodes.All())
        {
            foreach (var address in node.Addresses)
            {
                Add(used, address);
            }
        }

        var strangers = taken.ToHashSet();
        return new PoolFacts(config, used, NextAddresses.Of(config, address => used.Contains(address) || strangers.Contains(address), ahead));
    }

    /// <summary>Whether the address is one of a pool and nobody in the cluster has it.</summary>
    public bool IsFree(IpAddress address) => !Used.Contains(address) && Config.Find(address) is not null;

    private static void Add(HashSet<IpAddress> used, string text)
    {
        if (IpAddress.TryParse(text, out var address))
        {
            used.Add(address);
        }
    }
}
