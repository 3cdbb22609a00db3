namespace LoadBalancer.Core.Ownership;

/// <content>Whether all is as it should be, so that a look every interval is enough.</content>
public sealed partial class SegmentMembership
{
    /// <summary>
    /// Whether anything is not as it should be: <see cref="Advance"/> is to be called every 50 ms then, since what follows from a silence is found
    /// at its calls. While all is well every peer is heard, and echoes this node's frames, within an interval.
    /// </summary>
    public bool IsUneasy(TimeSpan now)
    {
        if (isBehind || Fenced || StandsDown || AsksPeers || now < listenUntil || now - heardAt > Usual(OwnGoodFor) || NeedsWitness(now) || IsSecluded)
        {
            return true;
        }

        foreach (var peer in Peers)
        {
            if (peer.OnWire && (now - peer.HeardAt > Usual(peer.GoodFor) || peer.Echo.IsStale(now, Due(peer.GoodFor > OwnGoodFor ? peer.GoodFor : OwnGoodFor))))
            {
                return true;
            }
        }

        return false;
    }

    // An interval and a little more: a frame is good for three and a half.
    private static TimeSpan Usual(TimeSpan goodFor) => new(goodFor.Ticks * 11 / 35);

    // The echo of one heartbeat has come when the next is sent, an interval later.
    private static TimeSpan Due(TimeSpan goodFor) => new(goodFor.Ticks * 9 / 35);
}
