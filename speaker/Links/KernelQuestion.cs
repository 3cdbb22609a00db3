using LoadBalancer.Core.Addressing;
using LoadBalancer.Core.Ownership;
using LoadBalancer.Core.Packets;

namespace LoadBalancer.Speaker.Links;

/// <summary>The question to a node's kernel whether it lives: who has its address? By ARP or NDP, as the address is.</summary>
public static class KernelQuestion
{
    /// <summary>Sends it.</summary>
    public static void Send(LinkRunner link, in CheckTarget target)
    {
        Span<byte> frame = stackalloc byte[NdpPacket.FrameLength];
        link.Send(frame[..Write(link.Facts, target, frame)]);
    }

    /// <summary>Writes it.</summary>
    /// <returns>The number of octets.</returns>
    public static int Write(LinkFacts link, in CheckTarget target, Span<byte> frame)
    {
        var own = OwnAddress(link, target.Address.Family);
        if (target.Address.Family == IpFamily.IPv6)
        {
            var question = NdpPacket.Ask(link.Mac, own.Value, target.Address.Value);
            return (target.Broadcast ? question : question with { EthernetDestination = target.Mac }).WriteFrame(frame);
        }

        // Without an address of our own it is a probe (RFC 5227 §2.1.1), which is answered too.
        return new ArpPacket(
            ArpPacket.Request, target.Broadcast ? MacAddress.Broadcast : target.Mac, link.Mac, link.Mac, own.AsUInt32, default, target.Address.AsUInt32)
            .WriteFrame(frame);
    }

    private static IpAddress OwnAddress(LinkFacts link, IpFamily family)
    {
        foreach (var prefix in link.Prefixes)
        {
            if (prefix.Address.Family == family)
            {
                return prefix.Address;
            }
        }

        return default;
    }
}
