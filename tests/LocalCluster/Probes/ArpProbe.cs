using LoadBalancer.LocalCluster.Network;

namespace LoadBalancer.LocalCluster.Probes;

/// <summary>One ARP frame that named the probed address as its sender.</summary>
/// <param name="At">When it came, since the probe began.</param>
/// <param name="Mac">Whom it names.</param>
/// <param name="IsReply">Whether it was a reply (operation 2).</param>
public readonly record struct ArpAnswer(TimeSpan At, string Mac, bool IsReply) : IProbeAnswer;

/// <summary>Asks for an IPv4 address by broadcast.</summary>
public sealed class ArpProbe : WireProbe<ArpAnswer>
{
    private ArpProbe(Host host, string address, TimeSpan? interval, TimeProvider? time)
        : base(host, PacketSocket.Arp, ArpFrame.Request(host.Mac, host.Address, address), (frame, at) => Read(frame, at, address), interval, time)
    {
    }

    /// <summary>Begins to ask from a host, every 10 ms unless told otherwise.</summary>
    public static ArpProbe Start(Host host, string address, TimeSpan? interval = null, TimeProvider? time = null) => new(host, address, interval, time);

    private static ArpAnswer? Read(ReadOnlySpan<byte> frame, TimeSpan at, string address) =>
        ArpFrame.Read(frame) is { } arp && arp.SenderIp == address ? new ArpAnswer(at, arp.SenderMac, arp.Operation == 2) : null;
}
