using LoadBalancer.Core.Addressing;
using LoadBalancer.Core.Ownership;
using LoadBalancer.Core.Pools;
using LoadBalancer.Kubernetes.ListWatch;
using LoadBalancer.Kubernetes.Resources;

namespace LoadBalancer.Speaker.Ownership;

/// <summary>All VIPs with their facts, and the Services they belong to. Immutable.</summary>
/// <param name="Vips">The facts by address.</param>
/// <param name="Services">The Services of each address, oldest first.</param>
public sealed record VipSnapshot(
    IReadOnlyDictionary<IpAddress, VipFacts> Vips,
    IReadOnlyDictionary<IpAddress, IReadOnlyList<ServiceResource>> Services)
{
    /// <summary>No VIP.</summary>
    public static VipSnapshot Empty { get; } =
        new(new Dictionary<IpAddress, VipFacts>(), new Dictionary<IpAddress, IReadOnlyList<ServiceResource>>());
}

/// <summary>
/// Makes the facts of all VIPs from Services, EndpointSlices, Nodes and pools. Knows what can matter at all, so that the churn of other
/// Services' endpoints causes no work.
/// </summary>
public sealed class VipCatalog
{
    private readonly IStore<ServiceResource> services;
    private readonly IStore<EndpointSliceResource> slices;
    private readonly IStore<NodeResource> nodes;
    private readonly Func<PoolConfig?> pools;
    private readonly string? loadBalancerClass;
    private volatile HashSet<ObjectKey> served = [];

    /// <summary>A catalog over these stores.</summary>
    /// <param name="services">All Services.</param>
    /// <param name="slices">All EndpointSlices.</param>
    /// <param name="nodes">All Nodes.</param>
    /// <param name="pools">The pools in force; null while none are known.</param>
    /// <param name="loadBalancerClass">Which Services are served; null for those without a class.</param>
    public VipCatalog(
        IStore<ServiceResource> services,
        IStore<EndpointSliceResource> slices,
        IStore<NodeResource> nodes,
        Func<PoolConfig?> pools,
        string? loadBalancerClass)
    {
        this.services = services;
        this.slices = slices;
        this.nodes = nodes;
        this.pools = pools;
        this.loadBalancerClass = loadBalancerClass;
    }

    /// <summary>Whether a change of the slice can matter; one that is gone can, its Service is no longer known.</summary>
    public bool Concerns(ObjectKey slice) => slices.Get(slice) is not { } found || served.Contains(ServiceOf(found));

    /// <summary>Builds the facts from what the stores have now.</summary>
    public VipSnapshot Build()
    {
        if (pools() is not { } config)
        {
            return VipSnapshot.Empty;
        }

        var ours = services.All().Where(IsServed).ToDictionary(service => service.Key);
        served = [.. ours.Keys];
        var endpoints = slices.All().Where(slice => ours.ContainsKey(ServiceOf(slice))).ToLookup(ServiceOf);

        // Compared as numbers: an IPv6 address has many spellings.
        var nodeAddresses = new HashSet<IpAddress>();
        foreach (var text in nodes.All().SelectMany(node => node.Addresses))
        {
            if (IpAddress.TryParse(text, out var address))
            {
                nodeAddresses.Add(address);
            }
        }

        var uses = new Dictionary<IpAddress, List<Use>>();
        foreach (var service in ours.Values)
        {
            AddUses(uses, service, endpoints[service.Key], nodeAddresses);
        }

        var vips = new Dictionary<IpAddress, VipFacts>(uses.Count);
        var owners = new Dictionary<IpAddress, IReadOnlyList<ServiceResource>>(uses.Count);
        foreach (var (address, users) in uses)
        {
            // An address in no pool is not ours to announce: another program may have put it there.
            if (config.Find(address) is { } pool)
            {
                users.Sort(OldestFirst);
                vips.Add(address, Facts(address, pool, users));
                owners.Add(address, [.. users.Select(use => use.Service)]);
            }
        }

        return new VipSnapshot(vips, owners);
    }

    private static ObjectKey ServiceOf(EndpointSliceResource slice) => new(slice.Key.Namespace, slice.ServiceName);

    private static void AddUses(
        Dictionary<IpAddress, List<Use>> uses, ServiceResource service, IEnumerable<EndpointSliceResource> slices, HashSet<IpAddress> nodeAddresses)
    {
        IpAddress? first = null;
        var (any, nodes) = Serving(slices);
        foreach (var ingress in service.Ingress)
        {
            // A node answers for its own address; a second voice would take the node off the network.
            if (!IpAddress.TryParse(ingress.Ip, out var address) || nodeAddresses.Contains(address))
            {
                continue;
            }

            first ??= address;
            if (!uses.TryGetValue(address, out var users))
            {
                uses.Add(address, users = []);
            }

            users.Add(new Use(service, first.Value, any, nodes));
        }
    }

    private static (bool Any, HashSet<string> Nodes) Serving(IEnumerable<EndpointSliceResource> slices)
    {
        var any = false;
        var nodes = new HashSet<string>(StringComparer.Ordinal);
        foreach (var slice in slices)
        {
            foreach (var endpoint in slice.Endpoints)
            {
                any |= endpoint.Serving;
                if (endpoint.Serving && endpoint.NodeName.Length > 0)
                {
                    nodes.Add(endpoint.NodeName);
                }
            }
        }

        return (any, nodes);
    }

    // Sharers are one VIP on one node: served if one of them is. One with the policy Local narrows the nodes to those that serve it.
    private static VipFacts Facts(IpAddress address, Pool pool, List<Use> users)
    {
        var local = users.Where(use => use.Service.ExternalTrafficPolicy == "Local").ToList();
        var localNodes = local.SelectMany(use => use.Nodes).ToHashSet(StringComparer.Ordinal);
        var clusterServed = users.Exists(use => use.Any && use.Service.ExternalTrafficPolicy != "Local");
        return new VipFacts
        {
            Address = address,
            ElectionAddress = users[0].First,
            Pool = pool,
            Served = clusterServed || local.Exists(use => use.Any),
            ServingNodes = local.Count == 0 || (clusterServed && localNodes.Count == 0) ? null : localNodes,
        };
    }

    private static int OldestFirst(Use a, Use b)
    {
        var byAge = a.Service.Created.CompareTo(b.Service.Created);
        return byAge != 0 ? byAge : string.CompareOrdinal(a.Service.Key.ToString(), b.Service.Key.ToString());
    }

    private bool IsServed(ServiceResource service) =>
        service.Type == "LoadBalancer" && service.Ingress.Count > 0 && service.LoadBalancerClass == loadBalancerClass;

    private sealed record Use(ServiceResource Service, IpAddress First, bool Any, HashSet<string> Nodes);
}
