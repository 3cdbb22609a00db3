namespace LoadBalancer.Core.Heartbeats;

/// <summary>How often frames are sent: fast enough to notice a dead node at once, rare enough not to be felt on the segment.</summary>
public static class HeartbeatSchedule
{
    /// <summary>
    /// Heartbeats one node sends in a second at most, to all peers of a link together. Checks and claims come on top. Peers that keep company
    /// in a ring get 80.
    /// </summary>
    public const int MaxHeartbeatsPerSecond = 180;

    /// <summary>Hellos on one segment in a second at most, from all nodes together: every phone on the Wi-Fi wakes up for a broadcast. Claims come on top.</summary>
    public const int MaxHellosPerSecond = 12;

    /// <summary>Missed heartbeats after which a peer is silent; half an interval more is for jitter.</summary>
    public const int MissedHeartbeats = 3;

    /// <summary>Between two heartbeats to one peer: the configured interval up to 18 peers, longer with more.</summary>
    /// <param name="configured">The interval asked for, above zero.</param>
    /// <param name="peers">The peers that get heartbeats on the link.</param>
    public static TimeSpan HeartbeatInterval(TimeSpan configured, int peers) =>
        Max(configured, TimeSpan.FromSeconds((double)peers / MaxHeartbeatsPerSecond));

    /// <summary>Between two hellos of one node on one segment: one second up to 12 nodes, longer with more.</summary>
    /// <param name="peers">The peers on the segment, the node itself not counted.</param>
    public static TimeSpan HelloInterval(int peers) =>
        Max(TimeSpan.FromSeconds(1), TimeSpan.FromSeconds((peers + 1.0) / MaxHellosPerSecond));

    /// <summary>For how long a frame is good: three intervals and a half. 350 ms for an interval of 100 ms.</summary>
    public static TimeSpan GoodFor(TimeSpan heartbeatInterval) => (MissedHeartbeats * heartbeatInterval) + (heartbeatInterval / 2);

    private static TimeSpan Max(TimeSpan a, TimeSpan b) => a > b ? a : b;
}
