using BenchmarkDotNet.Attributes;
using LoadBalancer.Core.Addressing;
using LoadBalancer.Core.Packets;

namespace LoadBalancer.Benchmarks;

/// <summary>The answering path without its system calls: frame in, reply out, by ARP and by NDP.</summary>
[MemoryDiagnoser]
public class AnsweringBenchmarks
{
    private static readonly MacAddress Link = MacAddress.Parse("52:54:00:00:00:01");
    private static readonly MacAddress Asker = MacAddress.Parse("52:54:00:00:00:aa");
    private static readonly IpAddress First = IpAddress.Parse("10.64.0.0");
    private static readonly IpAddress First6 = IpAddress.Parse("fd00:96::1:0");
    private static readonly IpAddress Asker6 = IpAddress.Parse("fd00:96::7");

    private readonly byte[] reply = new byte[NdpPacket.FrameLength];
    private byte[][] requests = [];
    private byte[][] solicitations = [];
    private byte[] foreign = [];
    private byte[] foreignSolicitation = [];
    private AnswerTable table = AnswerTable.Empty;
    private int next;

    /// <summary>The number of VIPs of each family this node answers for.</summary>
    [Params(1, 100, 10_000)]
    public int Vips { get; set; }

    /// <summary>Requests for VIPs in no order, always the same number of them, so that only the table's size differs.</summary>
    [GlobalSetup]
    public void Setup()
    {
        table = AnswerTable.Create(Enumerable.Range(0, Vips).SelectMany(i => new[]
        {
            KeyValuePair.Create(First.Add((UInt128)i), Link),
            KeyValuePair.Create(First6.Add((UInt128)i), Link),
        }));
        solicitations = [.. Enumerable.Range(0, 1024).Select(i => Solicitation(First6.Add((UInt128)(i * 7919 % Vips))))];
        foreignSolicitation = Solicitation(IpAddress.Parse("fd00:96::2:0"));
        requests = [.. Enumerable.Range(0, 1024).Select(i => Request(First.Add((UInt128)(i * 7919 % Vips))))];
        foreign = Request(IpAddress.Parse("192.168.96.1"));
    }

    /// <summary>A request for one of the VIPs.</summary>
    [Benchmark]
    public DropReason Answer() => ArpResponder.Respond(requests[next++ & 1023], table, Link, reply).Reason;

    /// <summary>A request for somebody else's address: what most of a segment's ARP is.</summary>
    [Benchmark]
    public DropReason Ignore() => ArpResponder.Respond(foreign, table, Link, reply).Reason;

    /// <summary>A solicitation for one of the VIPs.</summary>
    [Benchmark]
    public DropReason AnswerNdp() => NdpResponder.Respond(solicitations[next++ & 1023], table, Link, reply).Reason;

    /// <summary>A solicitation for somebody else's address.</summary>
    [Benchmark]
    public DropReason IgnoreNdp() => NdpResponder.Respond(foreignSolicitation, table, Link, reply).Reason;

    private static byte[] Solicitation(IpAddress target)
    {
        var frame = new byte[NdpPacket.FrameLength];
        NdpPacket.Ask(Asker, Asker6.Value, target.Value).WriteFrame(frame);
        return frame;
    }

    private static byte[] Request(IpAddress target)
    {
        var frame = new byte[EthernetFrame.MinimumLength];
        new ArpPacket(ArpPacket.Request, MacAddress.Broadcast, Asker, Asker, 0xC0A8_6007, default, target.AsUInt32).WriteFrame(frame);
        return frame;
    }
}
