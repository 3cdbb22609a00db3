using LoadBalancer.Core.Addressing;
using LoadBalancer.Core.Packets;
using LoadBalancer.Speaker.Answering.Kernel;
using LoadBalancer.Speaker.Tests.Fuzz;
using static LoadBalancer.Speaker.Tests.Answering.Kernel.KernelBench;

namespace LoadBalancer.Speaker.Tests.Answering.Kernel;

/// <summary>Which segments stay and which are sent on to the former owner, frame by frame, by the program itself.</summary>
public sealed class SentOnTests(ITestOutputHelper output) : IDisposable
{
    private const byte Data = TcpFrame.Acknowledges | TcpFrame.Push;
    private const int MostNew = 16_384;
    private const long Second = 1_000_000_000;
    private static readonly MacAddress Former = MacAddress.Parse("52:54:00:00:00:03");
    private static readonly IpAddress Client4 = IpAddress.Parse("192.168.96.7");
    private static readonly IpAddress Client6 = IpAddress.Parse("fd00:96::7");

    private readonly KernelBench bench = new();

    public void Dispose() => bench.Dispose();

    public static TheoryData<bool> Families => [false, true];

    [Theory]
    [MemberData(nameof(Families))]
    public void Segment_OfAConnectionThatDidNotBeginHere_IsSentOn_AndOnlyItsEthernetAddressesChange(bool six)
    {
        if (!Begin())
        {
            return;
        }

        var sent = Of(six).Segment(Data);
        var got = bench.Run(sent);

        Assert.NotNull(got);
        Assert.Equal(sent[12..], got[12..]);
        Assert.Equal((Former, SeedFrames.Link), (MacAddress.Read(got), MacAddress.Read(got.AsSpan(6))));
        Assert.Equal(1, bench.Counts.SentOn);
    }

    [Theory]
    [MemberData(nameof(Families))]
    public void Segment_OfAConnectionThatBeganHere_Stays_FromItsFirstToItsLast(bool six)
    {
        if (!Begin())
        {
            return;
        }

        foreach (var flags in (byte[])[TcpFrame.Syn, TcpFrame.Acknowledges, Data, TcpFrame.Fin | TcpFrame.Acknowledges, TcpFrame.Acknowledges])
        {
            Assert.Null(bench.Run(Of(six).Segment(flags)));
        }

        Assert.NotNull(bench.Run(Of(six, port: 2).Segment(Data)));
    }

    // Each alone keeps a segment from being sent on that is sent on otherwise.
    [Theory]
    [InlineData("no former owner")]
    [InlineData("the former owner of another address")]
    [InlineData("no speaker for longer than the grace period")]
    [InlineData("for another hardware address")]
    [InlineData("sent on by a peer")]
    [InlineData("only deputy")]
    [InlineData("not announced")]
    public void Segment_Stays_If(string condition)
    {
        if (!Begin())
        {
            return;
        }

        var frame = Of(six: false);
        Assert.NotNull(bench.Run(frame.Segment(Data)));
        Assert.NotNull(bench.Run(frame.Fragment(first: true, 7)));
        Assert.NotNull(bench.Run(frame.Fragment(first: false, 7)));
        Assert.NotNull(bench.Run(frame.TooLarge(IpAddress.Parse("192.168.96.1"))));
        switch (condition)
        {
            case "no former owner":
                Assert.Equal(0, bench.Program.RemoveFormer(Loopback, SeedFrames.Vip4));
                break;
            case "the former owner of another address":
                Assert.Equal(0, bench.Program.RemoveFormer(Loopback, SeedFrames.Vip4));
                Assert.Equal(0, bench.Program.SetFormer(Loopback, IpAddress.Parse("192.168.96.101"), Former));
                break;
            case "no speaker for longer than the grace period":
                Assert.Equal(0, bench.Program.SetLink(Loopback, new KernelMaps.LinkState { Mac = SeedFrames.Link.Value, Until = long.MaxValue, Beat = Now, Kept = Now }));
                break;
            case "for another hardware address":
                frame = frame with { To = Former };
                break;
            case "sent on by a peer":
                frame = frame with { From = SeedFrames.Peer };
                break;
            case "only deputy":
                Assert.Equal(0, bench.Program.SetVip(Loopback, SeedFrames.Vip4, SeedFrames.Peer));
                break;
            default:
                Assert.Equal(0, bench.Program.RemoveVip(Loopback, SeedFrames.Vip4));
                Assert.Equal(0, bench.Program.RemoveFormer(Loopback, SeedFrames.Vip4));
                break;
        }

        Assert.Null(bench.Run(frame.Segment(Data)));
        Assert.Null(bench.Run(frame.Fragment(first: false, 7)));
        Assert.Null(bench.Run(frame.TooLarge(IpAddress.Parse("192.168.96.1"))));
    }

    [Theory]
    [MemberData(nameof(Families))]
    public void FormerOwnerLost_ASegmentIsAnsweredWithAReset_AndASynBeginsHere(bool six)
    {
        if (!Begin())
        {
            return;
        }

        var frame = Of(six);
        Assert.NotNull(bench.Run(frame.Segment(Data)));
        Assert.Equal(0, bench.Program.SetFormer(Loopback, frame.Vip, default));
        var reset = bench.Run(frame.Segment(Data));

        Assert.NotNull(reset);
        Assert.Equal((frame.From, frame.To), (MacAddress.Read(reset), MacAddress.Read(reset.AsSpan(6))));
        Assert.Equal(TcpFrame.Reset, reset[frame.Offset + 13]);
        Assert.Null(bench.Run(frame.Segment(TcpFrame.Reset)));
        Assert.Null(bench.Run(frame.Segment(TcpFrame.Reset | TcpFrame.Acknowledges)));
        Assert.Null(bench.Run(frame.Segment(TcpFrame.Syn)));
        Assert.Null(bench.Run(frame.Segment(Data)));

        // It was only cut off: what began here meanwhile is not its own.
        Assert.Equal(0, bench.Program.SetFormer(Loopback, frame.Vip, Former));
        Assert.Null(bench.Run(frame.Segment(TcpFrame.Syn)));
        Assert.Null(bench.Run(frame.Segment(Data)));
    }

    [Fact]
    public void Syn_InTheNameOfAConnectionThatIsSentOn_IsForTheKernelThatHasIt_UntilTheClientHasClosedIt()
    {
        if (!Begin())
        {
            return;
        }

        Assert.NotNull(bench.Run(Of(six: false).Segment(Data)));
        Assert.NotNull(bench.Run(Of(six: false).Segment(TcpFrame.Syn)));
        Assert.NotNull(bench.Run(Of(six: false).Segment(Data)));
        Assert.NotNull(bench.Run(Of(six: false).Segment(TcpFrame.Fin | TcpFrame.Acknowledges)));
        Assert.Null(bench.Run(Of(six: false).Segment(TcpFrame.Syn)));
        Assert.Null(bench.Run(Of(six: false).Segment(Data)));
    }

    // The same ports are another connection's after a while, and that may have begun at the former owner.
    [Fact]
    public void Connection_ThatTheClientClosed_IsForgottenAfterTwoMinutes_AndOneThatIsOpenIsNot()
    {
        if (!Begin())
        {
            return;
        }

        foreach (var (port, age, isKnown) in ((ushort, long, bool)[])[(1, 3600, false), (2, 121, false), (3, 110, true)])
        {
            Assert.Equal(0, bench.Program.SetHere(Tracked(port), Now - (age * Second)));
            Assert.Equal(isKnown, bench.Run(Of(six: false, port).Segment(TcpFrame.Acknowledges)) is null);
        }

        Assert.Equal(0, bench.Program.SetHere(Tracked(4)));
        Assert.Null(bench.Run(Of(six: false, 4).Segment(Data)));
    }

    [Fact]
    public void Fin_InTheNameOfAnOpenConnection_IsMadeGoodByItsNextData()
    {
        if (!Begin())
        {
            return;
        }

        Assert.Null(bench.Run(Of(six: false).Segment(TcpFrame.Syn)));
        Assert.Null(bench.Run(Of(six: false).Segment(TcpFrame.Fin)));
        Assert.NotEqual(0, bench.Program.ClosedAt(Tracked(1)));
        Assert.Null(bench.Run(Of(six: false).Segment(TcpFrame.Acknowledges)));
        Assert.NotEqual(0, bench.Program.ClosedAt(Tracked(1)));
        Assert.Null(bench.Run(Of(six: false).Segment(Data)));
        Assert.Equal(0, bench.Program.ClosedAt(Tracked(1)));
    }

    [Fact]
    public void FloodOfSyns_PushesNoConnectionOut()
    {
        if (!Begin())
        {
            return;
        }

        const int Connections = 1000;
        for (ushort port = 1; port <= Connections; port++)
        {
            Assert.Null(bench.Run(Of(six: false, port).Segment(TcpFrame.Syn)));
            Assert.Null(bench.Run(Of(six: false, port).Segment(TcpFrame.Acknowledges)));
        }

        for (uint i = 0; i < 200_000; i++)
        {
            _ = bench.Judge((Of(six: false, (ushort)(i >> 2)) with { Client = IpAddress.FromUInt32(0x0A00_0000 + i) }).Segment(TcpFrame.Syn));
        }

        for (ushort port = 1; port <= Connections; port++)
        {
            Assert.Null(bench.Run(Of(six: false, port).Segment(Data)));
        }
    }

    [Theory]
    [InlineData(1_000)]
    [InlineData(10_000)]
    [InlineData(60_000)]
    public void Connections_AreRemembered(int count)
    {
        if (!Begin())
        {
            return;
        }

        for (var i = 0; i < count; i++)
        {
            _ = bench.Judge(Of(six: false, (ushort)(i + 1)).Segment(TcpFrame.Syn));
            _ = bench.Judge(Of(six: false, (ushort)(i + 1)).Segment(TcpFrame.Acknowledges));
        }

        var forgotten = Enumerable.Range(1, count).Count(port => bench.Judge(Of(six: false, (ushort)port).Segment(Data)).Verdict != Next);
        output.WriteLine($"{count} connections: {forgotten} forgotten");
        Assert.InRange(forgotten, 0, count <= 10_000 ? 0 : count / 20);
    }

    [Fact]
    public void ScanOfSegmentsWithoutSyn_AsksOnlySoMuchOfTheFormerOwner_AndThoseSentOnAlreadyGoOn()
    {
        if (!Begin())
        {
            return;
        }

        Assert.NotNull(bench.Run(Of(six: false, 1).Segment(Data)));
        var start = Now;
        var sentOn = 0;
        for (var i = 2; i < 60_000; i++)
        {
            sentOn += bench.Judge(Of(six: false, (ushort)i).Segment(TcpFrame.Acknowledges)).Verdict == Redirect ? 1 : 0;
        }

        var seconds = ((Now - start) >> 30) + 2;
        output.WriteLine($"{sentOn} of 59,998 sent on in {(Now - start) / 1e9:0.00} s");
        Assert.InRange(sentOn, MostNew - 1, MostNew * seconds);
        Assert.Equal(59_998 - sentOn, bench.Counts.HeldBack);
        Assert.NotNull(bench.Run(Of(six: false, 1).Segment(Data)));
    }

    [Theory]
    [MemberData(nameof(Families))]
    public void WhatARouterSays_OfAConnectionThatIsSentOn_IsSentOn_AndOfAnyOtherIsNot(bool six)
    {
        if (!Begin())
        {
            return;
        }

        var router = IpAddress.Parse(six ? "fd00:96::1" : "192.168.96.1");
        var (sentOn, here, unknown) = (Of(six, 1), Of(six, 2), Of(six, 3));
        Assert.NotNull(bench.Run(sentOn.Segment(Data)));
        Assert.Null(bench.Run(here.Segment(TcpFrame.Syn)));
        Assert.Null(bench.Run(here.Segment(Data)));

        var got = bench.Run(sentOn.TooLarge(router));

        Assert.NotNull(got);
        Assert.Equal(Former, MacAddress.Read(got));
        Assert.Equal(sentOn.TooLarge(router)[12..], got[12..]);
        Assert.Null(bench.Run(here.TooLarge(router)));
        Assert.Null(bench.Run(unknown.TooLarge(router)));
        Assert.Null(bench.Run(sentOn.TooLarge(router, toAnother: true)));
    }

    // Hosts that have not heard of the move still send here: what began here stays, what begins now too, and the rest is the former owner's.
    [Theory]
    [MemberData(nameof(Families))]
    public void AddressLetGo_SegmentsAreSentOnAsBefore_AsLongAsTheFormerOwnerIsKnown(bool six)
    {
        if (!Begin())
        {
            return;
        }

        var (here, late, elsewhere) = (Of(six, 1), Of(six, 2), Of(six, 3));
        Assert.Null(bench.Run(here.Segment(TcpFrame.Syn)));
        Assert.Equal(0, bench.Program.RemoveVip(Loopback, here.Vip));

        Assert.Null(bench.Run(here.Segment(Data)));
        Assert.Null(bench.Run(late.Segment(TcpFrame.Syn)));
        Assert.Null(bench.Run(late.Segment(Data)));
        Assert.NotNull(bench.Run(elsewhere.Segment(Data)));
        Assert.Null(bench.Run((elsewhere with { To = Former }).Segment(Data)));

        Assert.Equal(0, bench.Program.RemoveFormer(Loopback, here.Vip));
        Assert.Null(bench.Run(elsewhere.Segment(Data)));
    }

    [Theory]
    [MemberData(nameof(Families))]
    public void Fragments_AfterTheTimeForAPacket_FollowNoFirst(bool six)
    {
        if (!Begin())
        {
            return;
        }

        Assert.NotNull(bench.Run(Of(six).Fragment(first: true, 7)));
        Assert.True(bench.AgeEntry("lb_fragments", Now - (30 * Second) + Second));
        Assert.NotNull(bench.Run(Of(six).Fragment(first: false, 7)));
        Assert.True(bench.AgeEntry("lb_fragments", Now - (30 * Second) - 1));
        Assert.Null(bench.Run(Of(six).Fragment(first: false, 7)));
    }

    [Theory]
    [MemberData(nameof(Families))]
    public void Fragments_FollowTheFirst(bool six)
    {
        if (!Begin())
        {
            return;
        }

        var (sentOn, here) = (Of(six, 1), Of(six, 2));
        Assert.Null(bench.Run(here.Segment(TcpFrame.Syn)));
        Assert.NotNull(bench.Run(sentOn.Fragment(first: true, 7)));
        Assert.NotNull(bench.Run(sentOn.Fragment(first: false, 7)));
        Assert.Null(bench.Run(sentOn.Fragment(first: false, 8)));
        Assert.Null(bench.Run(here.Fragment(first: true, 9)));
        Assert.Null(bench.Run(here.Fragment(first: false, 9)));
    }

    private static TcpFrame Of(bool six, ushort port = 1) =>
        new(six ? Client6 : Client4, port, six ? SeedFrames.Vip6 : SeedFrames.Vip4, SeedFrames.Asker, SeedFrames.Link);

    private static TrackedConnection Tracked(ushort port) => new(Client4, port, SeedFrames.Vip4, 80);

    private bool Begin()
    {
        if (!bench.IsHere())
        {
            return false;
        }

        bench.Set(AnswerTable.Create([new(SeedFrames.Vip4, SeedFrames.Link), new(SeedFrames.Vip6, SeedFrames.Link)]), SeedFrames.Link, long.MaxValue);
        Assert.Equal(0, bench.Program.SetPeer(Loopback, SeedFrames.Peer));
        Assert.Equal(0, bench.Program.SetPeer(Loopback, Former));
        Assert.Equal(0, bench.Program.SetFormer(Loopback, SeedFrames.Vip4, Former));
        Assert.Equal(0, bench.Program.SetFormer(Loopback, SeedFrames.Vip6, Former));
        return true;
    }
}
