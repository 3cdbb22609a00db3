using LoadBalancer.Core.Addressing;

namespace LoadBalancer.Core.Packets;

/// <summary>The two forms of a gratuitous ARP. Some hosts learn only from the one, some only from the other.</summary>
public enum AnnouncementForm : byte
{
    /// <summary>Operation 1, the form of an ARP Announcement (RFC 5227 §3).</summary>
    Request = 1,

    /// <summary>Operation 2, a reply that nobody asked for.</summary>
    Reply = 2,
}

/// <summary>Frames that tell a whole segment where a VIP is now.</summary>
public static class Announcement
{
    /// <summary>
    /// Writes a gratuitous ARP: sender and target address the VIP, target hardware address and Ethernet destination broadcast.
    /// </summary>
    /// <param name="form">The operation.</param>
    /// <param name="vip">The IPv4 address, host order.</param>
    /// <param name="mac">The hardware address to announce: the owner's.</param>
    /// <param name="linkMac">The Ethernet source: this link's, also when the owner is another node, so that no switch relearns.</param>
    /// <param name="frame">Takes the frame; at least <see cref="EthernetFrame.MinimumLength"/> octets.</param>
    /// <returns>The number of octets written: 60.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The destination is shorter than that.</exception>
    public static int Write(AnnouncementForm form, uint vip, MacAddress mac, MacAddress linkMac, Span<byte> frame) =>
        new ArpPacket((ushort)form, MacAddress.Broadcast, linkMac, mac, vip, MacAddress.Broadcast, vip).WriteFrame(frame);

    /// <summary>Writes an unsolicited neighbour advertisement to all nodes, which corrects what they have cached (RFC 4861 §7.2.6).</summary>
    /// <param name="vip">The IPv6 address.</param>
    /// <param name="mac">The hardware address to announce: the owner's.</param>
    /// <param name="linkMac">The Ethernet source: this link's, also when the owner is another node, so that no switch relearns.</param>
    /// <param name="frame">Takes the frame; at least <see cref="NdpPacket.FrameLength"/> octets.</param>
    /// <returns>The number of octets written: 86.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The destination is shorter than that.</exception>
    public static int Write(UInt128 vip, MacAddress mac, MacAddress linkMac, Span<byte> frame) =>
        Unsolicited(vip, mac, linkMac).WriteFrame(frame);

    internal static NdpPacket Unsolicited(UInt128 vip, MacAddress mac, MacAddress linkMac) => new(
        NdpPacket.Advertisement, Ipv6Multicast.MacOf(Ipv6Multicast.AllNodes), linkMac, vip, Ipv6Multicast.AllNodes, NdpBits.Override, vip, mac);
}
