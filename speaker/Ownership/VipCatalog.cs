using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
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
    IReadOnlyDictionary<IpAddress, IReadOnlyList<AnnouncedService>> Services,
    IReadOnlyDictionary<IpAddress, UnusableVip> Unusable)
{
    /// <summary>Only itself: one that was made later stands for facts that may have changed, also if the VIPs are the same.</summary>
    public bool Equals(VipSnapshot? other) => ReferenceEquals(this, other);

    /// <inheritdoc/>
    public override int GetHashCode() => RuntimeHelpers.GetHashCode(this);

    /// <summary>No VIP.</summary>
    public static VipSnapshot Empty { get; } = new(
        new Dictionary<IpAddress, VipFacts>(), new Dictionary<IpAddress, IReadOnlyList<AnnouncedService>>(), new Dictionary<IpAddress, UnusableVip>());
}

/// <summary>An address that is not announced although a Service has it.</summary>
/// <param name="Text">Why.</param>
/// <param name="Services">The Services that have it, oldest first.</param>
public sealed record UnusableVip(AnnouncementText Text, IReadOnlyList<AnnouncedService> Services)
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
    private readonly IStore<AnnouncedService> services;
    private readonly IStore<EndpointSliceResource> slices;
    private readonly IStore<NodeResource> nodes;
    private readonly IStore<LeaseResource> leases;
    private readonly Func<bool> isCurrent;
    private readonly ListedAddresses listed = new();
    private readonly ConcurrentDictionary<ObjectKey, string> hostsByLease = [];
    private readonly Func<PoolConfig?> pools;
    private readonly string? loadBalancerClass;
    private volatile HashSet<ObjectKey> served = [];
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

    /// <summary>
    /// Builds the facts from what the stores have now. What is as it was is the same object; the snapshot itself is another each time, since Nodes,
    /// of which it says nothing, may be what changed.
    /// </summary>
    public VipSnapshot Build()
    {
        if (pools() is not { } config)
        {
            return last = VipSnapshot.Empty;
        }

        var ours = Served();
        var hosts = Hosts();
        var uses = new Dictionary<IpAddress, Users>(ours.Count);
        foreach (var (_, service) in ours)
        {
            AddUses(uses, service, hosts);
        }

        var vips = new Dictionary<IpAddress, VipFacts>(uses.Count);
        var owners = new Dictionary<IpAddress, IReadOnlyList<AnnouncedService>>(uses.Count);
        var unusable = new Dictionary<IpAddress, UnusableVip>();
        var isSame = true;
        foreach (var (address, users) in uses)
        {
            users.Sort();
            if (hosts.TryGetValue(address, out var exclusion))
            {
                unusable.Add(address, Unusable(AnnouncementText.OfAHost(exclusion), users, last.Unusable.GetValueOrDefault(address), ref isSame));
            }
            else if (config.Find(address) is { } pool)
            {
                vips.Add(address, Same(users.Facts(address, pool), last.Vips.GetValueOrDefault(address), ref isSame));
                owners.Add(address, users.Services(last.Services.GetValueOrDefault(address, []), ref isSame));
            }
            else
            {
                // Not ours to announce: another program may have put it there.
                unusable.Add(address, Unusable(AnnouncementText.NotInPool(address), users, last.Unusable.GetValueOrDefault(address), ref isSame));
            }
        }

        isSame &= vips.Count == last.Vips.Count && unusable.Count == last.Unusable.Count;
        return last = isSame ? last with { } : new VipSnapshot(vips, owners, unusable);
    }

    // The Services served, each with where its endpoints are.
    private Dictionary<ObjectKey, ServedService> Served()
    {
        var ours = new Dictionary<ObjectKey, ServedService>();
        foreach (var service in services.All())
        {
            if (service.IsLoadBalancer && service.IsKept && service.LoadBalancerClass == loadBalancerClass)
            {
                ours[service.Key] = new ServedService(service);
            }
        }

        foreach (var slice in slices.All())
        {
            ref var service = ref CollectionsMarshal.GetValueRefOrNullRef(ours, ServiceOf(slice));
            if (!Unsafe.IsNullRef(ref service))
            {
                service = service.With(slice);
            }
        }

        served = [.. ours.Keys];
        return ours;
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

    private HashSet<IpAddress> AddressesInUse() => [.. services.All().SelectMany(static service => service.Addresses)];

    private static ObjectKey ServiceOf(EndpointSliceResource slice) => new(slice.Key.Namespace, slice.ServiceName);

    private static void AddUses(Dictionary<IpAddress, Users> uses, in ServedService service, Dictionary<IpAddress, Exclusion> hosts)
    {
        IpAddress? first = null;
        foreach (var address in service.Service.Addresses)
        {
            first ??= hosts.ContainsKey(address) ? null : address;
            ref var users = ref CollectionsMarshal.GetValueRefOrAddDefault(uses, address, out _);
            users = users.With(new Use(service, first ?? address));
        }
    }
}
