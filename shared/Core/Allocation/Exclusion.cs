using LoadBalancer.Core.Addressing;

namespace LoadBalancer.Core.Allocation;

/// <summary>Why an address of a pool is not given out, although nobody of the cluster's Services has it.</summary>
public enum ExclusionKind
{
    /// <summary>A node has it.</summary>
    NodeAddress,

    /// <summary>The router of a node's subnet has it.</summary>
    Gateway,

    /// <summary>It is the network address of a node's subnet.</summary>
    NetworkAddress,

    /// <summary>It is the broadcast address of a node's subnet.</summary>
    BroadcastAddress,

    /// <summary>A host that is not of the cluster answered for it.</summary>
    Quarantined,
}

/// <summary>An address that is not given out, neither by itself nor on request. A Service that has it already keeps it.</summary>
/// <param name="Address">The address.</param>
/// <param name="Kind">Why.</param>
/// <param name="Detail">For people: <c>node n2</c>, <c>52:54:00:12:34:56</c>.</param>
public sealed record Exclusion(IpAddress Address, ExclusionKind Kind, string Detail)
{
    /// <summary>The reason for people: <c>the address of node n2</c>.</summary>
    public string Reason => Kind switch
    {
        ExclusionKind.NodeAddress => $"the address of {Detail}",
        ExclusionKind.Gateway => $"the gateway of {Detail}",
        ExclusionKind.NetworkAddress => $"the network address of {Detail}",
        ExclusionKind.BroadcastAddress => $"the broadcast address of {Detail}",
        _ => $"another host, {Detail}, answers for it",
    };

    /// <summary>The address and whose it is: <c>10.0.0.1 is the address of node n2</c>.</summary>
    internal string Statement => Kind == ExclusionKind.Quarantined ? $"{Address} is used by another host, {Detail}" : $"{Address} is {Reason}";

    internal Refusal Refusal => new(AllocationReason.AddressExcluded, $"{Address} is not given out: " + Kind switch
    {
        ExclusionKind.Quarantined => $"{Reason}; take it out of that host's or the DHCP server's range, or ask for another address",
        _ => $"it is {Reason}; ask for another address",
    });
}
