using LoadBalancer.Core.Addressing;

namespace LoadBalancer.Core.Allocation;

/// <summary>
/// The addresses that a node rules out for Services by being where it is: its own, its gateways', and the ends of its subnets. A pool may
/// well contain them; they are skipped one by one, and the pool works.
/// </summary>
public static class NodeExclusions
{
    /// <summary>The addresses that a node has: two hosts on one address take each other off the network.</summary>
    public static IEnumerable<Exclusion> OfAddresses(string node, IEnumerable<IpAddress> addresses) =>
        addresses.Select(address => new Exclusion(address, ExclusionKind.NodeAddress, $"node {node}"));

    /// <summary>The routers a node sends through: whoever answers in their place takes the segment off the network.</summary>
    public static IEnumerable<Exclusion> OfGateways(string node, IEnumerable<IpAddress> gateways) =>
        gateways.Select(address => new Exclusion(address, ExclusionKind.Gateway, $"node {node}"));

    /// <summary>
    /// The ends of the subnets a node is in: of IPv4 the network address and the broadcast address (RFC 1122 §3.2.1.3), of IPv6 the
    /// subnet-router anycast address (RFC 4291 §2.6.1). Subnets of one or two addresses have no such ends (RFC 3021, RFC 6164).
    /// </summary>
    public static IEnumerable<Exclusion> OfSubnets(IEnumerable<IpPrefix> prefixes)
    {
        foreach (var prefix in prefixes)
        {
            if (prefix.Length > prefix.Address.BitLength - 2)
            {
                continue;
            }

            var subnet = $"the subnet {prefix.Network}/{prefix.Length}";
            yield return new Exclusion(prefix.Network, ExclusionKind.NetworkAddress, subnet);
            if (prefix.Address.Family == IpFamily.IPv4)
            {
                yield return new Exclusion(prefix.Last, ExclusionKind.BroadcastAddress, subnet);
            }
        }
    }
}
