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

    /// <summary>Another EtherType than ARP and IPv6.</summary>
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

    /// <summary>Shorter than an IPv6 header, or than the payload length in it.</summary>
    Ipv6Truncated,

    /// <summary>The IP version is not 6.</summary>
    Ipv6Version,

    /// <summary>
    /// The next header is not ICMPv6: extension headers stand before it, which neighbour discovery has no use for, or it is something
    /// else altogether.
    /// </summary>
    Ipv6NextHeader,

    /// <summary>Shorter than a neighbour solicitation: 24 octets of ICMPv6 (RFC 4861 §7.1.1).</summary>
    NdpTruncated,

    /// <summary>An ICMPv6 type other than neighbour solicitation and advertisement.</summary>
    NdpType,

    /// <summary>The ICMPv6 code is not 0.</summary>
    NdpCode,

    /// <summary>The hop limit is not 255: it may have come from another network through a router (RFC 4861 §11.2).</summary>
    NdpHopLimit,

    /// <summary>The ICMPv6 checksum is wrong.</summary>
    NdpChecksum,

    /// <summary>An option has no length, is cut off, or is a link-layer address of another length than Ethernet's.</summary>
    NdpOption,

    /// <summary>The target is a group, unspecified or loopback.</summary>
    NdpTarget,

    /// <summary>
    /// The source address cannot be a host's; or it is <c>::</c> in a solicitation that is no duplicate address detection: not sent to
    /// a solicited-node group, or with a link-layer option (RFC 4861 §7.1.1).
    /// </summary>
    NdpSource,

    /// <summary>An advertisement to a group with the solicited flag (RFC 4861 §7.1.2).</summary>
    NdpSolicitedFlag,

    /// <summary>
    /// The Ethernet source or the sender hardware address in ARP or in NDP's link-layer option is zero or a group address. No host has such an address, and an answer
    /// to a group would be heard, and believed, by many.
    /// </summary>
    SenderMac,

    /// <summary>Sent by this link itself and brought back by a loop or a reflecting switch port.</summary>
    FromOurselves,

    /// <summary>An ARP reply, solicited or gratuitous: a statement, not a question. It matters to observers.</summary>
    ArpReply,

    /// <summary>An ARP operation other than request and reply, for example RARP's (RFC 903) or InARP's (RFC 2390).</summary>
    ArpOperation,

    /// <summary>A neighbour advertisement, solicited or not: a statement, not a question. It matters to observers.</summary>
    NdpAdvertisement,

    /// <summary>The Ethernet destination is neither this link's address nor broadcast or, for NDP, the group's.</summary>
    EthernetDestination,

    /// <summary>The IPv6 destination of a solicitation is neither the target, nor its solicited-node group, nor all nodes.</summary>
    NdpDestination,

    /// <summary>
    /// A gratuitous request or a solicitation like it: sender and target address are the same. Somebody claims the address; it matters to observers, and
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

    /// <summary>
    /// This process stood still for so long that another node may answer by now; it answers again when it has heard from its peers.
    /// </summary>
    NotSure,

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
        DropReason.EtherType => "ether_type",
        DropReason.ArpTruncated => "arp_truncated",
        DropReason.ArpHardwareType => "arp_hardware_type",
        DropReason.ArpProtocolType => "arp_protocol_type",
        DropReason.ArpHardwareLength => "arp_hardware_length",
        DropReason.ArpProtocolLength => "arp_protocol_length",
        DropReason.Ipv6Truncated => "ipv6_truncated",
        DropReason.Ipv6Version => "ipv6_version",
        DropReason.Ipv6NextHeader => "ipv6_next_header",
        DropReason.NdpTruncated => "ndp_truncated",
        DropReason.NdpType => "ndp_type",
        DropReason.NdpCode => "ndp_code",
        DropReason.NdpHopLimit => "ndp_hop_limit",
        DropReason.NdpChecksum => "ndp_checksum",
        DropReason.NdpOption => "ndp_option",
        DropReason.NdpTarget => "ndp_target",
        DropReason.NdpSource => "ndp_source",
        DropReason.NdpSolicitedFlag => "ndp_solicited_flag",
        DropReason.SenderMac => "sender_mac",
        DropReason.FromOurselves => "from_ourselves",
        DropReason.ArpReply => "arp_reply",
        DropReason.ArpOperation => "arp_operation",
        DropReason.NdpAdvertisement => "ndp_advertisement",
        DropReason.EthernetDestination => "ethernet_destination",
        DropReason.NdpDestination => "ndp_destination",
        DropReason.Gratuitous => "gratuitous",
        DropReason.TargetNotOurs => "target_not_ours",
        DropReason.AskedByOwner => "asked_by_owner",
        DropReason.NotSure => "not_sure",
        DropReason.NotSent => "not_sent",
        _ => throw new ArgumentOutOfRangeException(nameof(reason), reason, "Not a drop reason."),
    };
}
