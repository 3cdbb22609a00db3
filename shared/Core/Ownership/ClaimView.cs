using System.Collections.Immutable;
using LoadBalancer.Core.Addressing;

namespace LoadBalancer.Core.Ownership;

/// <summary>
/// All that the peers of a segment claim, by VIP. Immutable; sorted by VIP when it is first looked at, by whoever looks. One that differs in a few
/// VIPs shares the rest with the one before.
/// </summary>
public sealed class ClaimView
{
    private static readonly IReadOnlySet<IpAddress> Nothing = ImmutableHashSet<IpAddress>.Empty;

    private readonly PeerClaim[] unsorted;
    private volatile ImmutableDictionary<IpAddress, PeerClaim[]>? sorted;

    // Names a view to its successor, which does not keep the view itself.
    private readonly object identity = new();
    private readonly object? former;
    private readonly IReadOnlySet<IpAddress>? changed;

    private ClaimView(PeerClaim[] claims) => unsorted = claims;

    private ClaimView(ImmutableDictionary<IpAddress, PeerClaim[]> claims, ClaimView former, IReadOnlySet<IpAddress> changed)
    {
        unsorted = [];
        sorted = claims;
        this.former = former.identity;
        this.changed = changed;
    }

    /// <summary>Nobody claims anything.</summary>
    public static ClaimView Empty { get; } = new([]);

    /// <summary>The VIPs that somebody claims.</summary>
    public IEnumerable<IpAddress> Vips => Sorted.Keys;

    private ImmutableDictionary<IpAddress, PeerClaim[]> Sorted => sorted ??= Sort(unsorted);

    /// <summary>The claims on a VIP, in the order in which they came.</summary>
    public ReadOnlySpan<PeerClaim> For(IpAddress vip) => Sorted.GetValueOrDefault(vip);

    /// <summary>A view of these claims.</summary>
    public static ClaimView Of(IEnumerable<PeerClaim> claims) => claims.ToArray() is { Length: > 0 } all ? new ClaimView(all) : Empty;

    /// <summary>This view with other claims on some VIPs.</summary>
    /// <param name="vips">Which; taken over, not to be changed any more.</param>
    /// <param name="claimsOn">All that are claimed on one of them now, in the order in which they came.</param>
    public ClaimView With(IReadOnlySet<IpAddress> vips, Func<IpAddress, PeerClaim[]> claimsOn)
    {
        var claims = Sorted.ToBuilder();
        foreach (var vip in vips)
        {
            if (claimsOn(vip) is { Length: > 0 } now)
            {
                claims[vip] = now;
            }
            else
            {
                claims.Remove(vip);
            }
        }

        return new ClaimView(claims.ToImmutable(), this, vips);
    }

    /// <summary>The VIPs on which something else may be claimed than in a view before; null if that is not known.</summary>
    public IReadOnlySet<IpAddress>? ChangedSince(ClaimView before) =>
        ReferenceEquals(this, before) ? Nothing : ReferenceEquals(former, before.identity) ? changed : null;

    private static ImmutableDictionary<IpAddress, PeerClaim[]> Sort(PeerClaim[] claims)
    {
        var sorted = ImmutableDictionary.CreateBuilder<IpAddress, PeerClaim[]>();
        foreach (var claim in claims)
        {
            sorted[claim.Claim.Vip] = sorted.TryGetValue(claim.Claim.Vip, out var others) ? [.. others, claim] : [claim];
        }

        return sorted.ToImmutable();
    }
}
