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

    /// <summary>The digest of the claims on some VIPs alone; one without a claim counts for nothing.</summary>
    public ulong DigestOf(IEnumerable<IpAddress> vips)
    {
        var digest = 0UL;
        foreach (var vip in vips)
        {
            digest ^= claims.TryGetValue(vip, out var claim) ? Mix(claim) : 0;
        }

        return digest;
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
