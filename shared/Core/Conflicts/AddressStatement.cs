using LoadBalancer.Core.Addressing;
using LoadBalancer.Core.Packets;

namespace LoadBalancer.Core.Conflicts;

/// <summary>In which form a host said that it has an address.</summary>
public enum StatementForm : byte
{
    /// <summary>It asks for somebody else and gives the address as its own.</summary>
    Use,

    /// <summary>It answers for the address.</summary>
    Answer,

    /// <summary>It announces the address to everybody without having been asked: a rival's claim.</summary>
    Announcement,
}

/// <summary>What one frame of somebody else states: an address is at a hardware address. The same for ARP and neighbour discovery.</summary>
/// <param name="Address">The address.</param>
/// <param name="Mac">Where it is said to be: the address in the packet, not the Ethernet source, which a deputy's frame differs in.</param>
/// <param name="Form">How it was said.</param>
public readonly record struct AddressStatement(IpAddress Address, MacAddress Mac, StatementForm Form)
{
    /// <summary>
    /// What an ARP packet states. An ARP probe (sender 0.0.0.0, RFC 5227 §2.1.1) states nothing: its sender asks first, and the answer
    /// is the defence.
    /// </summary>
    /// <returns>Whether it states anything.</returns>
    public static bool TryRead(in ArpPacket packet, out AddressStatement statement)
    {
        var form = packet.IsGratuitous ? StatementForm.Announcement
            : packet.Operation == ArpPacket.Reply ? StatementForm.Answer
            : StatementForm.Use;
        statement = new AddressStatement(IpAddress.FromUInt32(packet.SenderIp), packet.SenderMac, form);
        return packet.SenderIp != 0 && packet.Operation is (ArpPacket.Request or ArpPacket.Reply);
    }

    /// <summary>
    /// What a neighbour solicitation or advertisement states: an advertisement that its target, a solicitation that its source is at the
    /// link-layer address it carries. Duplicate address detection, from <c>::</c>, states nothing: its sender asks first (RFC 4862 §5.4.2).
    /// </summary>
    /// <returns>Whether it states anything.</returns>
    public static bool TryRead(in NdpPacket packet, out AddressStatement statement)
    {
        var (address, form) = packet.Type != NdpPacket.Advertisement ? (packet.Source, StatementForm.Use)
            : (packet.Flags & NdpBits.Solicited) != 0 ? (packet.Target, StatementForm.Answer)
            : (packet.Target, StatementForm.Announcement);
        statement = new AddressStatement(IpAddress.From(IpFamily.IPv6, address), packet.SenderMac, form);
        return address != 0 && packet.Type is (NdpPacket.Advertisement or NdpPacket.Solicitation);
    }
}
