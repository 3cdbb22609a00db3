using System.Collections.Concurrent;
using LoadBalancer.Core.Addressing;
using LoadBalancer.Core.Allocation;
using LoadBalancer.Core.Ownership;
using LoadBalancer.Core.Pools;
using LoadBalancer.Kubernetes.Leases;
using LoadBalancer.Kubernetes.ListWatch;
using LoadBalancer.Kubernetes.Resources;

namespace LoadBalancer.Speaker.Ownership;

/// <summary>All VIPs with their facts, and the Services they belong to. Immutable.</summary>
/// <param name="Vips">The facts by address.</param>
/// <param name="Services">The Services of each VIP, oldest first.</param>
/// <param name="Unusable">Addresses in the statuses of served Services that nobody announces, whoever is alive.</param>
public sealed record VipSnapshot(
    IReadOnlyDictionary<IpAddress, VipFacts> Vips,
    IReadOnlyDictionary<IpAddress, IReadOnlyList<ServiceResource>> Services,
    IReadOnlyDictionary<IpAddress, UnusableVip> Unusable)
{
    /// <summary>No VIP.</summary>
    public static VipSnapshot Empty { get; } = new(
        new Dictionary<IpAddress, VipFacts>(), new Dictionary<IpAddress, IReadOnlyList<ServiceResource>>(), new Dictionary<IpAddress, UnusableVip>());
}

/// <summary>An address that is not announced although a Service has it.</summary>
/// <param name="Text">Why.</param>
/// <param name="Services">The Services that have it, oldest first.</param>
public sealed record UnusableVip(AnnouncementText Text, IReadOnlyList<ServiceResource> Services)
{
    /// <summary>The reason alone.</summary>
    public AnnouncementEvent Reason => Text.Reason;
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
    private readonly IStore<LeaseResource> leases;
    private readonly Func<bool> isCurrent;
    private readonly ListedAddresses listed = new();
    private readonly ConcurrentDictionary<ObjectKey, string> hostsByLease = [];
    private readonly Func<PoolConfig?> pools;
    private readonly string? loadBalancerClass;
    private volatile HashSet<ObjectKey> served = [];

    /// <summary>A catalog over these stores.</summary>
    /// <param name="services">All Services.</param>
    /// <param name="slices">All EndpointSlices.</param>
    /// <param name="nodes">All Nodes; nobody announces the addresses that are their own.</param>
    /// <param name="leases">The speakers' Leases, which name further addresses of nodes, and their gateways.</param>
    /// <param name="isCurrent">Whether what the stores have is what the API server has now.</param>
    /// <param name="pools">The pools in force; null while none are known.</param>
    /// <param name="loadBalancerClass">Which Services are served; null for those without a class.</param>
    public VipCatalog(
        IStore<ServiceResource> services,
        IStore<EndpointSliceResource> slices,
        IStore<NodeResource> nodes,
        IStore<LeaseResource> leases,
        Func<bool> isCurrent,
        Func<PoolConfig?> pools,
        string? loadBalancerClass)
    {
        this.services = services;
        this.slices = slices;
        this.nodes = nodes;
        this.leases = leases;
        this.isCurrent = isCurrent;
        this.pools = pools;
        this.loadBalancerClass = loadBalancerClass;
    }

    /// <summary>Whether a change of the slice can matter; one that is gone can, its Service is no longer known.</summary>
    public bool Concerns(ObjectKey slice) => slices.Get(slice) is not { } found || served.Contains(ServiceOf(found));

    /// <summary>Whether a change of the Lease can matter: most are renewals. Called by one thread.</summary>
    public bool ConcernsLease(ObjectKey lease)
    {
        var found = leases.Get(lease);
        var hosts = found is null ? "" : $"{found.Annotations.GetValueOrDefault(SpeakerAnnotations.Links)} {found.Annotations.GetValueOrDefault(SpeakerAnnotations.Gateways)}";
        var before = hostsByLease.GetValueOrDefault(lease, "");
        hostsByLease[lease] = hosts;
        return hosts != before;
    }

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
        var hosts = Hosts();
        var uses = new Dictionary<IpAddress, List<Use>>();
        foreach (var service in ours.Values)
        {
            AddUses(uses, service, endpoints[service.Key], hosts);
        }

        var vips = new Dictionary<IpAddress, VipFacts>(uses.Count);
        var owners = new Dictionary<IpAddress, IReadOnlyList<ServiceResource>>(uses.Count);
        var unusable = new Dictionary<IpAddress, UnusableVip>();
        foreach (var (address, users) in uses)
        {
            users.Sort(OldestFirst);
            IReadOnlyList<ServiceResource> its = [.. users.Select(use => use.Service)];
            if (hosts.TryGetValue(address, out var exclusion))
            {
                unusable.Add(address, new UnusableVip(AnnouncementText.OfAHost(exclusion), its));
            }
            else if (config.Find(address) is { } pool)
            {
                vips.Add(address, Facts(address, pool, users));
                owners.Add(address, its);
            }
            else
            {
                // Not ours to announce: another program may have put it there.
                unusable.Add(address, new UnusableVip(AnnouncementText.NotInPool(address), its));
            }
        }

        return new VipSnapshot(vips, owners, unusable);
    }

    // A host answers for its own address; a second voice would take it off the network, and with a gateway everything behind it.
    private Dictionary<IpAddress, Exclusion> Hosts()
    {
        var hosts = new Dictionary<IpAddress, Exclusion>();
        var isSure = services.HasSynced && nodes.HasSynced && isCurrent();
        listed.Retain(node => nodes.Get(new ObjectKey("", node)) is not null);
        foreach (var node in nodes.All())
        {
            Add(NodeExclusions.OfAddresses(
                node.Key.Name, listed.OwnOf(node.Key.Name, IpAddress.ParseAll(node.Addresses), AddressesInUse, isSure)));
        }

        foreach (var lease in leases.All())
        {
            var name = lease.Key.Name;
            Add(NodeExclusions.OfAddresses(name, SpeakerAnnotations.LinksOf(lease).SelectMany(link => link.Prefixes).Select(prefix => prefix.Address)));
            Add(NodeExclusions.OfGateways(name, SpeakerAnnotations.GatewaysOf(lease)));
        }

        return hosts;

        void Add(IEnumerable<Exclusion> exclusions)
        {
            foreach (var exclusion in exclusions)
            {
                hosts.TryAdd(exclusion.Address, exclusion);
            }
        }
    }

    private HashSet<IpAddress> AddressesInUse() =>
        [.. IpAddress.ParseAll(services.All().SelectMany(static service => service.Ingress).Select(static ingress => ingress.Ip))];

    private static ObjectKey ServiceOf(EndpointSliceResource slice) => new(slice.Key.Namespace, slice.ServiceName);

    private static void AddUses(
        Dictionary<IpAddress, List<Use>> uses, ServiceResource service, IEnumerable<EndpointSliceResource> slices,
        Dictionary<IpAddress, Exclusion> hosts)
    {
        IpAddress? first = null;
        var (any, nodes) = Serving(slices);
        foreach (var ingress in service.Ingress)
        {
            if (!IpAddress.TryParse(ingress.Ip, out var address))
            {
                continue;
            }

            first ??= hosts.ContainsKey(address) ? null : address;
            if (!uses.TryGetValue(address, out var users))
            {
                uses.Add(address, users = []);
            }

            users.Add(new Use(service, first ?? address, any, nodes));
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

    // Sharers are one VIP on one node: served if one of them is. With the policy Local the node must have endpoints of every sharer that has
    // any. Where no node has, which only sharers of different pods come to, those that have some take part: one of them is served still.
    private static VipFacts Facts(IpAddress address, Pool pool, List<Use> users)
    {
        var local = users.Where(use => use.Service.ExternalTrafficPolicy == "Local").ToList();
        var clusterServed = users.Exists(use => use.Any && use.Service.ExternalTrafficPolicy != "Local");
        var some = local.SelectMany(use => use.Nodes).ToHashSet(StringComparer.Ordinal);
        var every = some.ToHashSet(StringComparer.Ordinal);
        foreach (var use in local.Where(use => use.Nodes.Count > 0))
        {
            every.IntersectWith(use.Nodes);
        }

        return new VipFacts
        {
            Address = address,
            ElectionAddress = users[0].First,
            Pool = pool,
            Served = clusterServed || local.Exists(use => use.Any),
            ServingNodes = local.Count == 0 || (clusterServed && some.Count == 0) ? null : every.Count > 0 ? every : some,
            SharersApart = some.Count > 0 && every.Count == 0,
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
