using LoadBalancer.Core.Addressing;
using LoadBalancer.Core.Packets;

namespace LoadBalancer.Speaker.Tests.Simulation;

/// <summary>A machine on the wire: its kernel answers for its own addresses, whatever runs on it.</summary>
internal class SimulatedHost(VirtualTime time, SimulatedWire wire, string name)
{
    private readonly List<Port> ports = [];

    public string Name => name;

    public bool Powered { get; set; } = true;

    public IReadOnlyList<Port> Ports => ports;

    protected VirtualTime Time => time;

    protected SimulatedWire Wire => wire;

    public Port Add(string interfaceName, string mac, string prefix)
    {
        var port = new Port(this, interfaceName, ports.Count + 1, MacAddress.Parse(mac), IpPrefix.Parse(prefix));
        ports.Add(port);
        wire.Plug(port);
        return port;
    }

    /// <summary>A frame came in.</summary>
    public virtual void Hear(Port port, byte[] frame)
    {
        if (!Powered || !port.Carrier)
        {
            return;
        }

        if (ArpPacket.Read(frame, out var packet) == DropReason.None)
        {
            if (packet.Operation == ArpPacket.Request && packet.TargetIp == port.Prefix.Address.AsUInt32 && packet.SenderIp != packet.TargetIp)
            {
                time.After(time.Between(10, 100), () => Reply(port, packet));
            }

            HearArp(port, packet);
        }
    }

    /// <summary>Asks everybody who has an address.</summary>
    public void Ask(Port port, IpAddress address)
    {
        if (Powered)
        {
            Span<byte> frame = stackalloc byte[EthernetFrame.MinimumLength];
            new ArpPacket(ArpPacket.Request, MacAddress.Broadcast, port.Mac, port.Mac, port.Prefix.Address.AsUInt32, default, address.AsUInt32).WriteFrame(frame);
            wire.Send(port, frame);
        }
    }

    protected virtual void HearArp(Port port, in ArpPacket packet)
    {
    }

    private void Reply(Port port, ArpPacket asked)
    {
        if (Powered)
        {
            Span<byte> frame = stackalloc byte[EthernetFrame.MinimumLength];
            new ArpPacket(ArpPacket.Reply, asked.SenderMac, port.Mac, port.Mac, asked.TargetIp, asked.SenderMac, asked.SenderIp).WriteFrame(frame);
            wire.Send(port, frame);
        }
    }
}

/// <summary>
/// A host that uses the VIPs. It asks until it has an answer, and then believes what it is told without asking; like Linux it does not
/// believe a second change within a second.
/// </summary>
internal sealed class SimulatedClient(VirtualTime time, SimulatedWire wire, string name) : SimulatedHost(time, wire, name)
{
    private static readonly TimeSpan LockTime = TimeSpan.FromSeconds(1);

    private readonly Dictionary<IpAddress, (MacAddress Mac, TimeSpan Since)> cache = [];
    private readonly HashSet<IpAddress> vips = [];

    /// <summary>The hardware address it sends the VIP's traffic to, and since when.</summary>
    public (MacAddress Mac, TimeSpan Since)? Cached(IpAddress vip) => cache.TryGetValue(vip, out var entry) ? entry : null;

    public void Use(IpAddress vip)
    {
        vips.Add(vip);
        Time.Every(TimeSpan.FromMilliseconds(500), () =>
        {
            if (!cache.ContainsKey(vip))
            {
                Ask(Ports[0], vip);
            }
        });
    }

    protected override void HearArp(Port port, in ArpPacket packet)
    {
        var vip = IpAddress.FromUInt32(packet.SenderIp);
        if (!vips.Contains(vip))
        {
            return;
        }

        if (!cache.TryGetValue(vip, out var entry) || (entry.Mac != packet.SenderMac && Time.Now - entry.Since >= LockTime))
        {
            cache[vip] = (packet.SenderMac, Time.Now);
        }
    }
}
