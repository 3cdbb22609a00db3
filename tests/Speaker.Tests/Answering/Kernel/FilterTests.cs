using CsCheck;
using LoadBalancer.Core.Addressing;
using LoadBalancer.Core.Conflicts;
using LoadBalancer.Core.Packets;
using LoadBalancer.Speaker.Answering.Kernel;
using LoadBalancer.Speaker.Tests.Fuzz;

namespace LoadBalancer.Speaker.Tests.Answering.Kernel;

/// <summary>
/// What the filter of the speaker's socket keeps from it is of no use to it: whatever says something of a pool's address, answers, or asks for what the
/// kernel does not answer arrives. 192.168.96.100-150 and fd00:96::100/120 are pools here, 192.168.96.100 and fd00:96::100 this node's.
/// </summary>
public sealed class FilterTests(ITestOutputHelper output) : IDisposable
{
    private static readonly IpRangeSet Pools = IpRangeSet.Of(
        new IpRange(IpAddress.Parse("192.168.96.100"), IpAddress.Parse("192.168.96.150")), IpPrefix.Parse("fd00:96::100/120").Range);

    private static readonly AnswerTable Table = AnswerTable.Create([new(SeedFrames.Vip4, SeedFrames.Link), new(SeedFrames.Vip6, SeedFrames.Link)]);

    private readonly KernelBench bench = new();
    private readonly byte[] reply = new byte[NdpPacket.FrameLength];

    public void Dispose() => bench.Dispose();

    [Theory]
    [InlineData("192.168.96.7", "192.168.96.8", "a request between others")]
    [InlineData("0.0.0.0", "192.168.96.8", "a probe")]
    [InlineData("192.168.96.7", "192.168.96.7", "another's announcement")]
    [InlineData("192.168.96.99", "192.168.96.151", "addresses beside the pool's")]
    [InlineData("fd00:96::7", "fd00:96::8", "a solicitation between others")]
    [InlineData("::", "fd00:96::8", "duplicate address detection")]
    public void WhatConcernsNobodyHere_IsHidden_AndCounted(string sender, string target, string what)
    {
        if (!Begin())
        {
            return;
        }

        Assert.False(bench.Passes(Question(sender, target)), what);
        Assert.Equal(1, bench.Hidden.Foreign);
    }

    [Theory]
    [InlineData("192.168.96.101", "192.168.96.1", "whoever asks as an address of a pool has it")]
    [InlineData("192.168.96.150", "192.168.96.150", "who announces it, too")]
    [InlineData("192.168.96.100", "192.168.96.1", "and who does so with this node's")]
    [InlineData("fd00:96::101", "fd00:96::1", "the same by IPv6")]
    [InlineData("fd00:96::7", "fd00:96::100", "a solicitation that is to be answered")]
    [InlineData("::", "fd00:96::100", "a host that is about to take this node's")]
    public void WhatConcernsThisNode_Arrives(string sender, string target, string what)
    {
        if (!Begin())
        {
            return;
        }

        Assert.True(bench.Passes(Question(sender, target)), what);
        Assert.Equal(0, bench.Hidden.Foreign);
    }

    [Fact]
    public void Answers_AndWhatSpeakersSay_Arrive_WhomeverTheyAreAbout()
    {
        if (!Begin())
        {
            return;
        }

        var answer = new byte[EthernetFrame.MinimumLength];
        new ArpPacket(ArpPacket.Reply, SeedFrames.Link, SeedFrames.Asker, SeedFrames.Asker, IpAddress.Parse("192.168.96.1").AsUInt32, SeedFrames.Link,
            IpAddress.Parse("192.168.96.11").AsUInt32).WriteFrame(answer);
        Assert.True(bench.Passes(answer), "a witness answers");
        Announcement.Write(IpAddress.Parse("fd00:96::1").Value, SeedFrames.Asker, SeedFrames.Asker, reply);
        Assert.True(bench.Passes(reply), "a witness answers by IPv6");
        foreach (var seed in SeedFrames.All.Where(static seed => EthernetFrame.EtherType(seed.Bytes) == EthernetFrame.EtherTypePeer))
        {
            Assert.True(bench.Passes(seed.Bytes));
        }
    }

    [Fact]
    public void AskedForElsewhere_IsHidden_AndRemembered()
    {
        if (!Begin())
        {
            return;
        }

        foreach (var (sender, target) in (ReadOnlySpan<(string, string)>)[("192.168.96.7", "192.168.96.120"), ("fd00:96::7", "fd00:96::120")])
        {
            var vip = IpAddress.Parse(target);
            Assert.Equal(0, bench.Program.AskedAt(KernelBench.Loopback, vip));
            var before = KernelBench.Now;
            Assert.False(bench.Passes(Question(sender, target)));
            Assert.InRange(bench.Program.AskedAt(KernelBench.Loopback, vip), before, KernelBench.Now);
        }

        Assert.False(bench.Passes(Question("192.168.96.7", "192.168.96.8")));
        Assert.Equal(0, bench.Program.AskedAt(KernelBench.Loopback, IpAddress.Parse("192.168.96.8")));
    }

    [Fact]
    public void Answered_IsHidden_AsLongAsTheAnswersKeepStep()
    {
        if (!Begin())
        {
            return;
        }

        using var stay = new KernelBench.OneProcessor();
        var request = Question("192.168.96.7", "192.168.96.100");
        for (var round = 0; round < 3; round++)
        {
            Assert.False(bench.Passes(request), "the kernel answers it");
            Assert.NotNull(bench.Run(request));
        }

        // Somebody took the program away: one request is lost, the next reach the process.
        Assert.False(bench.Passes(request));
        Assert.True(bench.Passes(request));
        Assert.True(bench.Passes(request));
        Assert.Equal(4, bench.Hidden.Answered);

        // It is back, which its first answer shows.
        Assert.NotNull(bench.Run(request));
        Assert.False(bench.Passes(request));
    }

    [Fact]
    public void WhatTheKernelDoesNotAnswer_Arrives()
    {
        if (!Begin())
        {
            return;
        }

        var request = Question("192.168.96.7", "192.168.96.100");
        bench.Move(SeedFrames.Link, until: 1);
        Assert.True(bench.Passes(request), "the fence is past: the process has to judge");
        Assert.Equal(0, bench.Program.RemoveLink(KernelBench.Loopback));
        Assert.True(bench.Passes(request), "the kernel's part is over on this link");
        Assert.True(bench.Passes(Question("192.168.96.7", "192.168.96.8")), "and then nothing is hidden");
    }

    [Fact]
    public void InDoubt_EverythingArrives_WantingAWitness_NowAndThenOne()
    {
        if (!Begin())
        {
            return;
        }

        var foreign = Question("192.168.96.7", "192.168.96.8");
        bench.Move(SeedFrames.Link, long.MaxValue, wants: KernelMaps.Wants.All);
        Assert.True(bench.Passes(foreign));
        Assert.True(bench.Passes(foreign));

        bench.Move(SeedFrames.Link, long.MaxValue, wants: KernelMaps.Wants.Strangers);
        Assert.True(bench.Passes(foreign));
        bench.Hidden.PassedAt = KernelBench.Now;
        Assert.False(bench.Passes(foreign));
        bench.Hidden.PassedAt = KernelBench.Now - 200_000_000;
        Assert.True(bench.Passes(foreign));
    }

    [Fact]
    public void PromiscuousLink_FramesToOtherHosts_AreHidden()
    {
        if (!Begin())
        {
            return;
        }

        var asked = Question("192.168.96.101", "192.168.96.1");
        SeedFrames.Peer.Write(asked);
        Assert.True(bench.Passes(asked));
        bench.Move(SeedFrames.Link, long.MaxValue, wants: KernelMaps.Wants.NotOthers);
        Assert.False(bench.Passes(asked));
        SeedFrames.Link.Write(asked);
        Assert.True(bench.Passes(asked));
    }

    [Fact]
    public void WhatElseComesIn_IsHidden_AsByTheClassicFilter()
    {
        if (!Begin())
        {
            return;
        }

        var echo = Question("fd00:96::7", "fd00:96::100");
        echo[54] = 128;
        Assert.False(bench.Passes(echo));
        var ipv4 = new byte[60];
        (ipv4[12], ipv4[13], ipv4[14]) = (0x08, 0x00, 0x45);
        Assert.False(bench.Passes(ipv4));
    }

    [Fact]
    public void MutatedFrames_ThatAreHidden_SayNothingToTheProcess()
    {
        if (!Begin())
        {
            return;
        }

        using var stay = new KernelBench.OneProcessor();
        List<SeedFrame> seeds = [.. SeedFrames.All.Where(static seed => EthernetFrame.EtherType(seed.Bytes) is EthernetFrame.EtherTypeArp or EthernetFrame.EtherTypeIPv6 or EthernetFrame.EtherTypePeer)];
        seeds.Add(new SeedFrame(Question("192.168.96.7", "192.168.96.8"), false, static bytes => bytes));
        seeds.Add(new SeedFrame(Question("192.168.96.7", "192.168.96.101"), false, static bytes => bytes));
        seeds.Add(new SeedFrame(Question("fd00:96::7", "fd00:96::8"), false, SeedFrames.SealNdp));
        var octet = Gen.OneOf(Gen.Byte, Gen.Int[0, FrameFuzzTests.Telling.Length - 1].Select(static i => FrameFuzzTests.Telling[i]));
        var edit = Gen.Select(Gen.Int[0, 4], Gen.Int[0, 400], octet);
        int frames = 0, hidden = 0;
        Gen.Select(Gen.Int[0, seeds.Count - 1], edit.Array[0, 4], Gen.Bool).Sample(
            (seed, edits, seal) =>
            {
                var frame = FrameFuzzTests.Mutate(seeds[seed], edits, seal);
                if (frame.Length < 54)
                {
                    return;
                }

                frames++;
                bench.Move(SeedFrames.Link, long.MaxValue);
                if (bench.Passes(frame))
                {
                    _ = bench.Run(frame);
                    return;
                }

                hidden++;
                Assert.True(IsOfNoUse(frame), $"hidden: {Convert.ToHexString(frame)}");
            },
            iter: 40_000, threads: 1);
        output.WriteLine($"{frames} frames, {hidden} hidden");
        Assert.True(hidden > 2_000, $"{hidden} of {frames} frames were hidden");
    }

    private bool IsOfNoUse(byte[] frame)
    {
        switch (EthernetFrame.EtherType(frame))
        {
            case EthernetFrame.EtherTypeArp:
                var arp = ArpResponder.Respond(frame, Table, SeedFrames.Link, reply);
                return (!arp.Answered || bench.Run(frame) is not null) && arp.IsObservation && arp.Packet.Operation == ArpPacket.Request
                    && !(AddressStatement.TryRead(arp.Packet, out var said) && Pools.Contains(said.Address));
            case EthernetFrame.EtherTypeIPv6:
                var ndp = NdpResponder.Respond(frame, Table, SeedFrames.Link, reply);
                return !ndp.Answered && (!ndp.IsObservation
                    || (ndp.Packet.Type == NdpPacket.Solicitation && !(AddressStatement.TryRead(ndp.Packet, out var stated) && Pools.Contains(stated.Address))));
            default:
                return EthernetFrame.EtherType(frame) != EthernetFrame.EtherTypePeer;
        }
    }

    private static byte[] Question(string sender, string target)
    {
        if (IpAddress.Parse(target).Family == IpFamily.IPv6)
        {
            var solicitation = new byte[NdpPacket.FrameLength];
            return solicitation[..NdpPacket.Ask(SeedFrames.Asker, IpAddress.Parse(sender).Value, IpAddress.Parse(target).Value).WriteFrame(solicitation)];
        }

        var frame = new byte[EthernetFrame.MinimumLength];
        new ArpPacket(ArpPacket.Request, MacAddress.Broadcast, SeedFrames.Asker, SeedFrames.Asker, IpAddress.Parse(sender).AsUInt32, default, IpAddress.Parse(target).AsUInt32)
            .WriteFrame(frame);
        return frame;
    }

    private bool Begin()
    {
        if (!bench.IsHere())
        {
            return false;
        }

        bench.Set(Table, SeedFrames.Link, long.MaxValue);
        foreach (var prefix in Pools.Ranges.SelectMany(static range => range.ToPrefixes()))
        {
            Assert.Equal(0, bench.Program.SetPool(prefix));
        }

        return true;
    }
}
