using CsCheck;
using LoadBalancer.Core.Addressing;
using LoadBalancer.Core.Packets;
using LoadBalancer.Speaker.Tests.Fuzz;

namespace LoadBalancer.Speaker.Tests.Answering.Kernel;

/// <summary>
/// The kernel's program answers what the process answers, with the same octets, and nothing else: the same frames go through both. What it
/// leaves to the process by design: a tag that the kernel has not taken off, and solicitations with more than sixteen times eight octets of options.
/// </summary>
public sealed class SameAnswersTests(ITestOutputHelper output) : IDisposable
{
    private const int MostOptions = 128;
    private const ushort EtherTypeIPv4 = 0x0800;
    private static readonly MacAddress Owner = SeedFrames.Peer;
    private static readonly IpAddress Represented4 = IpAddress.Parse("192.168.96.101");
    private static readonly IpAddress Represented6 = IpAddress.Parse("fd00:96::101");

    private static readonly AnswerTable Table = AnswerTable.Create(
    [
        new(SeedFrames.Vip4, SeedFrames.Link), new(SeedFrames.Vip6, SeedFrames.Link), new(Represented4, Owner), new(Represented6, Owner),
    ]);

    private readonly KernelBench bench = new();
    private readonly byte[] arp = new byte[EthernetFrame.MinimumLength];
    private readonly byte[] ndp = new byte[NdpPacket.FrameLength];
    private int frames;
    private int answers;

    public void Dispose() => bench.Dispose();

    [Fact]
    public void GoodFrames_OfEachKind_AreAnsweredAlike()
    {
        if (!Begin())
        {
            return;
        }

        foreach (var frame in Seeds())
        {
            Compare(frame.Bytes);
        }

        Assert.True(answers >= 14, $"{answers} of {frames} frames were answered");
    }

    [Fact]
    public void FramesCutAtEveryLength_AreAnsweredAlike()
    {
        if (!Begin())
        {
            return;
        }

        foreach (var seed in Seeds())
        {
            for (var length = EthernetFrame.HeaderLength + 1; length <= seed.Bytes.Length; length++)
            {
                Compare(seed.Bytes[..length]);
                Compare(seed.Seal(seed.Bytes[..length]));
            }
        }

        Assert.True(answers > 100, $"{answers} of {frames} frames were answered");
    }

    [Fact]
    public void MutatedFrames_AreAnsweredAlike()
    {
        if (!Begin())
        {
            return;
        }

        var seeds = Seeds();
        var octet = Gen.OneOf(Gen.Byte, Gen.Int[0, FrameFuzzTests.Telling.Length - 1].Select(i => FrameFuzzTests.Telling[i]));
        var edit = Gen.Select(Gen.Int[0, 4], Gen.Int[0, 400], octet);
        Gen.Select(Gen.Int[0, seeds.Count - 1], edit.Array[0, 4], Gen.Bool)
            .Sample((seed, edits, seal) => Compare(FrameFuzzTests.Mutate(seeds[seed], edits, seal)), iter: 60_000, threads: 1);
        output.WriteLine($"{frames} frames, {answers} answered");
        Assert.True(answers > 2_000, $"{answers} of {frames} frames were answered");
    }

    [Fact]
    public void Solicitation_WithMoreOptionsThanTheProgramReads_IsLeftToTheProcess()
    {
        if (!Begin())
        {
            return;
        }

        foreach (var (octets, answered) in ((int, bool)[])[(MostOptions, true), (MostOptions + 8, false)])
        {
            var frame = WithOptions(octets);
            Assert.True(NdpResponder.Respond(frame, Table, SeedFrames.Link, ndp).Answered);
            Assert.Equal(answered, bench.Run(frame) is not null);
        }
    }

    private static List<SeedFrame> Seeds()
    {
        List<SeedFrame> seeds = [.. SeedFrames.All.Where(seed => EthernetFrame.EtherType(seed.Bytes) != EthernetFrame.EtherTypePeer)];
        foreach (var target in (IpAddress[])[SeedFrames.Vip4, Represented4])
        {
            foreach (var to in (MacAddress[])[MacAddress.Broadcast, SeedFrames.Link, Owner])
            {
                foreach (var asker in (MacAddress[])[SeedFrames.Asker, Owner, SeedFrames.Link])
                {
                    var frame = new byte[EthernetFrame.MinimumLength];
                    new ArpPacket(ArpPacket.Request, to, asker, asker, IpAddress.Parse("192.168.96.7").AsUInt32, default, target.AsUInt32).WriteFrame(frame);
                    seeds.Add(new SeedFrame(frame, false, static bytes => bytes));
                }
            }
        }

        var source = IpAddress.Parse("fd00:96::7").Value;
        foreach (var target in (IpAddress[])[SeedFrames.Vip6, Represented6])
        {
            foreach (var asker in (MacAddress[])[SeedFrames.Asker, Owner, SeedFrames.Link])
            {
                var asked = NdpPacket.Ask(asker, source, target.Value);
                foreach (var packet in (NdpPacket[])
                    [
                        asked,
                        asked with { LinkLayerAddress = default },
                        asked with { EthernetDestination = SeedFrames.Link },
                        asked with { EthernetDestination = SeedFrames.Link, Destination = target.Value, LinkLayerAddress = default },
                        asked with { EthernetDestination = Ipv6Multicast.MacOf(Ipv6Multicast.AllNodes), Destination = Ipv6Multicast.AllNodes },
                        asked with { EthernetDestination = SeedFrames.Link, Destination = source },
                        asked with { Source = target.Value },
                        NdpPacket.Ask(asker, 0, target.Value),
                        NdpPacket.Ask(asker, 0, target.Value) with { LinkLayerAddress = asker },
                    ])
                {
                    var frame = new byte[NdpPacket.FrameLength];
                    seeds.Add(new SeedFrame(frame[..packet.WriteFrame(frame)], false, SeedFrames.SealNdp));
                }
            }
        }

        seeds.Add(new SeedFrame(WithOptions(24), false, SeedFrames.SealNdp));
        return seeds;
    }

    // The source link-layer address behind a nonce option (RFC 3971 §5.3.2), which is skipped, as long as it takes.
    private static byte[] WithOptions(int octets)
    {
        var frame = new byte[78 + octets];
        NdpPacket.Ask(SeedFrames.Asker, IpAddress.Parse("fd00:96::7").Value, SeedFrames.Vip6.Value).WriteFrame(frame);
        var own = frame[78..86];
        frame[19] = (byte)(24 + octets);
        frame.AsSpan(78).Clear();
        (frame[78], frame[79]) = (14, (byte)((octets / 8) - 1));
        own.CopyTo(frame, frame.Length - 8);
        return SeedFrames.SealNdp(frame);
    }

    private bool Begin()
    {
        if (!bench.IsHere())
        {
            return false;
        }

        bench.Set(Table, SeedFrames.Link, long.MaxValue);
        return true;
    }

    private void Compare(byte[] frame)
    {
        if (frame.Length <= EthernetFrame.HeaderLength || (EthernetFrame.EtherType(frame) is EtherTypeIPv4 or EthernetFrame.EtherTypeIPv6 && frame.Length < 54))
        {
            // Without a whole IP header it is nothing the kernel takes for a test; the responder's own tests show that it is refused.
            return;
        }

        bench.Move(SeedFrames.Link, long.MaxValue);
        var said = bench.Run(frame);
        var expected = Expected(frame);
        frames++;
        answers += expected is null ? 0 : 1;
        Assert.True(
            (expected is null) == (said is null) && expected.AsSpan().SequenceEqual(said),
            $"{Convert.ToHexString(frame)}: the process {Text(expected)}, the kernel {Text(said)}");
    }

    private byte[]? Expected(byte[] frame) => EthernetFrame.EtherType(frame) switch
    {
        EthernetFrame.EtherTypeArp => ArpResponder.Respond(frame, Table, SeedFrames.Link, arp).Answered ? arp : null,
        EthernetFrame.EtherTypeIPv6 when frame.Length > 20 && ((frame[18] << 8) | frame[19]) > 24 + MostOptions => null,
        EthernetFrame.EtherTypeIPv6 => NdpResponder.Respond(frame, Table, SeedFrames.Link, ndp).Answered ? ndp : null,
        _ => null,
    };

    private static string Text(byte[]? answer) => answer is null ? "says nothing" : $"says {Convert.ToHexString(answer)}";
}
