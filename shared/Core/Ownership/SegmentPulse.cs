using LoadBalancer.Core.Addressing;
using LoadBalancer.Core.Heartbeats;

namespace LoadBalancer.Core.Ownership;

/// <summary>Takes a frame that is to be sent; the span is valid during the call only.</summary>
/// <param name="frame">From the Ethernet destination on.</param>
public delegate void FrameSink(ReadOnlySpan<byte> frame);

/// <summary>
/// Decides when this node says what on one segment, and writes the frames. Buffers are its own: sending allocates nothing. One thread
/// at a time, together with the membership it speaks for.
/// </summary>
public sealed class SegmentPulse
{
    // The first hello of a start may be lost; by the end of the listen period everybody should have answered one.
    private static readonly TimeSpan EarlyHello = TimeSpan.FromMilliseconds(200);

    private readonly SegmentMembership membership;
    private readonly SequenceCounter sequence;
    private readonly FrameSink send;
    private readonly ulong boot;
    private readonly byte[] frame = new byte[HeartbeatLayout.MaxFrame];
    private readonly HeartbeatTarget[] targets;
    private TimeSpan nextHello;
    private TimeSpan nextHeartbeat;
    private int earlyHellos = 2;
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
        nextHello = now;
        nextHeartbeat = now;
    }

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
            Send(new HeartbeatTarget(MacAddress.Broadcast, 0, 0, 0), HeartbeatKind.Hello, now, key, own);
            nextHello = now + (earlyHellos-- > 1 ? EarlyHello : HeartbeatSchedule.HelloInterval(membership.AliveCount));
            earlyHellos = Math.Max(earlyHellos, 0);
        }

        allDue = false;
        return nextHello < nextHeartbeat ? nextHello : nextHeartbeat;
    }

    private void SendHeartbeats(TimeSpan now, HeartbeatKey key, MacAddress own, bool newcomersOnly)
    {
        var count = membership.Targets(now, newcomersOnly, targets);
        for (var i = 0; i < count; i++)
        {
            Send(targets[i], HeartbeatKind.Heartbeat, now, key, own);
        }
    }

    private void Send(in HeartbeatTarget to, HeartbeatKind kind, TimeSpan now, HeartbeatKey key, MacAddress own)
    {
        var header = new HeartbeatHeader(
            kind, to.Mac, own, boot, sequence.Next(), to.HeardBoot, to.HeardSequence,
            membership.Digest, membership.AliveCount, membership.StateAt(now), membership.OwnGoodFor, to.Losses);
        send(frame.AsSpan(0, HeartbeatEncoder.Encode(header, membership.Identity, key, frame)));
    }
}
