using LoadBalancer.Core.Addressing;

namespace LoadBalancer.Speaker.Tests.Simulation;

/// <summary>One network interface and the switch port it is plugged into.</summary>
internal sealed class Port(SimulatedHost host, string name, int index, MacAddress mac, IpPrefix prefix)
{
    public SimulatedHost Host => host;

    /// <summary>The interface's name; an interface that takes its place has another.</summary>
    public string Name { get; set; } = name;

    /// <summary>Of all ports of the wire, from 0 on.</summary>
    public int Number { get; set; }

    /// <summary>The interface's index in its host; another when it was made anew.</summary>
    public int Index { get; set; } = index;

    /// <summary>The hardware address as it is now.</summary>
    public MacAddress Mac { get; set; } = mac;

    public IpPrefix Prefix => prefix;

    /// <summary>Whether the interface exists.</summary>
    public bool Present { get; set; } = true;

    public bool Carrier { get; set; } = true;

    /// <summary>Nothing comes in from the wire.</summary>
    public bool Deaf { get; set; }

    /// <summary>Nothing gets out on the wire.</summary>
    public bool Mute { get; set; }

    /// <summary>What is sent and is longer is refused by the kernel.</summary>
    public int Mtu { get; set; } = 1500;

    public int Vlan { get; set; }

    public override string ToString() => $"{host.Name}/{Name}";
}

/// <summary>
/// A switch. Frames take a while, get lost, come twice and overtake each other; paths are cut one way or both.
/// </summary>
internal sealed class SimulatedWire(VirtualTime time)
{
    private const int MostPorts = 256;

    private readonly HashSet<SimulatedHost> onlyIp = [];
    private readonly List<Port> ports = [];
    private readonly bool[,] cut = new bool[MostPorts, MostPorts];
    private readonly TimeSpan[,] lastAt = new TimeSpan[MostPorts, MostPorts];

    public IReadOnlyList<Port> Ports => ports;

    /// <summary>Of a thousand frames so many are lost.</summary>
    public int LossPerMille { get; set; }

    /// <summary>Whether frames are held up, come twice and overtake each other.</summary>
    public bool Jitter { get; set; } = true;

    /// <summary>Sees every frame that arrives.</summary>
    public Action<Port, byte[]>? Tap { get; set; }

    public void Plug(Port port)
    {
        port.Number = ports.Count;
        ports.Add(port);
    }

    public void Cut(Port from, Port to, bool isCut) => cut[from.Number, to.Number] = isCut;

    public void Cut(SimulatedHost from, SimulatedHost to, bool isCut)
    {
        foreach (var a in from.Ports)
        {
            foreach (var b in to.Ports)
            {
                Cut(a, b, isCut);
            }
        }
    }

    /// <summary>From now on a switch passes nothing of a host but IP.</summary>
    public void FilterNonIp(SimulatedHost host) => onlyIp.Add(host);

    /// <summary>Whether what the one sends arrives at the other, loss apart.</summary>
    public bool Passes(Port from, Port to) =>
        from != to && from is { Carrier: true, Mute: false, Host.Powered: true } && to is { Carrier: true, Deaf: false, Host.Powered: true }
        && from.Vlan == to.Vlan && !cut[from.Number, to.Number];

    /// <summary>Whether a single frame gets through, as chance will have it.</summary>
    public bool Gets(Port from, Port to) => Passes(from, to) && time.Random.Next(1000) >= LossPerMille;

    /// <summary>Sees every frame that is sent.</summary>
    public SentFrame? Sent { get; set; }

    public void Send(Port from, ReadOnlySpan<byte> frame)
    {
        Sent?.Invoke(from, frame);
        var destination = MacAddress.Read(frame);
        byte[]? copy = null;
        foreach (var to in ports)
        {
            // No frame here is IP: heartbeats and ARP.
            if ((destination.IsGroup || destination == to.Mac) && Passes(from, to) && !onlyIp.Contains(from.Host) && !onlyIp.Contains(to.Host) && time.Random.Next(1000) >= LossPerMille)
            {
                copy ??= frame.ToArray();
                Deliver(from, to, copy);
            }
        }
    }

    private void Deliver(Port from, Port to, byte[] frame)
    {
        // A wire keeps the order; only what is held up is overtaken.
        var delay = Delay();
        ref var last = ref lastAt[from.Number, to.Number];
        var at = time.Now + delay;
        if (delay < TimeSpan.FromMilliseconds(1))
        {
            at = at > last ? at : last + TimeSpan.FromMicroseconds(1);
            last = at;
        }

        time.At(at, () => Arrive(to, frame));
        if (Jitter && time.Random.Next(1000) < 5)
        {
            time.After(Delay() + Delay(), () => Arrive(to, frame));
        }
    }

    private void Arrive(Port to, byte[] frame)
    {
        Tap?.Invoke(to, frame);
        to.Host.Hear(to, frame);
    }

    // Mostly a tenth of a millisecond; now and then a frame is held up and others overtake it.
    private TimeSpan Delay() => Jitter && time.Random.Next(1000) < 5 ? time.Between(1_000, 30_000) : time.Between(50, 300);
}

/// <summary>A frame leaves a port.</summary>
internal delegate void SentFrame(Port from, ReadOnlySpan<byte> frame);
