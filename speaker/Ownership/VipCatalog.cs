using System.Collections.Concurrent;
using System.Collections.Immutable;
using System.Runtime.InteropServices;
using LoadBalancer.Core.Addressing;
using LoadBalancer.Core.Allocation;
using LoadBalancer.Core.Ownership;
using LoadBalancer.Core.Pools;
using LoadBalancer.Kubernetes.Leases;
using LoadBalancer.Kubernetes.ListWatch;
using LoadBalancer.Kubernetes.Resources;

namespace LoadBalancer.Speaker.Ownership;

/// <summary>
/// Makes the facts of all VIPs from Services, EndpointSlices, Nodes and pools. Knows what can matter at all, so that the churn of other
/// Services' endpoints causes no work; and after a change of some Services or endpoints looks at their addresses only, however many there are.
/// </summary>
public sealed class VipCatalog
{
    private readonly IStore<AnnouncedService> services;
    private readonly IStore<EndpointSliceResource> slices;
    private readonly IStore<NodeResource> nodes;
    private readonly IStore<LeaseResource> leases;
    private readonly Func<bool> isCurrent;
    private readonly ListedAddresses listed = new();
    private readonly ConcurrentDictionary<ObjectKey, string> hostsByLease = [];
    private readonly Func<PoolConfig?> pools;
    private readonly string? loadBalancerClass;
    private readonly CatalogChanges changes = new();
    private readonly SlicesByService slicesOf;
    private ConcurrentDictionary<ObjectKey, AnnouncedService> served = [];
    private Dictionary<IpAddress, Exclusion> hosts = [];
    private PoolConfig? configSeen;
    private bool wasSure;
    private bool hasLooked;
    private VipSnapshot last = VipSnapshot.Empty;

    /// <summary>A catalog over these stores.</summary>
    /// <param name="services">All Services.</param>
    /// <param name="slices">All EndpointSlices.</param>
    /// <param name="nodes">All Nodes; nobody announces the addresses that are their own.</param>
    /// <param name="leases">The speakers' Leases, which name further addresses of nodes, and their gateways.</param>
    /// <param name="isCurrent">Whether what the stores have is what the API server has now.</param>
    /// <param name="pools">The pools in force; null while none are known.</param>
    /// <param name="loadBalancerClass">Which Services are served; null for those without a class.</param>
    public VipCatalog(
        IStore<AnnouncedService> services,
        IStore<EndpointSliceResource> slices,
        IStore<NodeResource> nodes,
        IStore<LeaseResource> leases,
        Func<bool> isCurrent,
        Func<PoolConfig?> pools,
        string? loadBalancerClass)
    {
        this.services = services;
        this.slices = slices;
        slicesOf = new SlicesByService(slices);
        this.nodes = nodes;
        this.leases = leases;
        this.isCurrent = isCurrent;
        this.pools = pools;
        this.loadBalancerClass = loadBalancerClass;
    }

    /// <summary>Whether a change of the slice can matter; one that is gone can, its Service is no longer known.</summary>
    public bool Concerns(ObjectKey slice) => slices.Get(slice) is not { } found || Volatile.Read(ref served).ContainsKey(SlicesByService.ServiceOf(found));

    /// <summary>A Service changed. From any thread, as the following two.</summary>
    public void NoteService(ObjectKey service) => changes.NoteService(service);

    /// <summary>An EndpointSlice changed, whether it matters or not.</summary>
    public void NoteSlice(ObjectKey slice) => changes.NoteSlice(slice);

    /// <summary>A Node, or what a Lease says of one, changed.</summary>
    public void NoteNodes() => changes.NoteOthers();

    /// <summary>Whether a change of the Lease can matter: most are renewals. Called by one thread.</summary>
    public bool ConcernsLease(ObjectKey lease)
    {
        var found = leases.Get(lease);
        var hosts = found is null ? "" : $"{found.Annotations.GetValueOrDefault(SpeakerAnnotations.Links)} {found.Annotations.GetValueOrDefault(SpeakerAnnotations.Gateways)}";
        var before = hostsByLease.GetValueOrDefault(lease, "");
        hostsByLease[lease] = hosts;
        return hosts != before;
    }

    /// <summary>
    /// Builds the facts from what the stores have now. What is as it was is the same object; the snapshot itself is another each time, since Nodes,
    /// of which it says nothing, may be what changed.
    /// </summary>
    public VipSnapshot Build()
    {
        var (changedServices, changedSlices, others) = changes.Take();
        if (pools() is not { } config)
        {
            hasLooked = false;
            return last = VipSnapshot.Empty;
        }

        // While it is not sure whose the addresses are that Nodes list, that depends on all Services.
        var isSure = services.HasSynced && nodes.HasSynced && isCurrent();
        var all = others || !hasLooked || !isSure || !wasSure || !ReferenceEquals(config, configSeen);
        (configSeen, wasSure) = (config, isSure);
        var (concerned, addresses) = (changedServices.ToHashSet(), new HashSet<IpAddress>());
        if (hasLooked)
        {
            LookAt(changedSlices, concerned, addresses);
        }
        else
        {
            LookAtAll();
        }

        return last = all ? BuildAll(config, isSure) : BuildSome(config, concerned, addresses);
    }

    private void LookAtAll()
    {
        hasLooked = true;
        slicesOf.LookAtAll();
        Volatile.Write(ref served, new ConcurrentDictionary<ObjectKey, AnnouncedService>(
            concurrencyLevel: 1, services.All().Where(IsServed).Select(static service => KeyValuePair.Create(service.Key, service)), comparer: null));
    }

    // Which Services are concerned, and the addresses that they had and have.
    private void LookAt(IReadOnlyCollection<ObjectKey> changedSlices, HashSet<ObjectKey> concerned, HashSet<IpAddress> addresses)
    {
        foreach (var slice in changedSlices)
        {
            slicesOf.Look(slice, concerned);
        }

        foreach (var key in concerned)
        {
            if (served.TryRemove(key, out var before))
            {
                addresses.UnionWith(before.Addresses);
            }

            if (services.Get(key) is { } now && IsServed(now))
            {
                addresses.UnionWith(now.Addresses);
                served[key] = now;
            }
        }
    }

    private VipSnapshot BuildAll(PoolConfig config, bool isSure)
    {
        hosts = Hosts(isSure);
        var uses = new Dictionary<IpAddress, Users>(served.Count);
        foreach (var (_, service) in served)
        {
            AddUses(uses, service, only: null);
        }

        var page = new Page(last, new Dictionary<IpAddress, VipFacts>(uses.Count), new Dictionary<IpAddress, IReadOnlyList<AnnouncedService>>(uses.Count), new Dictionary<IpAddress, UnusableVip>());
        foreach (var (address, users) in uses)
        {
            Place(address, users, config, ref page);
        }

        return page.IsSame && page.Vips.Count == last.Vips.Count && page.Unusable.Count == last.Unusable.Count
            ? new VipSnapshot(last.Vips, last.Services, last.Unusable)
            : new VipSnapshot(page.Vips.ToImmutableDictionary(), page.Services.ToImmutableDictionary(), page.Unusable.ToImmutableDictionary());
    }

    private VipSnapshot BuildSome(PoolConfig config, HashSet<ObjectKey> concerned, HashSet<IpAddress> addresses)
    {
        // Whoever else is on those addresses.
        foreach (var address in addresses)
        {
            concerned.UnionWith((last.Services.GetValueOrDefault(address) ?? last.Unusable.GetValueOrDefault(address)?.Services ?? []).Select(static service => service.Key));
        }

        var uses = new Dictionary<IpAddress, Users>(addresses.Count);
        foreach (var key in concerned)
        {
            if (served.TryGetValue(key, out var service))
            {
                AddUses(uses, service, addresses);
            }
        }

        var (vips, itsServices, unusable) = (last.Vips.ToBuilder(), last.Services.ToBuilder(), last.Unusable.ToBuilder());
        var page = new Page(last, vips, itsServices, unusable);
        foreach (var address in addresses)
        {
            page.Remove(address);
            if (uses.TryGetValue(address, out var users))
            {
                Place(address, users, config, ref page);
            }
        }

        return new VipSnapshot(vips.ToImmutable(), itsServices.ToImmutable(), unusable.ToImmutable(), last, addresses);
    }

    private void Place(IpAddress address, Users users, PoolConfig config, ref Page page)
    {
        users.Sort();
        if (hosts.TryGetValue(address, out var exclusion))
        {
            page.Unusable.Add(address, Unusable(AnnouncementText.OfAHost(exclusion), users, page.Before.Unusable.GetValueOrDefault(address), ref page.IsSame));
        }
        else if (config.Find(address) is { } pool)
        {
            page.Vips.Add(address, Same(users.Facts(address, pool), page.Before.Vips.GetValueOrDefault(address), ref page.IsSame));
            page.Services.Add(address, users.Services(page.Before.Services.GetValueOrDefault(address, []), ref page.IsSame));
        }
        else
        {
            // Not ours to announce: another program may have put it there.
            page.Unusable.Add(address, Unusable(AnnouncementText.NotInPool(address), users, page.Before.Unusable.GetValueOrDefault(address), ref page.IsSame));
        }
    }

    private bool IsServed(AnnouncedService service) => service.IsLoadBalancer && service.IsKept && service.LoadBalancerClass == loadBalancerClass;

    // The Service with where its endpoints are.
    private ServedService WithEndpoints(AnnouncedService service)
    {
        var its = new ServedService(service);
        foreach (var slice in slicesOf.Of(service.Key))
        {
            its = its.With(slice);
        }

        return its;
    }

    private static VipFacts Same(VipFacts now, VipFacts? before, ref bool isSame)
    {
        if (before is not null && now with { ServingNodes = before.ServingNodes } == before
            && (now.ServingNodes is null ? before.ServingNodes is null : before.ServingNodes is { } nodes && nodes.SetEquals(now.ServingNodes)))
        {
            return before;
        }

        isSame = false;
        return now;
    }

    private static UnusableVip Unusable(AnnouncementText text, in Users users, UnusableVip? before, ref bool isSame)
    {
        var its = users.Services(before?.Services ?? [], ref isSame);
        if (before is not null && before.Text == text && ReferenceEquals(before.Services, its))
        {
            return before;
        }

        isSame = false;
        return new UnusableVip(text, its);
    }

    // A host answers for its own address; a second voice would take it off the network, and with a gateway everything behind it.
    private Dictionary<IpAddress, Exclusion> Hosts(bool isSure)
    {
        var found = new Dictionary<IpAddress, Exclusion>();
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

        return found;

        void Add(IEnumerable<Exclusion> exclusions)
        {
            foreach (var exclusion in exclusions)
            {
                found.TryAdd(exclusion.Address, exclusion);
            }
        }
    }

    private HashSet<IpAddress> AddressesInUse() => [.. services.All().SelectMany(static service => service.Addresses)];

    private void AddUses(Dictionary<IpAddress, Users> uses, AnnouncedService service, HashSet<IpAddress>? only)
    {
        var its = WithEndpoints(service);
        IpAddress? first = null;
        foreach (var address in service.Addresses)
        {
            first ??= hosts.ContainsKey(address) ? null : address;
            if (only?.Contains(address) != false)
            {
                ref var users = ref CollectionsMarshal.GetValueRefOrAddDefault(uses, address, out _);
                users = users.With(new Use(its, first ?? address));
            }
        }
    }

    /// <summary>A snapshot in the making.</summary>
    /// <param name="before">The one before: what is as it was is taken from there.</param>
    /// <param name="vips">Receives the facts.</param>
    /// <param name="services">Receives the Services.</param>
    /// <param name="unusable">Receives what nobody announces.</param>
    private struct Page(
        VipSnapshot before, IDictionary<IpAddress, VipFacts> vips, IDictionary<IpAddress, IReadOnlyList<AnnouncedService>> services, IDictionary<IpAddress, UnusableVip> unusable)
    {
        /// <summary>Whether all that was put in was there before.</summary>
        public bool IsSame = true;

        public readonly VipSnapshot Before => before;

        public readonly IDictionary<IpAddress, VipFacts> Vips => vips;

        public readonly IDictionary<IpAddress, IReadOnlyList<AnnouncedService>> Services => services;

        public readonly IDictionary<IpAddress, UnusableVip> Unusable => unusable;

        public readonly void Remove(IpAddress address)
        {
            vips.Remove(address);
            services.Remove(address);
            unusable.Remove(address);
        }
    }
}
