using System.Globalization;
using System.Text;
using LoadBalancer.Core.Addressing;
using LoadBalancer.Core.Heartbeats;
using LoadBalancer.Core.Ownership;
using LoadBalancer.Core.Packets;
using LoadBalancer.Speaker.Membership;

namespace LoadBalancer.Benchmarks;

/// <summary>
/// For how long what the heartbeat and the ownership thread do keeps a link's thread from its next answer, with 20 peers and 1,000 VIPs, by the
/// median: each step alone, so that a busy machine does not matter; of a beat also the part before the first frame is sent, which is all
/// that is done under the lock.
/// </summary>
internal static class LinkThreadLatency
{
    private const int Peers = 20;
    private const int Vips = 1000;

    public static void Run()
    {
        var key = HeartbeatKey.From(Encoding.ASCII.GetBytes("a key for this measurement, 32 B."));
        var keys = new HeartbeatKeys(key);
        var link = new QuietLink();
        var identity = new SpeakerIdentity("n0", 99);
        var segment = new Segment(link, identity, new MembershipTimings(), default);
        var vips = Enumerable.Range(0, Vips).Select(i => IpAddress.FromUInt32(0xC0A8_6000u + (uint)i)).ToList();
        var started = TimeProvider.System.GetTimestamp();
        var talkers = Enumerable.Range(1, Peers).Select(i => new Talker(i, key)).ToArray();
        Array.ForEach(talkers, talker => segment.Hear(talker.Say(), keys, default));
        List<OwnershipTransition> transitions = [];
        var (beats, locked, claiming) = (new List<double>(), new List<double>(), new List<double>());
        for (var i = 0; i < 2000; i++)
        {
            segment.Hear(talkers[i % Peers].Say(), keys, Now());
            link.FirstSentAt = 0;
            var before = TimeProvider.System.GetTimestamp();
            segment.Beat(Now(), key, TimeSpan.FromTicks(1), new Standing(true, false), [], []);
            beats.Add(Since(before));
            locked.Add(TimeProvider.System.GetElapsedTime(before, link.FirstSentAt).TotalMicroseconds);
            transitions.Clear();
            foreach (var vip in vips)
            {
                var owned = new OwnershipState("n0", NoOwner.None, (ulong)(2 * i) + 3) { Part = new OwnershipPart.Holder() };
                transitions.Add(new OwnershipTransition(vip, OwnershipAction.None, owned, owned));
            }

            before = TimeProvider.System.GetTimestamp();
            segment.Claim(transitions, serves: true);
            claiming.Add(Since(before));
        }

        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"{Vips} VIPs, {Peers} peers: a beat {Median(beats):0} µs, of it {Median(locked):0} µs under the lock; to claim all {Median(claiming):0} µs, in slices."));

        TimeSpan Now() => TimeProvider.System.GetElapsedTime(started);
        double Since(long before) => TimeProvider.System.GetElapsedTime(before).TotalMicroseconds;
        static double Median(List<double> times)
        {
            times.Sort();
            return times[times.Count / 2];
        }
    }

    private sealed class Talker(int number, HeartbeatKey key)
    {
        private readonly byte[] buffer = new byte[HeartbeatLayout.MaxFrame];
        private readonly HeartbeatIdentity identity = new($"n{number}", "eth0", [IpPrefix.Parse($"192.168.96.{number + 10}/20")], []);
        private ulong sequence;

        public MacAddress Mac { get; } = MacAddress.Parse($"52:54:00:00:00:{number:x2}");

        public ReadOnlySpan<byte> Say()
        {
            var header = new HeartbeatHeader(HeartbeatKind.Heartbeat, QuietLink.Mac, Mac, (ulong)(1000 + number), ++sequence, 99, 1_000_000 + sequence, 0, Peers,
                SpeakerState.Ready | SpeakerState.Serving, TimeSpan.FromSeconds(2), 0, 0, 0);
            return buffer.AsSpan(0, HeartbeatEncoder.Encode(header, identity, key, buffer, default));
        }
    }

    private sealed class QuietLink : ISegmentLink
    {
        public static readonly MacAddress Mac = MacAddress.Parse("52:54:00:00:01:00");

        public LinkFacts Facts { get; } = new("eth0", 2, Mac, [IpPrefix.Parse("192.168.96.10/20")], Carrier: true);

        public long FirstSentAt { get; set; }

        public bool HasUnread => false;

        public long Arrivals => 0;

        // About what the kernel takes for a frame.
        public bool Send(ReadOnlySpan<byte> frame)
        {
            FirstSentAt = FirstSentAt == 0 ? TimeProvider.System.GetTimestamp() : FirstSentAt;
            Thread.SpinWait(200);
            return true;
        }

        public void Ask(in CheckTarget target) => Thread.SpinWait(200);

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
