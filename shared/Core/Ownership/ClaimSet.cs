using LoadBalancer.Core.Addressing;
using LoadBalancer.Core.Heartbeats;

namespace LoadBalancer.Core.Ownership;

/// <summary>All that one node claims on a segment, at most one claim a VIP. One thread at a time.</summary>
public sealed class ClaimSet
{
    private readonly Dictionary<IpAddress, Claim> claims = [];

    /// <summary>The claims.</summary>
    public IReadOnlyCollection<Claim> All => claims.Values;

    /// <summary>
    /// XOR of a 64-bit mix of each claim; 0 for none. Equal sets have equal digests, and heartbeats carry it: a claim that got lost is
    /// noticed with the next heartbeat and asked for. It guards against loss, not against forgery, which the signature does.
    /// </summary>
    public ulong Digest { get; private set; }

    /// <summary>The claim on a VIP, or null.</summary>
    public Claim? this[IpAddress vip] => claims.TryGetValue(vip, out var claim) ? claim : null;

    /// <summary>Takes a claim in, in place of the former on the same VIP; a released one is removed.</summary>
    /// <returns>Whether that changed anything.</returns>
    public bool Set(in Claim claim)
    {
        var known = claims.TryGetValue(claim.Vip, out var former);
        if (claim.Kind == ClaimKind.Released)
        {
            return known && Remove(claim.Vip);
        }

        if (known && former == claim)
        {
            return false;
        }

        Digest ^= Mix(claim) ^ (known ? Mix(former) : 0);
        claims[claim.Vip] = claim;
        return true;
    }

    /// <summary>Removes the claim on a VIP.</summary>
    public bool Remove(IpAddress vip)
    {
        if (!claims.Remove(vip, out var former))
        {
            return false;
        }

        Digest ^= Mix(former);
        return true;
    }

    /// <summary>Removes all that are not in a set of VIPs.</summary>
    public bool Retain(IReadOnlySet<IpAddress> vips)
    {
        var changed = false;
        foreach (var vip in claims.Keys)
        {
            changed |= !vips.Contains(vip) && Remove(vip);
        }

        return changed;
    }

    /// <summary>Removes those in place of another node.</summary>
    public bool RemoveDeputies()
    {
        var changed = false;
        foreach (var claim in claims.Values)
        {
            changed |= claim.Kind == ClaimKind.Deputy && Remove(claim.Vip);
        }

        return changed;
    }

    /// <summary>Removes all.</summary>
    public bool Clear()
    {
        var any = claims.Count > 0;
        claims.Clear();
        Digest = 0;
        return any;
    }

    private static ulong Mix(in Claim claim)
    {
        // FNV-1a over the subject, then the finalizer of SplitMix64 over each further number: the same on every node and run.
        var hash = 0xcbf29ce484222325UL;
        foreach (var c in claim.Subject)
        {
            hash = (hash ^ c) * 0x100000001b3UL;
        }

        hash = Finalize(hash ^ (ulong)claim.Kind);
        hash = Finalize(hash ^ claim.Term);
        hash = Finalize(hash ^ (ulong)claim.Vip.Family);
        hash = Finalize(hash ^ (ulong)(claim.Vip.Value >> 64));
        return Finalize(hash ^ (ulong)claim.Vip.Value);
    }

    private static ulong Finalize(ulong z)
    {
        z += 0x9e3779b97f4a7c15UL;
        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9UL;
        z = (z ^ (z >> 27)) * 0x94d049bb133111ebUL;
        return z ^ (z >> 31);
    }
}

/// <summary>A claim and who made it.</summary>
/// <param name="Claimant">The node that answers.</param>
/// <param name="Link">The interface on which it says so.</param>
/// <param name="Claim">The claim.</param>
public readonly record struct PeerClaim(string Claimant, string Link, Claim Claim);

/// <summary>All that the peers of a segment claim, by VIP. Immutable; sorted by VIP when it is first looked at, by whoever looks.</summary>
public sealed class ClaimView
{
    private readonly PeerClaim[] claims;
    private volatile Index? index;

    private ClaimView(PeerClaim[] claims) => this.claims = claims;

    /// <summary>Nobody claims anything.</summary>
    public static ClaimView Empty { get; } = new([]);

    /// <summary>The VIPs that somebody claims.</summary>
    public IReadOnlyCollection<IpAddress> Vips => Sorted.Places.Keys;

    private Index Sorted => index ??= new Index(claims);

    /// <summary>The claims on a VIP.</summary>
    public ReadOnlySpan<PeerClaim> For(IpAddress vip) =>
        Sorted is var sorted && sorted.Places.TryGetValue(vip, out var place) ? sorted.Claims.AsSpan(place.First, place.Count) : default;

    /// <summary>A view of these claims.</summary>
    public static ClaimView Of(IEnumerable<PeerClaim> claims) => claims.ToArray() is { Length: > 0 } all ? new ClaimView(all) : Empty;

    /// <summary>The claims with those on one VIP side by side, in the order in which they came.</summary>
    private sealed class Index
    {
        public Index(PeerClaim[] claims)
        {
            Places = new Dictionary<IpAddress, (int First, int Count)>(claims.Length);
            foreach (var claim in claims)
            {
                System.Runtime.InteropServices.CollectionsMarshal.GetValueRefOrAddDefault(Places, claim.Claim.Vip, out _).Count++;
            }

            var first = 0;
            Claims = new PeerClaim[claims.Length];
            foreach (var claim in claims)
            {
                ref var place = ref System.Runtime.InteropServices.CollectionsMarshal.GetValueRefOrAddDefault(Places, claim.Claim.Vip, out _);
                if (place.First == 0)
                {
                    // Until all are placed: where the next one goes, plus one.
                    (place.First, first) = (first + 1, first + place.Count);
                }

                Claims[place.First++ - 1] = claim;
            }

            foreach (var vip in Places.Keys)
            {
                ref var place = ref System.Runtime.InteropServices.CollectionsMarshal.GetValueRefOrNullRef(Places, vip);
                place.First -= place.Count + 1;
            }
        }

        public PeerClaim[] Claims { get; }

        public Dictionary<IpAddress, (int First, int Count)> Places { get; }
    }
}
