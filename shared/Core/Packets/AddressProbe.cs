using LoadBalancer.Core.Addressing;

namespace LoadBalancer.Core.Packets;

/// <summary>Frames that ask whether anybody has an address, without stating anything about who asks.</summary>
public static class AddressProbe
{
    /// <summary>
    /// Writes an ARP probe: a broadcast request from 0.0.0.0, which changes nobody's cache (RFC 5227 §2.1.1).
    /// </summary>
    /// <param name="address">The address asked for.</param>
    /// <param name="linkMac">The hardware address of the link that asks.</param>
    /// <param name="frame">Takes the frame; at least <see cref="EthernetFrame.MinimumLength"/> octets.</param>
    /// <returns>The number of octets written; 0 for an address of a family that is not probed.</returns>
    public static int Write(IpAddress address, MacAddress linkMac, Span<byte> frame) => address.Family == IpFamily.IPv4
        ? new ArpPacket(ArpPacket.Request, MacAddress.Broadcast, linkMac, linkMac, 0, default, address.AsUInt32).WriteFrame(frame)
        : 0;
}
