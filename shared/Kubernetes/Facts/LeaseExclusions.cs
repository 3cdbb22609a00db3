using LoadBalancer.Core.Addressing;
using LoadBalancer.Core.Allocation;
using LoadBalancer.Kubernetes.Leases;
using LoadBalancer.Kubernetes.Resources;

namespace LoadBalancer.Kubernetes.Facts;

/// <summary>Which addresses are given to no Service, by what Nodes and speakers' Leases say. Pure.</summary>
public static class LeaseExclusions
{
    /// <summary>What a speaker's Lease says of its node: its addresses, its gateways, and its subnets' first and last addresses.</summary>
    public static Exclusion[] Of(LeaseResource lease)
    {
        var prefixes = SpeakerAnnotations.LinksOf(lease).SelectMany(static link => link.Prefixes).ToArray();
        return
        [
            .. NodeExclusions.OfAddresses(lease.Key.Name, prefixes.Select(static prefix => prefix.Address)),
            .. NodeExclusions.OfGateways(lease.Key.Name, SpeakerAnnotations.GatewaysOf(lease)),
            .. NodeExclusions.OfSubnets(prefixes),
        ];
    }

    /// <summary>The addresses that the speaker found with strange hosts; they count while the Lease is renewed.</summary>
    public static Exclusion[] QuarantinedBy(LeaseResource lease) =>
        [.. StrangerAnnotations.TakenOf(lease).Select(static taken => new Exclusion(taken.Address, ExclusionKind.Quarantined, taken.Mac.ToString()))];

    /// <summary>All that a cluster's objects rule out at one moment, each address once, as the controller has it.</summary>
    /// <param name="nodes">All Nodes.</param>
    /// <param name="leases">The speakers' Leases, taken to be renewed.</param>
    /// <param name="services">All Services: an address of theirs that a Node lists is not the node's own.</param>
    public static IReadOnlyList<Exclusion> At(
        IEnumerable<NodeResource> nodes, IEnumerable<LeaseResource> leases, IEnumerable<ServiceResource> services)
    {
        var listed = new ListedAddresses();
        HashSet<IpAddress> inUse = [.. IpAddress.ParseAll(services.SelectMany(static service => service.Ingress).Select(static ingress => ingress.Ip))];
        var ofNodes = nodes.SelectMany(node => NodeExclusions.OfAddresses(
            node.Key.Name, listed.OwnOf(node.Key.Name, IpAddress.ParseAll(node.Addresses), () => inUse, isSure: true)));
        return
        [
            .. ofNodes.Concat(leases.SelectMany(static lease => Of(lease).Concat(QuarantinedBy(lease))))
                .OrderBy(static e => e.Address).ThenBy(static e => e.Kind).ThenBy(static e => e.Detail, StringComparer.Ordinal)
                .DistinctBy(static e => e.Address),
        ];
    }
}
