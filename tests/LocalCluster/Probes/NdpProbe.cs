using LoadBalancer.LocalCluster.Network;

namespace LoadBalancer.LocalCluster.Probes;

/// <summary>One neighbour advertisement for the probed address.</summary>
/// <param name="At">When it came, since the probe began.</param>
/// <param name="Mac">Whom it names.</param>
/// <param name="IsReply">Whether it was an answer: the S flag.</param>
/// <param name="Override">The O flag.</param>
public readonly record struct NdpAnswer(TimeSpan At, string Mac, bool IsReply, bool Override) : IProbeAnswer;

/// <summary>Looks for an IPv6 address by multicast.</summary>
public sealed class NdpProbe : WireProbe<NdpAnswer>
{
    private NdpProbe(Host host, string address, TimeSpan? interval, TimeProvider? time)
        : base(host, PacketSocket.IPv6, NdpFrame.Solicitation(host.Mac, host.Address6, address), (frame, at) => Read(frame, at, address), interval, time)
    {
    }

    /// <summary>Begins to ask from a host, every 10 ms unless told otherwise.</summary>
    public static NdpProbe Start(Host host, string address, TimeSpan? interval = null, TimeProvider? time = null) => new(host, address, interval, time);

    private static NdpAnswer? Read(ReadOnlySpan<byte> frame, TimeSpan at, string address) =>
        NdpFrame.ReadAdvertisement(frame) is { } read && read.Target == address ? new NdpAnswer(at, read.Mac, read.Solicited, read.Override) : null;
}
