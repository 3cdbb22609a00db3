using LoadBalancer.Core.Addressing;
using LoadBalancer.Core.Packets;
using LoadBalancer.Speaker.Tests.Fuzz;

namespace LoadBalancer.Speaker.Tests.Answering.Kernel;

/// <summary>When the kernel is silent: past the fence, and without a speaker when another has the address or the others are not heard.</summary>
public sealed class FenceTests : IDisposable
{
    private const long Millisecond = 1_000_000;
    private const long Second = 1000 * Millisecond;
    private static readonly MacAddress Rival = MacAddress.Parse("52:54:00:00:00:99");
    private static readonly AnswerTable Table = AnswerTable.Create([new(SeedFrames.Vip4, SeedFrames.Link), new(SeedFrames.Vip6, SeedFrames.Link)]);
    private static readonly byte[] Request = SeedFrames.All[0].Bytes;
    private static readonly byte[] Solicitation = SeedFrames.All[6].Bytes;

    private readonly KernelBench bench = new();

    public void Dispose() => bench.Dispose();

    [Fact]
    public void Fence_IsExact_ToTheMomentAFrameIsLookedAt()
    {
        if (!Begin())
        {
            return;
        }

        for (var round = 0; round < 20; round++)
        {
            var until = KernelBench.Now + (2 * Millisecond);
            bench.Move(SeedFrames.Link, until);
            var silent = 0;
            while (silent < 3)
            {
                var before = KernelBench.Now;
                var answered = bench.Run(Request) is not null;
                var after = KernelBench.Now;
                Assert.True(answered ? before < until : after >= until, $"answered: {answered}, {until - before} ns before the fence, {after - until} after");
                silent += answered ? 0 : 1;
            }
        }
    }

    [Fact]
    public void WithoutASpeaker_AnothersWord_EndsTheAnswers()
    {
        if (!Begin())
        {
            return;
        }

        foreach (var (claim, asked) in Claims())
        {
            Leave();
            Assert.NotNull(bench.Run(asked));
            Assert.Null(bench.Run(claim));
            Assert.Null(bench.Run(asked));

            // The speaker is back, and knows better.
            bench.Move(SeedFrames.Link, long.MaxValue);
            Assert.NotNull(bench.Run(asked));
        }

        Assert.Equal(Claims().Count, bench.Counts.Muted);
    }

    [Fact]
    public void WithASpeaker_AnothersWord_IsForItToJudge()
    {
        if (!Begin())
        {
            return;
        }

        foreach (var (claim, asked) in Claims())
        {
            bench.Move(SeedFrames.Link, long.MaxValue);
            Assert.Null(bench.Run(claim));
            Assert.NotNull(bench.Run(asked));
        }
    }

    [Fact]
    public void WithoutASpeaker_TheDeputysWord_ChangesNothing()
    {
        if (!Begin())
        {
            return;
        }

        Leave();
        var gratuitous = new byte[60];
        Announcement.Write(AnnouncementForm.Request, SeedFrames.Vip4.AsUInt32, SeedFrames.Link, SeedFrames.Peer, gratuitous);
        var advertisement = new byte[86];
        Announcement.Write(SeedFrames.Vip6.Value, SeedFrames.Link, SeedFrames.Peer, advertisement);

        Assert.Null(bench.Run(gratuitous));
        Assert.Null(bench.Run(advertisement));
        Assert.NotNull(bench.Run(Request));
        Assert.NotNull(bench.Run(Solicitation));
    }

    [Fact]
    public void WithoutASpeaker_AndWithoutTheOthers_NothingIsAnswered_AlsoWhenTheyAreBack()
    {
        if (!Begin())
        {
            return;
        }

        Assert.Equal(0, bench.Program.SetPeer(KernelBench.Loopback, SeedFrames.Peer));
        Leave(peers: 1);
        bench.Counts.Heard = KernelBench.Now;
        Assert.NotNull(bench.Run(Request));

        bench.Counts.Heard = KernelBench.Now - (3 * Second);
        Assert.Null(bench.Run(Request));
        Hear();
        Assert.Null(bench.Run(Request));

        // A speaker is back and says that all is well.
        bench.Move(SeedFrames.Link, long.MaxValue, peers: 1);
        Assert.NotNull(bench.Run(Request));
    }

    [Fact]
    public void APeersFrame_IsHeard_AndAStrangersIsNot()
    {
        if (!Begin())
        {
            return;
        }

        Hear();
        Assert.Equal(0, bench.Counts.Heard);

        Assert.Equal(0, bench.Program.SetPeer(KernelBench.Loopback, SeedFrames.Peer));
        Hear();
        Assert.InRange(bench.Counts.Heard, KernelBench.Now - Second, KernelBench.Now);
    }

    private static List<(byte[] Claim, byte[] Asked)> Claims()
    {
        var claims = new List<(byte[] Claim, byte[] Asked)>();
        foreach (var form in Enum.GetValues<AnnouncementForm>())
        {
            var gratuitous = new byte[60];
            Announcement.Write(form, SeedFrames.Vip4.AsUInt32, Rival, Rival, gratuitous);
            claims.Add((gratuitous, Request));
        }

        // Whoever asks for something else as the VIP has it too.
        var asks = new byte[60];
        new ArpPacket(ArpPacket.Request, MacAddress.Broadcast, Rival, Rival, SeedFrames.Vip4.AsUInt32, default, IpAddress.Parse("192.168.96.1").AsUInt32).WriteFrame(asks);
        claims.Add((asks, Request));

        var advertisement = new byte[86];
        Announcement.Write(SeedFrames.Vip6.Value, Rival, Rival, advertisement);
        claims.Add((advertisement, Solicitation));
        return claims;
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

    // The speaker has left: its last word is a second old.
    private void Leave(uint peers = 0) => bench.Set(Table, SeedFrames.Link, KernelBench.Now + (30 * Second), KernelBench.Now - Second, peers);

    private void Hear() => Assert.Null(bench.Run(SeedFrames.All.First(seed => EthernetFrame.EtherType(seed.Bytes) == EthernetFrame.EtherTypePeer).Bytes));
}
