using LoadBalancer.Core.Addressing;
using LoadBalancer.Core.Heartbeats;
using LoadBalancer.Core.Ownership;
using LoadBalancer.Core.Packets;
using LoadBalancer.Speaker.Membership;

namespace LoadBalancer.Speaker.Tests.Cluster;

/// <summary>A switch in memory. Frames are queued while they are sent and delivered when the test says so: no thread, no chance.</summary>
internal sealed class VirtualSwitch
{
    private readonly List<Port> ports = [];
    private readonly Queue<(Port From, byte[] Frame)> queue = [];

    /// <summary>Whether a frame may pass from one port to another.</summary>
    public Func<Port, Port, bool> Passes { get; set; } = (_, _) => true;

    /// <summary>The longest frame that passes, whatever the links take.</summary>
    public int Longest { get; set; } = int.MaxValue;

    /// <summary>The frames that were sent so far, by kind of message.</summary>
    public Dictionary<HeartbeatKind, int> Sent { get; } = [];

    public Port Connect(string node, string mac, string? prefix, string link = "eth0")
    {
        var index = 1 + ports.Count(port => port.Node == node);
        var port = new Port(this, node, new LinkFacts(link, index, MacAddress.Parse(mac), prefix is null ? [] : [IpPrefix.Parse(prefix)], Carrier: true));
        ports.Add(port);
        return port;
    }

    /// <summary>The host that is asked as a witness, once connected.</summary>
    public Port Gateway => ports.Single(port => port.Node == "gateway");

    /// <summary>Nothing reaches a node any more; what it sends does, or does not either.</summary>
    public void Deafen(string node, bool alsoMute = false) => Passes = (from, to) => to.Node != node && !(alsoMute && from.Node == node);

    /// <summary>Nothing that a node sends reaches anybody.</summary>
    public void Silence(string node) => Passes = (from, _) => from.Node != node;

    public void Mend() => Passes = (_, _) => true;

    public void Disconnect(Port port) => ports.Remove(port);

    /// <summary>Delivers what is queued, and what that brings about.</summary>
    public bool Deliver()
    {
        var any = false;
        while (queue.TryDequeue(out var item))
        {
            any = true;
            if (item.Frame.Length > Longest)
            {
                continue;
            }

            var destination = MacAddress.Read(item.Frame);
            foreach (var port in ports.Where(port => port != item.From && port.Plugged && item.From.Plugged && Passes(item.From, port)))
            {
                if (destination.IsGroup || destination == port.Facts.Mac)
                {
                    port.Receive(item.Frame);
                }
            }
        }

        return any;
    }

    // docs/protocol.md: the message begins with four letters and the version.
    private const int KindAt = 5;

    internal sealed class Port(VirtualSwitch wire, string node, LinkFacts facts) : ISegmentLink
    {
        public string Node => node;

        public LinkFacts Facts { get; set; } = facts;

        public bool Plugged { get; set; } = true;

        public Action<byte[]>? Received { get; set; }

        public AnswerTable Table { get; private set; } = AnswerTable.Empty;

        public List<IpAddress> Announced { get; } = [];

        public List<IpAddress> Repeated { get; } = [];

        /// <summary>Whether it answers no question although its heartbeats go out.</summary>
        public bool Dumb { get; set; }

        /// <summary>How many questions it has asked.</summary>
        public int Asked { get; private set; }

        public TimeSpan MayAnswerUntil { get; private set; }

        public Action<MacAddress, IpAddress>? HeardKernel { get; set; }

        /// <summary>Whether nobody reads what comes in, although the kernel hears it.</summary>
        public bool Hangs { get; set; }

        public bool HasUnread => Hangs;

        /// <summary>Whether its kernel sends segments on.</summary>
        public bool HasKernel { get; set; }

        public IReadOnlyDictionary<IpAddress, MacAddress> Formers { get; private set; } = FormerOwners.None;

        public void Follow(IReadOnlyCollection<MacAddress> peers, IReadOnlyDictionary<IpAddress, MacAddress> formers) =>
            Formers = HasKernel ? formers : FormerOwners.None;

        /// <summary>The addresses whose connections the kernel was asked for; null before.</summary>
        public IReadOnlyCollection<IpAddress>? Adopted { get; private set; }

        public void Adopt(IReadOnlyCollection<IpAddress> vips) => Adopted = vips;

        public bool KeepsConnections(IpAddress vip) => Formers.GetValueOrDefault(vip).Value != 0;

        public long Arrivals { get; private set; }

        public bool Send(ReadOnlySpan<byte> frame)
        {
            if (frame.Length > HeartbeatLayout.EthernetHeader + Facts.Mtu)
            {
                return false;
            }

            var kind = (HeartbeatKind)frame[HeartbeatLayout.EthernetHeader + KindAt];
            wire.Sent[kind] = wire.Sent.GetValueOrDefault(kind) + 1;
            wire.queue.Enqueue((this, frame.ToArray()));
            return true;
        }

        public void Answer(AnswerTable table) => Table = table;

        public void Announce(IReadOnlyList<IpAddress> vips)
        {
            Announced.AddRange(vips);
            FormersAtAnnouncement.AddRange(vips.Select(vip => Formers.GetValueOrDefault(vip)));
        }

        /// <summary>Where the older connections of each address were when it was announced.</summary>
        public List<MacAddress> FormersAtAnnouncement { get; } = [];

        public void Repeat(IReadOnlyList<IpAddress> vips) => Repeated.AddRange(vips);

        /// <summary>The kernels of the nodes answer, whatever their speakers do.</summary>
        public void Ask(in CheckTarget target)
        {
            Asked++;
            var address = target.Address;
            foreach (var port in wire.ports.Where(port => port.Facts.Prefixes.Count > 0 && port.Facts.Prefixes[0].Address == address && port.Plugged && Plugged))
            {
                if (wire.Passes(this, port) && wire.Passes(port, this))
                {
                    Hear(port);
                }
            }

            // A question for a VIP goes to the speaker that is asked.
            var asked = target;
            foreach (var port in wire.ports.Where(port => port.Facts.Mac == asked.Mac && port.Plugged && !port.Dumb))
            {
                if (port.Table.TryGet(address, out var mac))
                {
                    HeardKernel?.Invoke(mac, address);
                }
            }
        }

        /// <summary>A frame that is none of the speakers'.</summary>
        public void Hear(Port from)
        {
            if (Received is not null && !Hangs)
            {
                Arrivals++;
                HeardKernel?.Invoke(from.Facts.Mac, from.Facts.Prefixes[0].Address);
            }
        }

        public void Receive(byte[] frame)
        {
            if (Received is not null && !Hangs)
            {
                Arrivals++;
                Received(frame);
            }
        }

        public void AnswerUntil(TimeSpan until) => MayAnswerUntil = until;

        public void Hush(IReadOnlyList<IpAddress> vips)
        {
        }
    }
}
