using System.Runtime.InteropServices;
using LoadBalancer.Core.Addressing;
using LoadBalancer.Core.Heartbeats;
using LoadBalancer.Core.Timing;

namespace LoadBalancer.Core.Ownership;

/// <summary>Takes a frame that is to be sent; the span is valid during the call only.</summary>
/// <param name="frame">From the Ethernet destination on.</param>
/// <returns>Whether it was sent; false if the kernel refused it.</returns>
public delegate bool FrameSink(ReadOnlySpan<byte> frame);

/// <summary>
/// Decides when this node says what on one segment, and writes the frames. Buffers are its own: sending allocates nothing. One thread at a
/// time: <see cref="Collect"/> and <see cref="TakeBack"/> together with the membership it speaks for, <see cref="Send"/> without, since
/// signing and sending for many peers takes a while.
/// </summary>
public sealed class SegmentPulse
{
    // The first hello of a start may be lost; by the end of the listen period everybody should have answered one.
    private static readonly TimeSpan EarlyHello = TimeSpan.FromMilliseconds(200);

    // Twenty broadcasts a second in the long run: a frame holds about a hundred claims. Twenty at once move two thousand VIPs.
    private static readonly TimeSpan Pace = TimeSpan.FromMilliseconds(50);
    private const int ClaimBurst = 20;

    // Frames that never arrive may be longer than something on the way takes: those that are asked for so often get shorter.
    private const int DumpsOfFullLength = 4;
    private const int ShortestMessage = 512;

    private static readonly HeartbeatTarget Everybody = new(MacAddress.Broadcast, 0, 0, 0);

    // Who hears nobody may have been cut off, as may somebody else it never met: both look for company.
    private static readonly TimeSpan LonelyHello = TimeSpan.FromMilliseconds(400);

    private readonly SegmentMembership membership;
    private readonly SequenceCounter sequence;
    private readonly FrameSink send;
    private readonly ulong boot;
    private readonly byte[] frame = new byte[HeartbeatLayout.MaxFrame];
    private readonly List<Message> messages = [];
    private readonly List<Claim> told = [];
    private byte[] bodies = [];
    private int bodiesLength;
    private readonly HeartbeatIdentity bare;
    private readonly List<Claim> claims = [];
    private const int Broadcasts = 1;

    // All claims to many that asked at once: not kept for what is said every 100 ms.
    private const int LargestKept = 64 * 1024;

    // What must be said to all at once on a large segment: a peer is missed, or is not; this node's own state changed.
    private static readonly TimeSpan UrgentPace = TimeSpan.FromMilliseconds(50);
    private const int UrgentBurst = 20;

    // What changes bit by bit, as when one peer is lost after the other, is told in one.
    private static readonly TimeSpan LeastApart = TimeSpan.FromMilliseconds(25);

    private readonly PeerWord[] words = new PeerWord[SegmentMembership.MostWords];
    private LeakyBucket urgentBudget = new(UrgentPace, UrgentBurst);
    private SpeakerState saidState;
    private MacAddress saidMac;
    private HeartbeatIdentity? saidIdentity;

    private readonly HeartbeatTarget[] targets;
    private int? unsentFrom;
    private TimeSpan nextHello;
    private TimeSpan nextHeartbeat;
    private int earlyHellos = 2;
    private LeakyBucket claimBudget = new(Pace, ClaimBurst);
    private TimeSpan toldAt = -LeastApart;
    private bool allDue;
    private bool someDue;

    /// <summary>A pulse whose first hello is due now.</summary>
    /// <param name="membership">Whom it speaks for and to.</param>
    /// <param name="boot">Names this run.</param>
    /// <param name="sequence">The node's sequence numbers.</param>
    /// <param name="maxPeers">The most peers.</param>
    /// <param name="now">Monotonic time.</param>
    /// <param name="send">Takes the frames.</param>
    public SegmentPulse(SegmentMembership membership, ulong boot, SequenceCounter sequence, int maxPeers, TimeSpan now, FrameSink send)
    {
        this.membership = membership;
        this.boot = boot;
        this.sequence = sequence;
        this.send = send;
        targets = new HeartbeatTarget[2 * maxPeers];
        bare = new HeartbeatIdentity(membership.Identity.Node, membership.Identity.Link, [], []);
        nextHello = now;
        nextHeartbeat = now;
    }

    /// <summary>How long to wait with claims that could not be sent.</summary>
    public static TimeSpan ClaimPace => Pace;

    /// <summary>The longest message the link takes, in octets: its MTU.</summary>
    public int Mtu { get; set; } = HeartbeatLayout.MaxMessage;

    /// <summary>A peer waits for a heartbeat: it gets one with the next <see cref="Collect"/>.</summary>
    public void AnswerNewcomer() => someDue = true;

    /// <summary>This node's state changed: every peer is told with the next <see cref="Collect"/>.</summary>
    public void TellAll() => allDue = true;

    /// <summary>The link is back on the wire: introduce this node again.</summary>
    public void Introduce(TimeSpan now)
    {
        earlyHellos = 2;
        nextHello = now;
    }

    /// <summary>Collects what is due.</summary>
    /// <param name="now">Monotonic time.</param>
    /// <param name="own">The link's MAC.</param>
    /// <param name="interval">Between heartbeats, for all the peers of the node.</param>
    /// <returns>When something is due next.</returns>
    public TimeSpan Collect(TimeSpan now, MacAddress own, TimeSpan interval)
    {
        messages.Clear();
        told.Clear();
        bodies = bodies.Length > LargestKept ? [] : bodies;
        bodiesLength = 0;
        membership.OwnGoodFor = HeartbeatSchedule.GoodFor(interval);

        // Claims go first: the digest in what follows includes them.
        var claimsDue = BroadcastClaims(now, own);
        AnswerRequests(now, own);
        var leaves = allDue && membership.Leaving;
        if (leaves || (allDue && now >= toldAt + LeastApart) || now >= nextHeartbeat)
        {
            TellPeers(now, own, newcomersOnly: false);
            nextHeartbeat = now + interval;
            toldAt = now;
            allDue = false;
        }
        else if (someDue)
        {
            TellPeers(now, own, newcomersOnly: true);
        }

        someDue = false;
        var urgentAt = UrgentAt(now, own);
        if (now >= nextHello || now >= urgentAt || leaves)
        {
            SayHello(now, own);
            nextHello = now + (earlyHellos-- > 1 ? EarlyHello
                : membership.AliveCount == 0 ? LonelyHello
                : HeartbeatSchedule.HelloInterval(membership.AliveCount));
            earlyHellos = Math.Max(earlyHellos, 0);
            urgentAt = UrgentAt(now, own);
        }

        var next = nextHello < nextHeartbeat ? nextHello : nextHeartbeat;
        next = allDue && toldAt + LeastApart < next ? toldAt + LeastApart : next;
        next = urgentAt < next ? urgentAt.Value : next;
        return claimsDue < next ? claimsDue.Value : next;
    }

    /// <summary>Signs and sends what was collected, in the order of the sequence numbers.</summary>
    /// <returns>Whether all claims that changed were sent; if not, <see cref="TakeBack"/> is to be called.</returns>
    public bool Send(HeartbeatKey key)
    {
        unsentFrom = null;
        var failed = 0;
        foreach (ref readonly var message in CollectionsMarshal.AsSpan(messages))
        {
            // Of claims that follow each other the rest is not tried once one was refused: it would be the same with the next.
            if (message.Series != 0 && message.Series == failed)
            {
                continue;
            }

            var length = HeartbeatEncoder.Encode(message.Header, message.Identity, key, frame, bodies.AsSpan(message.Body, message.BodyLength));
            if (!send(frame.AsSpan(0, length)) && message.Series != 0)
            {
                failed = message.Series;
                unsentFrom ??= message.Series == Broadcasts ? message.Told : null;
            }
        }

        return unsentFrom is null;
    }

    /// <summary>The changed claims that could not be sent are to be broadcast again.</summary>
    public void TakeBack()
    {
        if (unsentFrom is { } from)
        {
            membership.MarkUnsent(CollectionsMarshal.AsSpan(told)[from..]);
            unsentFrom = null;
        }
    }

    private TimeSpan? BroadcastClaims(TimeSpan now, MacAddress own)
    {
        while (membership.HasUnsentClaims)
        {
            if (!claimBudget.TryTake(now))
            {
                return now + claimBudget.UntilAvailable(now);
            }

            membership.TakeUnsent(claims);
            var body = Body(Mtu);
            var length = ClaimCodec.Write(CollectionsMarshal.AsSpan(claims), claims[0].Subject, flags: 0, body, out var written);
            var these = CollectionsMarshal.AsSpan(claims)[..written];
            membership.MarkSent(these);
            AddClaims(Everybody, now, own, length, Broadcasts);
            told.AddRange(these);
        }

        return null;
    }

    private void AnswerRequests(TimeSpan now, MacAddress own)
    {
        for (var series = Broadcasts + 1; membership.TakeDump(now) is { } asker; series++)
        {
            Dump(asker, now, own, series);
        }

        while (membership.TakeRequest(now) is { } peer)
        {
            Add(peer, HeartbeatKind.ClaimRequest, now, own);
        }
    }

    // Room for the body of the next message.
    private Span<byte> Body(int message)
    {
        var room = ClaimCodec.Room(bare, message);
        if (bodies.Length - bodiesLength < room)
        {
            Array.Resize(ref bodies, Math.Max(2 * bodies.Length, bodiesLength + room));
        }

        return bodies.AsSpan(bodiesLength, room);
    }

    private void Dump(in HeartbeatTarget asker, TimeSpan now, MacAddress own, int series)
    {
        claims.Clear();
        claims.AddRange(membership.OwnClaims.All.OrderBy(static claim => claim.Subject, StringComparer.Ordinal));
        var rest = CollectionsMarshal.AsSpan(claims);
        var first = ClaimCodec.First;
        var longest = asker.Dumps <= DumpsOfFullLength ? Mtu : Math.Max(ShortestMessage, Mtu >> Math.Min(asker.Dumps - DumpsOfFullLength, 8));
        do
        {
            var body = Body(longest);
            var subject = rest.IsEmpty ? membership.Identity.Node : rest[0].Subject;
            var length = ClaimCodec.Write(rest, subject, first, body, out var written);
            rest = rest[written..];
            body[0] |= rest.IsEmpty ? ClaimCodec.Last : (byte)0;
            AddClaims(asker, now, own, length, series);
            first = 0;
        }
        while (!rest.IsEmpty);
    }

    private void TellPeers(TimeSpan now, MacAddress own, bool newcomersOnly)
    {
        membership.MarkHeartbeats(sequence.Last, now);
        var count = membership.Targets(now, newcomersOnly, targets);
        var gossip = newcomersOnly || count == 0 ? 0 : membership.NextGossip(words.AsSpan(0, WordsThatFit()), now);
        var (body, length) = Write(words.AsSpan(0, gossip));
        for (var i = 0; i < count; i++)
        {
            Add(targets[i], HeartbeatKind.Heartbeat, now, own, body, length);
        }
    }

    // When something is to be said to all before its time; null if nothing is. Those that are near hear of a change with the next heartbeat.
    private TimeSpan? UrgentAt(TimeSpan now, MacAddress own)
    {
        var isUrgent = membership.HasUrgent || (membership.HasDistant
            && (membership.Inquires(now) || StateForAll(now) != saidState || own != saidMac || membership.Identity != saidIdentity));
        return !isUrgent ? null : now + urgentBudget.UntilAvailable(now);
    }

    private SpeakerState StateForAll(TimeSpan now) => membership.StateAt(now) & ~SpeakerState.Vouches;

    private void SayHello(TimeSpan now, MacAddress own)
    {
        var marks = HeartbeatMarks.None;
        var (body, length) = (0, 0);
        if (membership.HasDistant || membership.HasUrgent)
        {
            urgentBudget.TryTake(now);
            (body, length) = Write(words.AsSpan(0, membership.TakeUrgent(words.AsSpan(0, WordsThatFit()), now)));
            if (membership.Inquires(now))
            {
                membership.Inquired(now);
                marks = HeartbeatMarks.Asks;
            }

            (saidState, saidMac, saidIdentity) = (StateForAll(now), own, membership.Identity);
        }

        Add(Everybody with { Marks = marks }, HeartbeatKind.Hello, now, own, body, length);
    }

    private int WordsThatFit() => Math.Min(words.Length, PeerWords.Fitting(Math.Min(Mtu, HeartbeatLayout.MaxMessage) - membership.Identity.MessageSize));

    // Appended to the bodies, for one message or several.
    private (int At, int Length) Write(ReadOnlySpan<PeerWord> said)
    {
        var (at, size) = (bodiesLength, PeerWords.SizeOf(said.Length));
        if (bodies.Length < at + size)
        {
            Array.Resize(ref bodies, Math.Max(2 * bodies.Length, at + size));
        }

        bodiesLength += PeerWords.Write(said, bodies.AsSpan(at));
        return (at, size);
    }

    private void Add(in HeartbeatTarget to, HeartbeatKind kind, TimeSpan now, MacAddress own, int body = 0, int bodyLength = 0, int series = 0)
    {
        var header = new HeartbeatHeader(
            kind, to.Mac, own, boot, sequence.Next(), to.HeardBoot, to.HeardSequence,
            membership.Digest, membership.AliveCount, membership.StateAt(now), membership.OwnGoodFor, to.Losses,
            membership.OwnClaims.Digest, membership.Suspects, to.Marks | membership.OwnMarks);
        messages.Add(new Message(header, kind is HeartbeatKind.Hello or HeartbeatKind.Heartbeat ? membership.Identity : bare)
        {
            Body = body,
            BodyLength = bodyLength,
            Series = series,
            Told = told.Count,
        });
    }

    // The body was written behind the others.
    private void AddClaims(in HeartbeatTarget to, TimeSpan now, MacAddress own, int bodyLength, int series)
    {
        Add(to, HeartbeatKind.Claims, now, own, bodiesLength, bodyLength, series);
        bodiesLength += bodyLength;
    }

    /// <summary>A message that is to be signed and sent.</summary>
    private readonly record struct Message(HeartbeatHeader Header, HeartbeatIdentity Identity)
    {
        /// <summary>Where its body is.</summary>
        public int Body { get; init; }

        public int BodyLength { get; init; }

        /// <summary>Claims that follow each other, from 1 on; 0 for what stands alone.</summary>
        public int Series { get; init; }

        /// <summary>Of broadcast claims: where they begin in what was told.</summary>
        public int Told { get; init; }
    }
}
