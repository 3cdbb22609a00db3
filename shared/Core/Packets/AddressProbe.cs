using LoadBalancer.Core.Addressing;

namespace LoadBalancer.Core.Packets;

/// <summary>Frames that ask whether anybody has an address, without stating anything about who asks.</summary>
public static class AddressProbe
{
    /// <summary>
    /// Writes an ARP probe, a broadcast request from 0.0.0.0 (RFC 5227 §2.1.1), or for an IPv6 address a solicitation from <c>::</c> to its
    /// group, as in duplicate address detection (RFC 4862 §5.4.2). Neither changes anybody's cache.
    /// </summary>
    /// <param name="address">The address asked for.</param>
    /// <param name="linkMac">The hardware address of the link that asks.</param>
    /// <param name="frame">Takes the frame; at least <see cref="NdpPacket.FrameLength"/> octets.</param>
    /// <returns>The number of octets written.</returns>
    public static int Write(IpAddress address, MacAddress linkMac, Span<byte> frame) => address.Family == IpFamily.IPv4
        ? new ArpPacket(ArpPacket.Request, MacAddress.Broadcast, linkMac, linkMac, 0, default, address.AsUInt32).WriteFrame(frame)
        : NdpPacket.Ask(linkMac, 0, address.Value).WriteFrame(frame);
}
