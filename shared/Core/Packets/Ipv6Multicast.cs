using LoadBalancer.Core.Addressing;

namespace LoadBalancer.Core.Packets;

/// <summary>The IPv6 multicast groups of neighbour discovery and the Ethernet addresses they map to.</summary>
public static class Ipv6Multicast
{
    /// <summary>All nodes of the link, <c>ff02::1</c> (RFC 4291 §2.7.1).</summary>
    public static readonly UInt128 AllNodes = new(0xFF02_0000_0000_0000, 1);

    private static readonly UInt128 SolicitedNodePrefix = new(0xFF02_0000_0000_0000, 0x1_FF00_0000);
    private const ulong SolicitedNodeMask = 0xFF_FFFF;

    /// <summary>Whether the address is a group (<c>ff00::/8</c>).</summary>
    public static bool IsGroup(UInt128 address) => address >> 120 == 0xFF;

    /// <summary>
    /// The solicited-node group of an address, <c>ff02::1:ff00:0/104</c> with its low 24 bits (RFC 4291 §2.7.1): where a host that
    /// looks for it sends its solicitation. Addresses that agree in those bits share a group.
    /// </summary>
    public static UInt128 SolicitedNode(UInt128 address) => SolicitedNodePrefix | (address & SolicitedNodeMask);

    /// <summary>Whether the address is a solicited-node group.</summary>
    public static bool IsSolicitedNode(UInt128 address) => (address & ~(UInt128)SolicitedNodeMask) == SolicitedNodePrefix;

    /// <summary>The Ethernet address of a group: <c>33:33</c> and its low 32 bits (RFC 2464 §7).</summary>
    public static MacAddress MacOf(UInt128 group) => new(0x3333_0000_0000UL | (uint)group);
}
