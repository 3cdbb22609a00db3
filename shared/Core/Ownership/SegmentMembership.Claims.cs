using System.Text;
using LoadBalancer.Core.Addressing;
using LoadBalancer.Core.Heartbeats;

namespace LoadBalancer.Core.Ownership;

/// <content>What the peers and this node claim. Heartbeats carry a digest of it; where that differs from what is known, it is asked for.</content>
public sealed partial class SegmentMembership
{
    private readonly HashSet<IpAddress> unsent = [];
    private ClaimView claimView = ClaimView.Empty;
    private readonly ClaimSet ownClaims = new();
    private bool claimsChanged;
    private bool mayServe;
    private bool servingTold;

    /// <summary>What this node claims, as far as it was broadcast: what its digest sums up.</summary>
    public ClaimSet ToldClaims { get; } = new();

    /// <summary>Whether there are claims of this node that were not broadcast yet.</summary>
    public bool HasUnsentClaims => unsent.Count > 0;

    /// <summary>Says what this node claims from now on; it is broadcast with the next beat.</summary>
    public void Claim(in Claim claim)
    {
        if (ownClaims.Set(claim))
        {
            unsent.Add(claim.Vip);
        }
    }


    /// <summary>Takes changed claims out to be broadcast, released ones included.</summary>
    /// <param name="claims">Receives all of one subject.</param>
    public void TakeUnsent(List<Claim> claims)
    {
        claims.Clear();
        foreach (var vip in unsent)
        {
            var claim = ownClaims[vip] ?? new Claim(vip, identity.Node, 1, ClaimKind.Released);
            if (claims.Count == 0 || claims[0].Subject == claim.Subject)
            {
                claims.Add(claim);
            }
        }
    }

    /// <summary>These were broadcast.</summary>
    public void MarkSent(ReadOnlySpan<Claim> claims)
    {
        foreach (var claim in claims)
        {
            unsent.Remove(claim.Vip);
            ToldClaims.Set(claim);
        }
    }

    /// <summary>These could not be sent after all; they are broadcast again, and whoever misses them meanwhile asks.</summary>
    public void MarkUnsent(ReadOnlySpan<Claim> claims)
    {
        foreach (var claim in claims)
        {
            unsent.Add(claim.Vip);
        }
    }

    /// <summary>A peer that waits for all claims of this node, or null; it is taken out.</summary>
    public HeartbeatTarget? TakeDump(TimeSpan now)
    {
        foreach (var peer in Peers)
        {
            if (peer.DumpDue && now >= peer.DumpAt)
            {
                peer.DumpDue = false;
                peer.Dumps = now - peer.DumpAt < timings.ClaimPatience + timings.LongestRequestInterval ? peer.Dumps + 1 : 1;
                peer.DumpAt = now + timings.RequestInterval;
                return new HeartbeatTarget(peer.Mac, peer.Boot, peer.Sequence, peer.Losses) { Dumps = peer.Dumps };
            }
        }

        return null;
    }

    /// <summary>A peer whose claims are to be asked for, or null.</summary>
    public HeartbeatTarget? TakeRequest(TimeSpan now)
    {
        foreach (var peer in Peers)
        {
            if (peer.ClaimsKnown)
            {
                peer.Requests = 0;
            }
            else if (peer.HearsUs && now >= peer.RequestAt)
            {
                peer.RequestAt = now + timings.RequestAfter(++peer.Requests);
                return new HeartbeatTarget(peer.Mac, peer.Boot, peer.Sequence, peer.Losses);
            }
        }

        return null;
    }

    private bool MayServe(TimeSpan now)
    {
        if (now < listenUntil || !Carrier || Fenced)
        {
            return false;
        }

        foreach (var peer in Peers)
        {
            if (!peer.ClaimsKnown && (peer.State & SpeakerState.HearsNothing) == 0 && now < peer.AliveSince + timings.ClaimPatience)
            {
                return false;
            }
        }

        return true;
    }

    // Overtaken by a later frame. It tells nothing about life, but a claim or a request must not get lost for that.
    private HearResult TakeLate(Peer peer, in HeartbeatFrame frame)
    {
        peer.MarkSeen(frame.Sequence);
        var changed = frame.Kind == HeartbeatKind.Claims && TakeClaims(peer, frame);
        peer.DumpDue |= frame.Kind == HeartbeatKind.ClaimRequest;
        return new HearResult(HeartbeatRefusal.None, changed, peer.DumpDue || !peer.ClaimsKnown);
    }

    private bool TakeClaims(Peer peer, in HeartbeatFrame frame)
    {
        // An older statement must not undo a newer one; what is missing then is asked for.
        if (frame.Sequence <= peer.ClaimSequence)
        {
            return false;
        }

        peer.ClaimSequence = frame.Sequence;
        var message = frame.Claims;
        var subject = message.Subject.SequenceEqual(peer.NodeBytes) ? peer.Identity.Node
            : message.Subject.SequenceEqual(ownName) ? identity.Node
            : Encoding.ASCII.GetString(message.Subject);
        if (message.IsFirst)
        {
            peer.Dump = [];
        }

        var changed = false;
        foreach (var claim in message.Read(subject))
        {
            // Only the owner can say that it owns; a deputy speaks of somebody else.
            if (claim.Kind == ClaimKind.Released || claim.Kind == ClaimKind.Deputy == (subject != peer.Identity.Node))
            {
                changed |= peer.Claims.Set(claim);
                peer.Dump?.Add(claim.Vip);
            }
        }

        if (message.IsLast && peer.Dump is { } complete)
        {
            changed |= peer.Claims.Retain(complete);
            peer.Dump = null;
        }

        claimsChanged |= changed;
        return changed;
    }

    private ClaimView ClaimsOfPeers()
    {
        if (claimsChanged)
        {
            claimsChanged = false;
            claimView = ClaimView.Of(peers.SelectMany(peer => peer.Claims.All.Select(claim => new PeerClaim(peer.Identity.Node, peer.Identity.Link, claim))));
        }

        return claimView;
    }
}
