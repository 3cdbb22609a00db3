using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using LoadBalancer.Core.Addressing;
using LoadBalancer.Core.Heartbeats;
using LoadBalancer.Core.Ownership;
using LoadBalancer.Core.Packets;
using LoadBalancer.Kubernetes.Resources;
using LoadBalancer.Speaker.Membership;
using LoadBalancer.Speaker.NodeLoss;
using LoadBalancer.Speaker.Tests.Simulation;

namespace LoadBalancer.Speaker.Tests.Ownership;

/// <summary>Whose word about a lost node is given: n3 is gone, n2 sees the same, and this node is n1.</summary>
public sealed class LossWatchTests
{
    private static readonly HeartbeatKey Key = HeartbeatKey.From(Encoding.ASCII.GetBytes("the key of this cluster, 32 bytes"));

    private readonly SpeakerIdentity self = new("n1", 99);
    private readonly SimulatedStore<NodeResource> nodes = new();
    private readonly Segment segment;
    private readonly LossWatch watch;
    private ulong sequence;

    public LossWatchTests()
    {
        segment = new Segment(new QuietLink(), self, new MembershipTimings(), default);
        nodes.Put(new NodeResource { Key = new ObjectKey("", "n3"), Uid = "n3", ResourceVersion = "1", IsReady = true, InternalAddresses = [IpAddress.Parse("192.168.96.13")] });
        watch = new LossWatch(nodes, new SimulatedStore<LeaseResource>(), "n1");
    }

    [Theory]
    [InlineData(true, true, false, true)]
    [InlineData(false, true, false, false)] // it has not looked yet who is there
    [InlineData(true, false, false, false)] // it listens, or stood still: what it knows is old
    [InlineData(true, true, true, false)] // it hears nothing itself
    public void NodeIsGoneForAll_IsStatedByOneThatIsSureOfItself(bool looked, bool mayServe, bool standsDown, bool stated)
    {
        for (var at = 0; at <= 3000; at += 10)
        {
            if (at % 100 == 0)
            {
                Hear(2, at < 1400 ? Hash("n1") ^ Hash("n3") : Hash("n1"), at);
                if (at < 1000)
                {
                    Hear(3, Hash("n1") ^ Hash("n2"), at);
                }
            }

            segment.Beat(At(at), Key, At(100), new Standing(true, false), [], []);
            segment.LastView = looked ? segment.View(At(at), []) with { MayServe = mayServe, StandsDown = standsDown } : null;
            watch.Step([segment], At(at));
        }

        Assert.Equal(stated, watch.Statements.StartsWith("n3 ", StringComparison.Ordinal));
    }

    private static TimeSpan At(int milliseconds) => TimeSpan.FromMilliseconds(milliseconds);

    private static ulong Hash(string node) => BinaryPrimitives.ReadUInt64BigEndian(SHA256.HashData(Encoding.ASCII.GetBytes(node)));

    private void Hear(int node, ulong view, int at)
    {
        var header = new HeartbeatHeader(
            HeartbeatKind.Heartbeat, QuietLink.Mac, new MacAddress(QuietLink.Mac.Value + (ulong)node), (ulong)(1000 * node), ++sequence, self.Boot, self.Sequence.Last,
            view, 2, SpeakerState.Ready | SpeakerState.Serving, At(350), 0, 0, 0);
        var frame = new byte[HeartbeatLayout.MaxFrame];
        var length = HeartbeatEncoder.Encode(header, new HeartbeatIdentity($"n{node}", "eth0", [IpPrefix.Parse($"192.168.96.{10 + node}/20")], []), Key, frame, default);
        segment.Hear(frame.AsSpan(0, length), new HeartbeatKeys(Key), At(at));
    }

    private sealed class QuietLink : ISegmentLink
    {
        public static readonly MacAddress Mac = MacAddress.Parse("52:54:00:00:00:01");

        public LinkFacts Facts { get; } = new("eth0", 2, Mac, [IpPrefix.Parse("192.168.96.11/20")], Carrier: true);

        public bool HasUnread => false;

        public long Arrivals => 0;

        public bool Send(ReadOnlySpan<byte> frame) => true;

        public void Ask(in CheckTarget target)
        {
        }

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
    }
}
