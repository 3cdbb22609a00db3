using LoadBalancer.Core.Addressing;

namespace LoadBalancer.Core.Packets;

/// <summary>What became of one received frame.</summary>
/// <param name="Reason"><see cref="DropReason.None"/> if an answer was written, else why not.</param>
/// <param name="Packet">What the frame said, if it was a valid solicitation or advertisement; else the default value.</param>
public readonly record struct NdpOutcome(DropReason Reason, NdpPacket Packet)
{
    /// <summary>Whether the advertisement is to be sent.</summary>
    public bool Answered => Reason == DropReason.None;

    /// <summary>
    /// Whether <see cref="Packet"/> is a statement by somebody else that an observer may draw conclusions from: valid, from a station
    /// address, not our own.
    /// </summary>
    public bool IsObservation => Packet.Type != 0 && Reason is not (DropReason.SenderMac or DropReason.FromOurselves);
}

/// <summary>
/// The answer to a neighbour solicitation for a VIP. Pure, without allocation, and as quick with ten thousand VIPs as with one.
/// </summary>
public static class NdpResponder
{
    /// <summary>
    /// Answers a solicitation that was sent to the target's group, to all nodes or to this link, and whose target is in the table.
    /// </summary>
    /// <remarks>
    /// The answer has the solicited and the override flag and a target link-layer option; the override flag since a VIP is no anycast
    /// address and this link is no proxy for it (RFC 4861 §7.2.4). It leaves under the VIP as source address, so that the link needs
    /// no IPv6 address of its own, and under the link's hardware address, whatever address it names, so that no switch moves another
    /// node's address to this port. It goes to the source link-layer address in the solicitation, and to the Ethernet source where
    /// there is none: hosts leave it out when they revalidate what they have cached (RFC 4861 §7.2.2). Duplicate address detection
    /// comes from <c>::</c>, which nothing can be sent to: the answer goes to all nodes, unsolicited, and the asker gives the address
    /// up (RFC 4862 §5.4.4).
    /// </remarks>
    /// <param name="frame">The frame from its Ethernet destination on, without VLAN tag.</param>
    /// <param name="table">The VIPs to answer for on this link.</param>
    /// <param name="linkMac">The link's own hardware address.</param>
    /// <param name="reply">Takes the answer; at least <see cref="NdpPacket.FrameLength"/> octets. Untouched if there is none.</param>
    public static NdpOutcome Respond(ReadOnlySpan<byte> frame, AnswerTable table, MacAddress linkMac, Span<byte> reply)
    {
        var reason = NdpPacket.Read(frame, out var solicitation);
        if (reason == DropReason.None)
        {
            reason = Judge(solicitation, table, linkMac, out var answer);
            if (reason == DropReason.None)
            {
                Answer(solicitation, answer, linkMac).WriteFrame(reply);
            }
        }

        return new NdpOutcome(reason, solicitation);
    }

    private static NdpPacket Answer(in NdpPacket solicitation, MacAddress answer, MacAddress linkMac) =>
        solicitation.IsDuplicateAddressDetection
            ? Announcement.Unsolicited(solicitation.Target, answer, linkMac)
            : new NdpPacket(NdpPacket.Advertisement, solicitation.SenderMac, linkMac, solicitation.Target, solicitation.Source,
                NdpBits.Solicited | NdpBits.Override, solicitation.Target, answer);

    private static DropReason Judge(in NdpPacket packet, AnswerTable table, MacAddress linkMac, out MacAddress answer)
    {
        answer = default;
        if (packet.EthernetSource.Value == 0 || packet.EthernetSource.IsGroup || packet.LinkLayerAddress.IsGroup)
        {
            return DropReason.SenderMac;
        }

        if (packet.EthernetSource == linkMac || packet.LinkLayerAddress == linkMac)
        {
            return DropReason.FromOurselves;
        }

        if (packet.Type != NdpPacket.Solicitation)
        {
            return DropReason.NdpAdvertisement;
        }

        // An access point may turn a multicast into a unicast to each station: the Ethernet address may be ours though IPv6's is a group.
        if (packet.EthernetDestination != linkMac
            && !(Ipv6Multicast.IsGroup(packet.Destination) && packet.EthernetDestination == Ipv6Multicast.MacOf(packet.Destination)))
        {
            return DropReason.EthernetDestination;
        }

        if (packet.Destination != packet.Target
            && packet.Destination != Ipv6Multicast.SolicitedNode(packet.Target)
            && packet.Destination != Ipv6Multicast.AllNodes)
        {
            return DropReason.NdpDestination;
        }

        if (packet.Source == packet.Target)
        {
            return DropReason.Gratuitous;
        }

        if (!table.TryGet(packet.Target, out answer))
        {
            return DropReason.TargetNotOurs;
        }

        return answer == packet.SenderMac ? DropReason.AskedByOwner : DropReason.None;
    }
}
