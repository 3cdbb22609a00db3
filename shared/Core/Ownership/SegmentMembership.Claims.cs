using LoadBalancer.Core.Addressing;
using LoadBalancer.Core.Heartbeats;

namespace LoadBalancer.Core.Ownership;

/// <content>What the peers and this node claim. Heartbeats carry a digest of it; where that differs from what is known, it is asked for.</content>
public sealed partial class SegmentMembership
{
    private readonly HashSet<IpAddress> unsent = [];
    private ClaimView claimView = ClaimView.Empty;
    private readonly ClaimChanges claimChanges = new();
    private bool mayServe;

    /// <summary>What this node claims, whether it was broadcast yet or not: what its digest sums up, and who asks is told.</summary>
    public ClaimSet OwnClaims { get; } = new();

    /// <summary>Whether there are claims of this node that were not broadcast yet.</summary>
    public bool HasUnsentClaims => unsent.Count > 0;

    /// <summary>Says what this node claims from now on; it is broadcast with the next beat.</summary>
    public void Claim(in Claim claim)
    {
        if (OwnClaims.Set(claim))
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
            var claim = OwnClaims[vip] ?? new Claim(vip, identity.Node, 1, ClaimKind.Released);
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
            if (peer.Claims.TakeDump(now, timings, out var dumps))
            {
                return TargetOf(peer) with { Dumps = dumps };
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
                peer.Claims.EndRequests();
            }
            else if (IsToBeAsked(peer) && peer.Echo.HearsUs && !IsOverdue(peer, now) && peer.Claims.TakeRequest(now, timings))
            {
                return TargetOf(peer);
            }
        }

        return null;
    }

    // Its answer would not be heard, and the next request come the later for it.
    private static bool IsOverdue(Peer peer, TimeSpan now) => peer.Near && now >= LastSign(peer) + SuspectAfter(peer.GoodFor);

    // What is on its way to everybody need not be asked for, except by one that answers nothing before it knows.
    private bool IsToBeAsked(Peer peer) => !peer.ClaimsKnown && (!peer.Tells || !Serving || Fenced);

    // Overtaken by a later frame. It tells nothing about life, but a claim or a request must not get lost for that.
    private HearResult TakeLate(Peer peer, in HeartbeatFrame frame)
    {
        peer.Run.MarkSeen(frame.Sequence);
        var changed = TakeClaims(peer, frame);
        return new HearResult(HeartbeatRefusal.None, changed, peer.Claims.DumpDue || IsToBeAsked(peer));
    }

    private bool TakeClaims(Peer peer, in HeartbeatFrame frame)
    {
        peer.Claims.DumpDue |= frame.Kind == HeartbeatKind.ClaimRequest;
        return frame.Kind == HeartbeatKind.Claims && peer.Claims.Take(frame, peer, ownName, identity.Node, claimChanges);
    }

    private ClaimView ClaimsOfPeers()
    {
        if (claimChanges.IsAll)
        {
            _ = claimChanges.Take();
            claimView = ClaimView.Of(peers.SelectMany(peer => peer.Claims.Known.All.Select(claim => Of(peer, claim))));
        }
        else if (claimChanges.Any)
        {
            claimView = claimView.With(claimChanges.Take(), ClaimsOn);
        }

        return claimView;
    }

    private PeerClaim[] ClaimsOn(IpAddress vip)
    {
        var count = 0;
        foreach (var peer in Peers)
        {
            count += peer.Claims.Known[vip] is null ? 0 : 1;
        }

        var claims = new PeerClaim[count];
        foreach (var peer in Peers)
        {
            if (peer.Claims.Known[vip] is { } claim)
            {
                claims[^count--] = Of(peer, claim);
            }
        }

        return claims;
    }

    private static PeerClaim Of(Peer peer, in Claim claim) => new(peer.Identity.Node, peer.Identity.Link, claim);
}
