using System.Text;
using LoadBalancer.Core.Addressing;
using LoadBalancer.Core.Heartbeats;
using LoadBalancer.Core.Ownership;
using LoadBalancer.Core.Tests.Heartbeats;
using static LoadBalancer.Core.Tests.Ownership.Members;

namespace LoadBalancer.Core.Tests.Ownership;

/// <summary>A segment of more nodes than keep company with each other: eight are near to n1, of the rest others' word is taken.</summary>
public abstract class LargeSegment
{
    private protected const int Others = 13;

    private protected readonly SegmentMembership membership = ReadyNode();
    private protected readonly SegmentRing ring;
    private protected readonly List<Speaker> near;
    private protected readonly List<Speaker> distant;
    private protected readonly HeartbeatTarget[] targets = new HeartbeatTarget[64];
    private protected int now;
    private readonly CheckTarget[] checks = new CheckTarget[16];
    private readonly List<CheckTarget> asked = [];

    /// <summary>What the kernel of one that is away was asked.</summary>
    private protected int Questions { get; private set; }

    private protected LargeSegment()
    {
        List<Speaker> all = [.. Enumerable.Range(2, Others).Select(static number => new Speaker(number))];
        ring = RingOf(all);
        near = all.FindAll(speaker => ring.IsNear(speaker.Place));
        distant = all.FindAll(speaker => !ring.IsNear(speaker.Place));
        all.ForEach(speaker => Hear(speaker.Say()));
        Pass(1000);
        Told();
    }

    private protected SegmentRing RingWithout(Speaker one) => RingOf(near.Concat(distant).Where(speaker => speaker != one));

    private protected static SegmentRing RingOf(IEnumerable<Speaker> others)
    {
        var own = SegmentRing.PlaceOf("n1"u8, "eth0"u8);
        var ring = new SegmentRing();
        ring.Begin(own, 256);
        foreach (var speaker in others)
        {
            ring.Add(speaker.Place);
        }

        ring.End(own);
        return ring;
    }

    private protected static ulong HashOf(string node) =>
        System.Buffers.Binary.BinaryPrimitives.ReadUInt64BigEndian(System.Security.Cryptography.SHA256.HashData(Encoding.ASCII.GetBytes(node)));

    private protected void Hear(byte[] frame) => membership.Hear(frame, Ms(now));

    private protected HashSet<MacAddress> Told() => [.. targets[..membership.Targets(Ms(now), newcomersOnly: false, targets)].Select(static target => target.Mac)];

    private protected PeerWord[] Said()
    {
        var words = new PeerWord[24];
        return words[..membership.TakeUrgent(words, Ms(now))];
    }

    private protected PeerWord[] Gossip()
    {
        var words = new PeerWord[24];
        return words[..membership.NextGossip(words, Ms(now))];
    }

    private protected bool Knows(Speaker speaker) => Member(speaker) is not null;

    private protected SegmentMember? Member(Speaker speaker) => membership.View(Ms(now), []).Peers.FirstOrDefault(peer => peer.Node == speaker.Node);

    // The neighbours go on with their heartbeats, the others with their hellos, and no kernel answers.
    private protected void Pass(int milliseconds, params Speaker[] except)
    {
        for (var end = now + milliseconds; now < end;)
        {
            now += 10;
            if (now % 100 == 0)
            {
                near.Except(except).ToList().ForEach(speaker => Hear(speaker.Say(marks: HeartbeatMarks.Close)));
            }

            if (now % 1200 == 0)
            {
                distant.Except(except).ToList().ForEach(speaker => Hear(speaker.Hello()));
            }

            membership.Advance(Ms(now));
            asked.AddRange(checks[..membership.Checks(Ms(now), checks)]);
        }
    }

    // One speaks no more, and its kernel answers. Another becomes a neighbour. Others may be gone.
    private protected void PassAway(int milliseconds, Speaker away, params Speaker[] gone)
    {
        for (var end = now + milliseconds; now < end;)
        {
            asked.Clear();
            Pass(10, except: [away, .. gone]);
            if (now % 100 == 0)
            {
                distant.ForEach(speaker => Hear(speaker.Say()));
            }

            foreach (var _ in asked.Where(target => target.Mac == away.Mac && !target.Broadcast))
            {
                Questions++;
                membership.HearKernel(away.Mac, away.Address, Ms(now));
            }
        }
    }

    /// <summary>A speaker that knows the ring, unless it is said not to.</summary>
    private protected sealed class Speaker(int number, string link = "eth0")
    {
        private readonly HeartbeatIdentity identity = new($"n{number}", link, [IpPrefix.Parse($"192.168.96.{number}/20")], []);
        private ulong sequence;

        public string Node => identity.Node;

        public bool Rings { get; init; } = true;

        public bool Serves { get; init; } = true;

        /// <summary>The digests of what it claims and of whom it hears.</summary>
        public (ulong Claims, ulong View) Digests { get; set; } = (0, Frames.Header.ViewDigest);

        /// <summary>The first 8 bytes of SHA256(its name).</summary>
        public ulong Hash { get; } = HashOf($"n{number}");

        public IpAddress Address => identity.Prefixes[0].Address;

        public MacAddress Mac { get; } = MacAddress.Parse($"52:54:00:00:01:{number:x2}");

        public ulong Place { get; } = SegmentRing.PlaceOf(Encoding.ASCII.GetBytes($"n{number}"), Encoding.ASCII.GetBytes(link));

        /// <summary>The same node on another interface, which has its addresses now.</summary>
        public Speaker On(string other) => new(number, other);

        public byte[] Say(PeerWord? word = null, HeartbeatMarks marks = HeartbeatMarks.None) => Encode(HeartbeatKind.Heartbeat, 99, SpeakerState.None, marks, word);

        public byte[] Say(SpeakerState also) => Encode(HeartbeatKind.Heartbeat, 0, also, HeartbeatMarks.Close, null);

        /// <summary>To whom it does not hear.</summary>
        public byte[] SayUnheard() => Encode(HeartbeatKind.Heartbeat, 0, SpeakerState.None, HeartbeatMarks.None, null);

        public byte[] Hello(PeerWord word, SpeakerState also = SpeakerState.None) => Encode(HeartbeatKind.Hello, 0, also, HeartbeatMarks.None, word);

        public byte[] Hello(SpeakerState also = SpeakerState.None) => Encode(HeartbeatKind.Hello, 0, also, HeartbeatMarks.None, null);

        public PeerWord Word(WordKind kind, int? age, int? kernelAge = null) =>
            new(Place, kind, (ulong)(1000 + number), sequence, SpeakerState.Ready | SpeakerState.Serving, 0, age is { } ms ? Ms(ms) : null, kernelAge is { } kernel ? Ms(kernel) : null);

        private byte[] Encode(HeartbeatKind kind, ulong heard, SpeakerState also, HeartbeatMarks marks, PeerWord? word)
        {
            var body = new byte[PeerWords.SizeOf(1)];
            var length = word is { } said ? PeerWords.Write([said], body) : 0;
            var header = Frames.Header with
            {
                Kind = kind, Source = Mac, Boot = (ulong)(1000 + number), Sequence = ++sequence, HeardBoot = heard, HeardSequence = 1, Losses = 0,
                ClaimDigest = Digests.Claims, ViewDigest = Digests.View,
                Flags = (Serves ? SpeakerState.Ready | SpeakerState.Serving : SpeakerState.None) | also, Marks = marks | (Rings ? HeartbeatMarks.Rings : HeartbeatMarks.None),
            };
            var frame = new byte[HeartbeatLayout.MaxFrame];
            return frame[..HeartbeatEncoder.Encode(header, identity, Frames.Key, frame, body.AsSpan(0, length))];
        }
    }
}
