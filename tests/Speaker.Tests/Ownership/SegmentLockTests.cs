using System.Text;
using LoadBalancer.Core.Addressing;
using LoadBalancer.Core.Heartbeats;
using LoadBalancer.Core.Ownership;
using LoadBalancer.Core.Packets;
using LoadBalancer.Speaker.Membership;

namespace LoadBalancer.Speaker.Tests.Ownership;

/// <summary>
/// A link's thread, which answers requests, waits for nobody that signs, sends or goes through all VIPs: while the kernel takes its time with a
/// frame of this node, what comes in is taken in.
/// </summary>
public sealed class SegmentLockTests
{
    private static readonly HeartbeatKey Key = HeartbeatKey.From(Encoding.ASCII.GetBytes("the key of this cluster, 32 bytes"));
    private static readonly IpAddress Vip = IpAddress.Parse("192.168.96.100");

    private readonly SlowLink link = new();
    private readonly Segment segment;
    private ulong sequence;

    public SegmentLockTests() => segment = new Segment(link, new SpeakerIdentity("n1", 99), new MembershipTimings(), default);

    [Fact]
    public void PeersAreTold_TheLinksThreadTakesFramesIn()
    {
        var taken = HeartbeatRefusal.Replayed;
        link.WhileSending = () => taken = segment.Hear(Frame(), new HeartbeatKeys(Key), At(1)).Refusal;
        segment.Beat(At(1), Key, TimeSpan.FromMilliseconds(100), new Standing(true, false), [], []);
        Assert.True(link.Sent > 0);
        Assert.Equal(HeartbeatRefusal.None, taken);
    }

    [Fact]
    public void OwnersAreAsked_TheLinksThreadTakesAnswersIn()
    {
        var answered = false;
        link.WhileSending = () =>
        {
            segment.HearAnswer(SlowLink.Peer, Vip);
            answered = true;
        };
        var claims = ClaimView.Of([new PeerClaim("n2", "eth0", new Claim(Vip, "n2", 3, ClaimKind.Owner))]);
        var vips = new Dictionary<IpAddress, VipFacts>
        {
            [Vip] = new() { Address = Vip, ElectionAddress = Vip, Pool = new() { Name = "default", Ranges = [] }, Served = true },
        };
        var view = new SegmentView(Member("n1", MemberSource.Self), [Member("n2", MemberSource.Wire)], MayAct: true) { Claims = claims };
        for (var at = 0; at <= 1000; at += 500)
        {
            var election = new SegmentElection(new ElectionOrders(), view, static _ => NodeFacts.Unknown);
            segment.Ownership.Decide(vips, election, view, null, At(at), []);
            segment.WatchOwners(vips, election, At(at));
            segment.AskOwners(At(at));
        }

        Assert.True(answered);
    }

    private static TimeSpan At(int milliseconds) => TimeSpan.FromMilliseconds(milliseconds);

    private static SegmentMember Member(string node, MemberSource source) => new(
        node, "eth0", source, [IpPrefix.Parse("192.168.96.12/20")], [], Ready: true, Leaving: false, Holding: false, HearsUs: true) { Mac = SlowLink.Peer };

    private byte[] Frame()
    {
        var header = new HeartbeatHeader(HeartbeatKind.Heartbeat, SlowLink.Mac, SlowLink.Peer, 1000, ++sequence, 99, 1, 0, 0, SpeakerState.Ready, At(350), 0, 0, 0);
        var frame = new byte[HeartbeatLayout.MaxFrame];
        var identity = new HeartbeatIdentity("n2", "eth0", [IpPrefix.Parse("192.168.96.12/20")], []);
        return frame[..HeartbeatEncoder.Encode(header, identity, Key, frame, default)];
    }

    /// <summary>A link whose kernel takes a frame only when another thread has done something meanwhile.</summary>
    private sealed class SlowLink : ISegmentLink
    {
        public static readonly MacAddress Mac = MacAddress.Parse("52:54:00:00:00:01");
        public static readonly MacAddress Peer = MacAddress.Parse("52:54:00:00:00:02");

        public Action? WhileSending { get; set; }

        public int Sent { get; private set; }

        public LinkFacts Facts { get; } = new("eth0", 2, Mac, [IpPrefix.Parse("192.168.96.11/20")], Carrier: true);

        public bool HasUnread => false;

        public long Arrivals => 0;

        public bool Send(ReadOnlySpan<byte> frame)
        {
            Wait();
            return true;
        }

        public void Ask(in CheckTarget target) => Wait();

        public void Answer(AnswerTable table)
        {
        }

        public void Announce(IReadOnlyList<IpAddress> vips)
        {
        }

        public void Repeat(IReadOnlyList<IpAddress> vips)
        {
        }

        public void AnswerUntil(TimeSpan until)
        {
        }

        public void Hush(IReadOnlyList<IpAddress> vips)
        {
        }

        private void Wait()
        {
            Sent++;
            if (WhileSending is { } action)
            {
                WhileSending = null;
                var other = new Thread(() => action()) { IsBackground = true };
                other.Start();
                Assert.True(other.Join(TimeSpan.FromSeconds(20)), "a link's thread waits for one that sends");
            }
        }
    }
}
