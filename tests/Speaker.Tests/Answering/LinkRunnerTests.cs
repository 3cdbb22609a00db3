using LoadBalancer.Core.Addressing;
using LoadBalancer.Core.Packets;
using LoadBalancer.Speaker.Links;
using LoadBalancer.Speaker.Tests.Links;

namespace LoadBalancer.Speaker.Tests.Answering;

public sealed class LinkRunnerTests : IDisposable
{
    private static readonly IpAddress Vip = IpAddress.Parse("192.168.96.100");
    private static readonly IpAddress Vip6 = IpAddress.Parse("fd00:96::100");
    private static readonly IpAddress Asker6 = IpAddress.Parse("fd00:96::7");
    private static readonly MacAddress Asker = MacAddress.Parse("52:54:00:00:00:aa");

    private readonly FakeLink link = new(FakeLink.FactsOf("eth0", 2));
    private readonly FakePeers peers = new();
    private readonly FakeObserver observer = new();
    private readonly TaskCompletionSource<string> ended = new();
    private readonly LinkRunner runner;

    public LinkRunnerTests() => runner = new LinkRunner(link, peers, observer, (_, reason) => ended.SetResult(reason));

    public void Dispose() => runner.Dispose();

    [Fact]
    public async Task Request_ForAVipOfTheTable_IsAnsweredOnTheSameLink()
    {
        runner.Table = AnswerTable.Create([new(Vip, runner.Mac)]);

        await Handle(Request(Vip));

        Assert.Equal(1, runner.Answered);
        var reply = Assert.Single(link.Sent);
        Assert.Equal(DropReason.None, ArpPacket.Read(reply, out var packet));
        Assert.Equal((ArpPacket.Reply, Asker, runner.Mac, Vip.AsUInt32), (packet.Operation, packet.EthernetDestination, packet.SenderMac, packet.SenderIp));
    }

    [Fact]
    public async Task Request_BeforeATableIsSet_IsNotAnswered()
    {
        await Handle(Request(Vip));

        Assert.Equal(0, runner.Answered);
        Assert.Equal(1, runner.Dropped(DropReason.TargetNotOurs));
        Assert.Empty(link.Sent);
    }

    [Fact]
    public async Task Request_WithAPriorityTag_IsAnswered()
    {
        runner.Table = AnswerTable.Create([new(Vip, runner.Mac)]);
        var request = Request(Vip);

        await Handle([.. request[..12], 0x81, 0x00, 0xA0, 0x00, .. request[12..]]);

        Assert.Equal(1, runner.Answered);
    }

    [Fact]
    public async Task Answer_ThatTheKernelDoesNotTake_IsCountedAsNotSent()
    {
        runner.Table = AnswerTable.Create([new(Vip, runner.Mac)]);
        link.Refuses = true;

        await Handle(Request(Vip));

        Assert.Equal(0, runner.Answered);
        Assert.Equal(1, runner.Dropped(DropReason.NotSent));
    }

    [Fact]
    public async Task EveryFrame_IsCountedExactlyOnce()
    {
        runner.Table = AnswerTable.Create([new(Vip, runner.Mac)]);
        byte[][] frames = [Request(Vip), Request(Vip.Add(1)), Peer(), [], Request(Vip)[..20], Gratuitous()];

        await Handle(frames);

        var dropped = Enum.GetValues<DropReason>().Sum(runner.Dropped);
        Assert.Equal(frames.Length, runner.Answered + runner.PeerFrames + dropped);
        Assert.Equal(1, runner.Dropped(DropReason.EthernetTruncated));
        Assert.Equal(1, runner.Dropped(DropReason.ArpTruncated));
        Assert.Equal(1, runner.Dropped(DropReason.Gratuitous));
    }

    [Fact]
    public async Task Solicitation_ForAVipOfTheTable_IsAnsweredOnTheSameLink()
    {
        runner.Table = AnswerTable.Create([new(Vip, runner.Mac), new(Vip6, runner.Mac)]);

        await Handle(Solicitation(Vip6), Solicitation(Vip6.Add(1)), Solicitation(Vip6)[..60]);

        Assert.Equal(1, runner.Answered);
        Assert.Equal(1, runner.Dropped(DropReason.TargetNotOurs));
        Assert.Equal(1, runner.Dropped(DropReason.Ipv6Truncated));
        var reply = Assert.Single(link.Sent);
        Assert.Equal(DropReason.None, NdpPacket.Read(reply, out var packet));
        Assert.Equal(
            (NdpPacket.Advertisement, Asker, runner.Mac, Vip6.Value, Asker6.Value),
            (packet.Type, packet.EthernetDestination, packet.LinkLayerAddress, packet.Target, packet.Destination));
    }

    [Fact]
    public async Task Advertisement_ThatTheKernelDoesNotTake_IsCountedAsNotSent()
    {
        runner.Table = AnswerTable.Create([new(Vip6, runner.Mac)]);
        link.Refuses = true;

        await Handle(Solicitation(Vip6));

        Assert.Equal((0, 1), (runner.Answered, runner.Dropped(DropReason.NotSent)));
    }

    [Fact]
    public async Task Observer_HearsSolicitationsAndAdvertisementsOfOthers()
    {
        var claim = new byte[NdpPacket.FrameLength];
        Announcement.Write(Vip6.Value, Asker, Asker, claim);
        var own = new byte[NdpPacket.FrameLength];
        Announcement.Write(Vip6.Value, runner.Mac, runner.Mac, own);

        await Handle(Solicitation(Vip6), claim, own, Solicitation(Vip6)[..70]);

        Assert.Equal([NdpPacket.Solicitation, NdpPacket.Advertisement], observer.NdpPackets.Select(packet => packet.Type));
        Assert.All(observer.NdpPackets, packet => Assert.Equal(Asker, packet.SenderMac));
    }

    [Fact]
    public async Task PeersFrame_GoesToMembershipWhole()
    {
        await Handle(Peer());

        var (from, frame) = Assert.Single(peers.Frames);
        Assert.Same(runner, from);
        Assert.Equal(Peer(), frame);
    }

    [Fact]
    public async Task Observer_HearsRequestsAndClaimsOfOthers_NotWhatIsMalformedOrOurs()
    {
        var own = new byte[60];
        Announcement.Write(AnnouncementForm.Request, Vip.AsUInt32, runner.Mac, runner.Mac, own);

        await Handle(Request(Vip), Gratuitous(), own, Peer(), Request(Vip)[..30]);

        Assert.Equal([0xC0A8_6007u, Vip.AsUInt32], observer.Packets.Select(packet => packet.SenderIp));
    }

    [Fact]
    public async Task Dispose_ClosesTheLinkAndForgetsTheTable()
    {
        runner.Table = AnswerTable.Create([new(Vip, runner.Mac)]);
        runner.Start();

        runner.Dispose();

        Assert.True(runner.IsClosed);
        Assert.True(link.IsDisposed);
        Assert.Equal(0, runner.Table.Count);
        Assert.Equal("closed", await ended.Task);
    }

    private static byte[] Request(IpAddress target)
    {
        var frame = new byte[60];
        new ArpPacket(ArpPacket.Request, MacAddress.Broadcast, Asker, Asker, 0xC0A8_6007, default, target.AsUInt32).WriteFrame(frame);
        return frame;
    }

    private static byte[] Solicitation(IpAddress target)
    {
        var frame = new byte[NdpPacket.FrameLength];
        NdpPacket.Ask(Asker, Asker6.Value, target.Value).WriteFrame(frame);
        return frame;
    }

    private static byte[] Gratuitous()
    {
        var frame = new byte[60];
        Announcement.Write(AnnouncementForm.Request, Vip.AsUInt32, Asker, Asker, frame);
        return frame;
    }

    private static byte[] Peer() => [.. Request(Vip)[..12], 0x88, 0xB5, 1, 2, 3];

    private async Task Handle(params byte[][] frames)
    {
        runner.Start();
        foreach (var frame in frames)
        {
            link.Deliver(frame);
        }

        link.Fail("test over");
        Assert.Equal("test over", await ended.Task);
    }
}
