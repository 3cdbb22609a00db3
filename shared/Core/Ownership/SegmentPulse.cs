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
/// Decides when this node says what on one segment, and writes the frames. Buffers are its own: sending allocates nothing. One thread
/// at a time, together with the membership it speaks for.
/// </summary>
public sealed class SegmentPulse
{
    // The first hello of a start may be lost; by the end of the listen period everybody should have answered one.
    private static readonly TimeSpan EarlyHello = TimeSpan.FromMilliseconds(200);

    // Five broadcasts a second in the long run: a frame holds about a hundred claims. Twenty at once move two thousand VIPs.
    private static readonly TimeSpan ClaimPace = TimeSpan.FromMilliseconds(200);
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
    private readonly byte[] claimsBody;
    private readonly HeartbeatIdentity bare;
    private readonly List<Claim> claims = [];
    private readonly HeartbeatTarget[] targets;
    private TimeSpan nextHello;
    private TimeSpan nextHeartbeat;
    private int earlyHellos = 2;
    private LeakyBucket claimBudget = new(ClaimPace, ClaimBurst);
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
        claimsBody = new byte[ClaimCodec.Room(bare)];
        nextHello = now;
        nextHeartbeat = now;
    }

    /// <summary>The longest message the link takes, in octets: its MTU.</summary>
    public int Mtu { get; set; } = HeartbeatLayout.MaxMessage;

    /// <summary>A peer waits for a heartbeat: it gets one with the next <see cref="Beat"/>.</summary>
    public void AnswerNewcomer() => someDue = true;

    /// <summary>This node's state changed: every peer is told with the next <see cref="Beat"/>.</summary>
    public void TellAll() => allDue = true;

    /// <summary>The link is back on the wire: introduce this node again.</summary>
    public void Introduce(TimeSpan now)
    {
        earlyHellos = 2;
        nextHello = now;
    }

    /// <summary>Sends what is due.</summary>
    /// <param name="now">Monotonic time.</param>
    /// <param name="key">Signs.</param>
    /// <param name="own">The link's MAC.</param>
    /// <param name="interval">Between heartbeats, for all the peers of the node.</param>
    /// <returns>When something is due next.</returns>
    public TimeSpan Beat(TimeSpan now, HeartbeatKey key, MacAddress own, TimeSpan interval)
    {
        membership.OwnGoodFor = HeartbeatSchedule.GoodFor(interval);

        // Claims go first: the digest in what follows includes them.
        var claimsDue = BroadcastClaims(now, key, own);
        AnswerRequests(now, key, own);
        if (allDue || now >= nextHeartbeat)
        {
            SendHeartbeats(now, key, own, newcomersOnly: false);
            nextHeartbeat = now + interval;
        }
        else if (someDue)
        {
            SendHeartbeats(now, key, own, newcomersOnly: true);
        }

        someDue = false;
        if (now >= nextHello || (allDue && membership.Leaving))
        {
            Send(Everybody, HeartbeatKind.Hello, now, key, own);
            nextHello = now + (earlyHellos-- > 1 ? EarlyHello
                : membership.AliveCount == 0 ? LonelyHello
                : HeartbeatSchedule.HelloInterval(membership.AliveCount));
            earlyHellos = Math.Max(earlyHellos, 0);
        }

        allDue = false;
        var next = nextHello < nextHeartbeat ? nextHello : nextHeartbeat;
        return claimsDue < next ? claimsDue.Value : next;
    }

    private TimeSpan? BroadcastClaims(TimeSpan now, HeartbeatKey key, MacAddress own)
    {
        while (membership.HasUnsentClaims)
        {
            if (!claimBudget.TryTake(now))
            {
                return now + claimBudget.UntilAvailable(now);
            }

            membership.TakeUnsent(claims);
            var length = ClaimCodec.Write(CollectionsMarshal.AsSpan(claims), claims[0].Subject, flags: 0, RoomFor(Mtu), out var written);
            var told = CollectionsMarshal.AsSpan(claims)[..written];
            membership.MarkSent(told);
            if (!Send(Everybody, HeartbeatKind.Claims, now, key, own, claimsBody.AsSpan(0, length)))
            {
                membership.MarkUnsent(told);
                return now + ClaimPace;
            }
        }

        return null;
    }

    private void AnswerRequests(TimeSpan now, HeartbeatKey key, MacAddress own)
    {
        while (membership.TakeDump(now) is { } asker)
        {
            Dump(asker, now, key, own);
        }

        while (membership.TakeRequest(now) is { } peer)
        {
            Send(peer, HeartbeatKind.ClaimRequest, now, key, own);
        }
    }

    private Span<byte> RoomFor(int message) => claimsBody.AsSpan(0, ClaimCodec.Room(bare, message));

    private void Dump(in HeartbeatTarget asker, TimeSpan now, HeartbeatKey key, MacAddress own)
    {
        claims.Clear();
        claims.AddRange(membership.ToldClaims.All.OrderBy(static claim => claim.Subject, StringComparer.Ordinal));
        var rest = CollectionsMarshal.AsSpan(claims);
        var first = ClaimCodec.First;
        var room = RoomFor(asker.Dumps <= DumpsOfFullLength ? Mtu : Math.Max(ShortestMessage, Mtu >> Math.Min(asker.Dumps - DumpsOfFullLength, 8)));
        bool sent;
        do
        {
            var subject = rest.IsEmpty ? membership.Identity.Node : rest[0].Subject;
            var length = ClaimCodec.Write(rest, subject, first, room, out var written);
            rest = rest[written..];
            claimsBody[0] |= rest.IsEmpty ? ClaimCodec.Last : (byte)0;
            sent = Send(asker, HeartbeatKind.Claims, now, key, own, claimsBody.AsSpan(0, length));
            first = 0;
        }
        while (sent && !rest.IsEmpty);
    }

    private void SendHeartbeats(TimeSpan now, HeartbeatKey key, MacAddress own, bool newcomersOnly)
    {
        membership.MarkHeartbeats(sequence.Last, now);
        var count = membership.Targets(now, newcomersOnly, targets);
        for (var i = 0; i < count; i++)
        {
            Send(targets[i], HeartbeatKind.Heartbeat, now, key, own);
        }
    }

    private bool Send(
        in HeartbeatTarget to, HeartbeatKind kind, TimeSpan now, HeartbeatKey key, MacAddress own, ReadOnlySpan<byte> trailer = default)
    {
        var header = new HeartbeatHeader(
            kind, to.Mac, own, boot, sequence.Next(), to.HeardBoot, to.HeardSequence,
            membership.Digest, membership.AliveCount, membership.StateAt(now), membership.OwnGoodFor, to.Losses,
            membership.ToldClaims.Digest, membership.Suspects);
        return send(frame.AsSpan(0, HeartbeatEncoder.Encode(
            header, kind is HeartbeatKind.Hello or HeartbeatKind.Heartbeat ? membership.Identity : bare, key, frame, trailer)));
    }
}
