using LoadBalancer.Core.Addressing;
using LoadBalancer.Core.Conflicts;
using LoadBalancer.Core.Ownership;
using LoadBalancer.Core.Packets;
using LoadBalancer.Core.Pools;
using LoadBalancer.Kubernetes.Leases;
using LoadBalancer.Kubernetes.ListWatch;
using LoadBalancer.Kubernetes.Resources;
using LoadBalancer.Speaker.Links;
using LoadBalancer.Speaker.Membership;
using LoadBalancer.Speaker.Ownership;
using LoadBalancer.Speaker.Strangers;
using LoadBalancer.Speaker.Tests.Cluster;
using LoadBalancer.Speaker.Tests.Links;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;

namespace LoadBalancer.Speaker.Tests.Strangers;

/// <summary>A watch of node n1 on one link in memory, with the peers n2, which is heard, and n3, which is known by its Lease.</summary>
internal sealed class WatchBench : IDisposable
{
    private readonly FakeTimeProvider time = new();
    private readonly FakeLink wire = new(FakeLink.FactsOf("eth0", 2) with { Prefixes = [IpPrefix.Parse("192.168.96.11/20"), IpPrefix.Parse("fd00:96::11/64")] });
    private readonly string self;

    public WatchBench(string self = "n1", string pool = "192.168.96.96/27", bool probing = true, bool? elected = null)
    {
        this.self = self;
        Elected = elected ?? self == "n1";
        Api.Sync();
        Api.Pools = new PoolConfig([new Pool { Name = "default", Ranges = [Usable(IpPrefix.Parse(pool).Range)] }]);
        Link = new LinkRunner(wire, new FakePeers(), null, (_, _) => { });
        Listener = new WireListener(Wake);
        var stores = new SpeakerStores(Api.Services, Api.Slices, Api.Nodes, Api.Leases);
        var catalog = new VipCatalog(Api.Services, Api.Slices, Api.Nodes, Api.Leases, () => true, () => Api.Pools, null);
        Api.Services.Changed += catalog.NoteService;
        Api.Slices.Changed += catalog.NoteSlice;
        Api.Nodes.Changed += _ => catalog.NoteNodes();
        Watch = new StrangerWatch(Listener, stores, () => Api.Pools, () => [Link], _ => View, catalog.Build, Api, self,
            probing ? new ProbeTimings() : null, new MonotonicClock(time), Wake, NullLogger.Instance);
        PutLease("n3", new() { [StrangerAnnotations.Macs] = "52:54:00:00:00:03" });
        Watch.Step();
    }

    public FakeApi Api { get; } = new();

    public WakeUp Wake { get; } = new();

    public LinkRunner Link { get; }

    public MacAddress Mac => Link.Mac;

    public WireListener Listener { get; }

    public StrangerWatch Watch { get; }

    public bool Elected { get; set; }

    private SegmentView View => new(
        Member(self, "52:54:00:00:00:01") with { Ready = Elected },
        [Member("n2", "52:54:00:00:00:02") with { Ready = !Elected }],
        MayAct: true);

    public void Dispose()
    {
        Link.Dispose();
        Wake.Dispose();
    }

    /// <summary>A Service whose address this node answers for.</summary>
    public void Own(string name, string ip)
    {
        Api.PutService(name, ip, [self]);
        Link.Table = AnswerTable.Create([new(IpAddress.Parse(ip), Link.Mac)]);
        Advance(TimeSpan.FromSeconds(1), keepSent: false);
    }

    public void Delete(string name)
    {
        var service = Api.Services.Get(new ObjectKey("default", name))!;
        Link.Table = AnswerTable.Empty;
        Api.Services.Apply(new WatchEvent<AnnouncedService>(WatchEventType.Deleted, service, "999999"));
    }

    public void PutLease(string node, Dictionary<string, string> annotations) =>
        Api.PutLease(new LeaseResource { Key = new ObjectKey(FakeApi.Namespace, node), HolderIdentity = node, Annotations = annotations });

    /// <summary>Somebody says that it has an address.</summary>
    public void Hear(MacAddress mac, string ip, string target, ushort operation = ArpPacket.Request)
    {
        Wake.Take();
        Listener.OnArp(Link, new ArpPacket(
            operation, MacAddress.Broadcast, mac, mac, IpAddress.Parse(ip).AsUInt32, default, IpAddress.Parse(target).AsUInt32));
        Assert.Equal(Listener.Watched.Contains(IpAddress.Parse(ip)) && !Listener.Known.Contains(mac), Wake.Take());
        Watch.Step();
    }

    /// <summary>Somebody advertises an IPv6 address.</summary>
    public void HearAdvertisement(MacAddress mac, string ip)
    {
        Wake.Take();
        var address = IpAddress.Parse(ip).Value;
        Listener.OnNdp(Link, new NdpPacket(NdpPacket.Advertisement, default, mac, address, default, NdpBits.Override, address, mac));
        Assert.Equal(Listener.Watched.Contains(IpAddress.Parse(ip)) && !Listener.Known.Contains(mac), Wake.Take());
        Watch.Step();
    }

    /// <summary>The NDP packets sent so far.</summary>
    public IReadOnlyList<NdpPacket> SentNdp() => [.. wire.Sent.Where(frame => EthernetFrame.EtherType(frame) == EthernetFrame.EtherTypeIPv6).Select(frame =>
    {
        Assert.Equal(DropReason.None, NdpPacket.Read(frame, out var packet));
        return packet;
    })];

    /// <summary>Lets time pass, as the thread does: it sleeps no longer than it was told to.</summary>
    public void Advance(TimeSpan duration, bool keepSent = true)
    {
        for (var passed = TimeSpan.Zero; passed < duration;)
        {
            var sleep = Watch.Step();
            sleep = sleep < TimeSpan.FromMilliseconds(1) ? TimeSpan.FromMilliseconds(1) : sleep;
            sleep = sleep < duration - passed ? sleep : duration - passed;
            time.Advance(sleep);
            passed += sleep;
        }

        Watch.Step();
        while (!keepSent && wire.Sent.TryTake(out _))
        {
            // Not what the test is about.
        }
    }

    /// <summary>The ARP packets sent so far.</summary>
    public IReadOnlyList<ArpPacket> Sent() => [.. wire.Sent.Select(frame =>
    {
        Assert.Equal(DropReason.None, ArpPacket.Read(frame, out var packet));
        return packet;
    })];

    private static SegmentMember Member(string node, string mac) => new(
        node, "eth0", MemberSource.Wire, [IpPrefix.Parse("192.168.96.11/20")], [], Ready: true, Leaving: false, Holding: false, HearsUs: true)
    {
        Mac = MacAddress.Parse(mac),
    };

    // From .100 on, as in the documentation.
    private static IpRange Usable(IpRange range) => range.Contains(IpAddress.Parse("192.168.96.100")) ? new(IpAddress.Parse("192.168.96.100"), range.Last) : range;
}

internal static class Packets
{
    /// <summary>What a frame claims: hardware address, sender, target, and whether to everybody.</summary>
    public static (MacAddress Mac, string Sender, string Target, bool ToAll) Claim(this ArpPacket packet) => (
        packet.SenderMac, IpAddress.FromUInt32(packet.SenderIp).ToString(), IpAddress.FromUInt32(packet.TargetIp).ToString(),
        packet.EthernetDestination == MacAddress.Broadcast);
}
