namespace LoadBalancer.Core.Packets;

/// <summary>
/// Why a received frame got no answer. Every frame is either answered or counted under exactly one of these, in the order in
/// which the checks are made: the first one that fails names the reason.
/// </summary>
public enum DropReason : byte
{
    /// <summary>Not dropped: an answer was written.</summary>
    None = 0,

    /// <summary>Shorter than an Ethernet header: 14 octets.</summary>
    EthernetTruncated,

    /// <summary>
    /// Carries an 802.1Q or 802.1ad tag: it belongs to a VLAN interface, which is a link of its own and hears it without the tag.
    /// </summary>
    VlanTagged,

    /// <summary>IPv6 neighbour discovery: seen, and not answered by the IPv4 path.</summary>
    NeighborDiscovery,

    /// <summary>Another EtherType than ARP.</summary>
    EtherType,

    /// <summary>Shorter than an ARP packet for IPv4 over Ethernet: 14 + 28 octets.</summary>
    ArpTruncated,

    /// <summary>The ARP hardware type is not 1, Ethernet (RFC 826).</summary>
    ArpHardwareType,

    /// <summary>The ARP protocol type is not 0x0800, IPv4.</summary>
    ArpProtocolType,

    /// <summary>The ARP hardware address length is not 6.</summary>
    ArpHardwareLength,

    /// <summary>The ARP protocol address length is not 4.</summary>
    ArpProtocolLength,

    /// <summary>
    /// The Ethernet source or the ARP sender hardware address is zero or a group address. No host has such an address, and an answer
    /// to a group would be heard, and believed, by many.
    /// </summary>
    SenderMac,

    /// <summary>Sent by this link itself and brought back by a loop or a reflecting switch port.</summary>
    FromOurselves,

    /// <summary>An ARP reply, solicited or gratuitous: a statement, not a question. It matters to observers.</summary>
    ArpReply,

    /// <summary>An ARP operation other than request and reply, for example RARP's (RFC 903) or InARP's (RFC 2390).</summary>
    ArpOperation,

    /// <summary>The Ethernet destination is neither broadcast nor this link's address.</summary>
    EthernetDestination,

    /// <summary>
    /// A gratuitous request: sender and target address are the same. Somebody claims the address; it matters to observers, and
    /// answering it would be talking to a rival.
    /// </summary>
    Gratuitous,

    /// <summary>The target is no VIP that this node answers for on this link.</summary>
    TargetNotOurs,

    /// <summary>
    /// The asker has the very address the answer would name: a deputy's answer to the owner's own kernel would send that node's
    /// traffic to itself on the wire.
    /// </summary>
    AskedByOwner,

    /// <summary>There was an answer, and the kernel did not take it: link down or its queue full.</summary>
    NotSent,
}

/// <summary>The reasons as labels and array indices.</summary>
public static class DropReasons
{
    /// <summary>The number of values of <see cref="DropReason"/>, <see cref="DropReason.None"/> included: the length of a counter array.</summary>
    public const int Count = (int)DropReason.NotSent + 1;

    /// <summary>The reason as a metric label: lower case with underscores, stable across releases.</summary>
    public static string Label(this DropReason reason) => reason switch
    {
        DropReason.None => "none",
        DropReason.EthernetTruncated => "ethernet_truncated",
        DropReason.VlanTagged => "vlan_tagged",
        DropReason.NeighborDiscovery => "neighbor_discovery",
        DropReason.EtherType => "ether_type",
        DropReason.ArpTruncated => "arp_truncated",
        DropReason.ArpHardwareType => "arp_hardware_type",
        DropReason.ArpProtocolType => "arp_protocol_type",
        DropReason.ArpHardwareLength => "arp_hardware_length",
        DropReason.ArpProtocolLength => "arp_protocol_length",
        DropReason.SenderMac => "sender_mac",
        DropReason.FromOurselves => "from_ourselves",
        DropReason.ArpReply => "arp_reply",
        DropReason.ArpOperation => "arp_operation",
        DropReason.EthernetDestination => "ethernet_destination",
        DropReason.Gratuitous => "gratuitous",
        DropReason.TargetNotOurs => "target_not_ours",
        DropReason.AskedByOwner => "asked_by_owner",
        DropReason.NotSent => "not_sent",
        _ => throw new ArgumentOutOfRangeException(nameof(reason), reason, "Not a drop reason."),
    };
}
