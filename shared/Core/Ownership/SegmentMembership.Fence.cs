using LoadBalancer.Core.Heartbeats;

namespace LoadBalancer.Core.Ownership;

/// <content>Whether this node may answer for what is its own: not before it knows what became of that while it heard nothing or stood still.</content>
public sealed partial class SegmentMembership
{
    private TimeSpan? fencedSince;
    private bool serving;

    /// <summary>Whether this node answers for what it claims. Set when its ownership was decided, cleared with the carrier.</summary>
    public bool Serving
    {
        get => serving;
        set => serving = value && Carrier;
    }

    /// <summary>
    /// Whether this process stood still for so long that the peers may have taken over, and has not yet heard from all of them. It must
    /// answer nothing meanwhile.
    /// </summary>
    public bool Fenced => fencedSince is not null;

    private bool MayServe(TimeSpan now)
    {
        if (now < listenUntil || !Carrier || Fenced)
        {
            return false;
        }

        foreach (var peer in Peers)
        {
            if (IsToBeAsked(peer) && !peer.Says(SpeakerState.HearsNothing) && now < peer.OnWireSince + timings.ClaimPatience)
            {
                return false;
            }
        }

        return true;
    }

    private bool LiftFence(TimeSpan now)
    {
        if (fencedSince is not { } since)
        {
            return false;
        }

        if (now < listenUntil || MissesWitness(now) || IsSecluded)
        {
            return false;
        }

        if (now < since + timings.ClaimPatience)
        {
            foreach (var peer in Peers)
            {
                if (peer is { OnWire: true, Near: true } && (peer.HeardAt < since || !peer.ClaimsKnown))
                {
                    return false;
                }
            }
        }

        fencedSince = null;
        StandsDown = false;
        return true;
    }
}
