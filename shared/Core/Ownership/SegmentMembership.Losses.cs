using LoadBalancer.Core.Heartbeats;

namespace LoadBalancer.Core.Ownership;

/// <content>What a silence is put down to: the peer, this node, or a process that stood still; and how long who was lost holds back.</content>
public sealed partial class SegmentMembership
{
    private const int StallsExcusedInSilence = 3;

    private TimeSpan holdUntil;
    private TimeSpan lastLook;
    private int ownLosses;

    // The peers count how often they lost this node; it draws the consequence itself, so that all of them agree on it.
    private void ListenToLosses(Peer teller, int told, TimeSpan now)
    {
        if (told == teller.LossesTold)
        {
            return;
        }

        teller.LossesTold = told;
        var most = 0;
        foreach (var peer in Peers)
        {
            most = Math.Max(most, peer.LossesTold);
        }

        if (most > ownLosses)
        {
            Hold(now, most);
        }

        ownLosses = most;
    }

    private void Hold(TimeSpan now, int losses)
    {
        var until = now + timings.HoldFor(losses);
        holdUntil = until > holdUntil ? until : holdUntil;
    }

    // At each frame and each look at the clock, whichever comes first after the stall.
    private void Look(TimeSpan now)
    {
        if (now - lastLook > timings.Stall)
        {
            CompensateStall(lastLook, now);
        }

        lastLook = now;
    }

    private void CompensateStall(TimeSpan since, TimeSpan now)
    {
        var gap = now - since;
        Stalls++;

        // Nothing was heard meanwhile. On a machine that is late every time it comes to an end, too.
        if (since < listenUntil)
        {
            listenUntil = listenUntil + gap < listenAtMost ? listenUntil + gap : listenAtMost;
        }

        ExcuseHearing(since, gap);
        secludedNotBefore = now + OwnGoodFor;
        foreach (var peer in Peers)
        {
            // Whose frame was read after the stall lost no time by it. And a process that is late every time must find a dead peer too.
            if (peer.HeardAt <= since && peer.StallsExcused < StallsExcusedInSilence)
            {
                peer.ExpiresAt += peer.OnWire ? gap : TimeSpan.Zero;
                peer.Kernel.Excuse(since, gap);
                peer.Rumor.Excuse(gap);
                peer.StallsExcused++;
            }
        }
    }

    private bool IsToBlame(Peer lost) => Carrier && !lost.Says(SpeakerState.Leaving) && IsItsOwnFault(lost);

    // Who loses several peers in one breath was probably cut off itself and must not blame them.
    private bool IsItsOwnFault(Peer lost)
    {
        var onlyOne = true;
        foreach (var other in Peers)
        {
            if (other.NameHash == lost.NameHash)
            {
                continue;
            }

            if (other.OnWire && other.HeardAt > lost.HeardAt + (lost.GoodFor / 2))
            {
                return true;
            }

            // A peer that was gone before this one was last heard says nothing about the moment.
            onlyOne &= !other.OnWire && other.ExpiresAt <= lost.HeardAt;
        }

        return onlyOne;
    }
}
