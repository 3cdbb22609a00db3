using LoadBalancer.Core.Addressing;

namespace LoadBalancer.Core.Packets;

/// <summary>What became of one received frame.</summary>
/// <param name="Reason"><see cref="DropReason.None"/> if an answer was written, else why not.</param>
/// <param name="Packet">What the frame said, if it was ARP for IPv4 over Ethernet; else the default value.</param>
public readonly record struct ArpOutcome(DropReason Reason, ArpPacket Packet)
{
    /// <summary>Whether the reply is to be sent.</summary>
    public bool Answered => Reason == DropReason.None;

    /// <summary>
    /// Whether <see cref="Packet"/> is a statement by somebody else that an observer may draw conclusions from: well formed, from a
    /// station address, not our own.
    /// </summary>
    public bool IsObservation =>
        Packet.Operation != 0 && Reason is not (DropReason.SenderMac or DropReason.FromOurselves);
}

/// <summary>
/// The answer to an ARP request for a VIP. Pure, without allocation, and as quick with ten thousand VIPs as with one.
/// </summary>
public static class ArpResponder
{
    /// <summary>
    /// Answers a request (operation 1) that was broadcast or sent to this link and whose target is in the table. An ARP probe
    /// (sender 0.0.0.0) is answered: that is how the prober learns that the address is taken (RFC 5227 §2.1.1).
    /// </summary>
    /// <remarks>
    /// The answer goes to the <em>sender hardware address of the packet</em>, in the Ethernet header as well as in ARP, as RFC 826
    /// has it and as Linux does. Where the Ethernet source differs, a bridge or a wireless repeater rewrote it on the way and the
    /// packet names the host that asked. The answer leaves with the link's own address as Ethernet source, whatever address it
    /// names, so that no switch moves another node's address to this port.
    /// </remarks>
    /// <param name="frame">The frame from its Ethernet destination on, without VLAN tag.</param>
    /// <param name="table">The VIPs to answer for on this link.</param>
    /// <param name="linkMac">The link's own hardware address.</param>
    /// <param name="reply">Takes the answer; at least <see cref="EthernetFrame.MinimumLength"/> octets. Untouched if there is none.</param>
    public static ArpOutcome Respond(ReadOnlySpan<byte> frame, AnswerTable table, MacAddress linkMac, Span<byte> reply)
    {
        var reason = ArpPacket.Read(frame, out var request);
        if (reason == DropReason.None)
        {
            reason = Judge(request, table, linkMac, out var answer);
            if (reason == DropReason.None)
            {
                new ArpPacket(ArpPacket.Reply, request.SenderMac, linkMac, answer, request.TargetIp, request.SenderMac, request.SenderIp)
                    .WriteFrame(reply);
            }
        }

        return new ArpOutcome(reason, request);
    }

    private static DropReason Judge(in ArpPacket request, AnswerTable table, MacAddress linkMac, out MacAddress answer)
    {
        answer = default;
        if (!IsStation(request.SenderMac) || !IsStation(request.EthernetSource))
        {
            return DropReason.SenderMac;
        }

        if (request.SenderMac == linkMac || request.EthernetSource == linkMac)
        {
            return DropReason.FromOurselves;
        }

        if (request.Operation != ArpPacket.Request)
        {
            return request.Operation == ArpPacket.Reply ? DropReason.ArpReply : DropReason.ArpOperation;
        }

        if (request.EthernetDestination != MacAddress.Broadcast && request.EthernetDestination != linkMac)
        {
            return DropReason.EthernetDestination;
        }

        if (request.IsGratuitous)
        {
            return DropReason.Gratuitous;
        }

        if (!table.TryGet(request.TargetIp, out answer))
        {
            return DropReason.TargetNotOurs;
        }

        return answer == request.SenderMac ? DropReason.AskedByOwner : DropReason.None;
    }

    private static bool IsStation(MacAddress mac) => mac.Value != 0 && !mac.IsGroup;
}
