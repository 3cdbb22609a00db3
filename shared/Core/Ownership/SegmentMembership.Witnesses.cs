using LoadBalancer.Core.Addressing;

namespace LoadBalancer.Core.Ownership;

/// <content>Hosts that are no speakers are asked whether this node hears at all.</content>
public sealed partial class SegmentMembership
{
    private readonly Witnesses witnesses = new();
    private TimeSpan witnessDue;
    private TimeSpan witnessAskedAt = -TimeSpan.MaxValue;
    private TimeSpan urgentDue;
    private TimeSpan? routineAskedAt;
    private TimeSpan gatewaysDue;

    /// <summary>The routers of the link's subnets: they are asked for, to be witnesses. Others are met as they speak.</summary>
    public IReadOnlyList<IpAddress> Gateways { get; set; } = [];

    /// <summary>Whether a host that speaks is of interest as a witness.</summary>
    public bool WantsWitness(TimeSpan now) => witnesses.WantsMore(now);

    /// <summary>A host says that it has an address, by an answer or by asking. Those of the link's subnets that are no peers are witnesses.</summary>
    /// <returns>Whether <see cref="View"/> changed.</returns>
    public bool HearHost(MacAddress mac, IpAddress address, TimeSpan now, bool answers = true)
    {
        NoteArrival(now);
        if (mac.IsGroup || mac.Value == 0 || !IsHere(address) || IsPeer(mac))
        {
            return false;
        }

        var known = witnesses.Count;
        var answered = witnesses.Hear(mac, address, now, answers);
        if (!answered)
        {
            // Who is new is asked at once: it must have answered, to be missed. Many that begin at the same time are soon known as peers.
            witnessDue = witnesses.Count > known ? witnessAskedAt + timings.CheckInterval : witnessDue;
            return false;
        }

        // To who is left alone it shows that the others are gone.
        var changed = AliveCount == 0;
        foreach (var peer in Peers)
        {
            changed |= Follow(peer, now);
        }

        return changed;
    }

    private int AskWitnesses(TimeSpan now, Span<CheckTarget> targets)
    {
        if (NeedsWitness(now))
        {
            if (now < urgentDue)
            {
                return 0;
            }

            witnessAskedSince ??= witnesses.Count > 0 ? now : null;
            urgentDue = now + (StandsDown ? timings.SlowCheckInterval : timings.CheckInterval);
            routineAskedAt = null;
            return witnesses.AskAll(now, targets);
        }

        if (now < witnessDue || peers.Count == 0 || targets.IsEmpty)
        {
            return 0;
        }

        var count = 0;
        witnessDue = now + timings.WitnessInterval;
        witnessAskedAt = now;
        if (witnesses.Count > 0)
        {
            targets[count++] = witnesses.AskOne(now);
            routineAskedAt ??= now;
        }

        return count + AskForGateways(now, targets[count..]);
    }

    private bool NeedsWitness(TimeSpan now)
    {
        var peersSilentFor = now - peerHeardAt;
        if (HadCompany && (now - heardAt >= QuietAfter || (peersSilentFor >= QuietAfter && peersSilentFor < CompanyFor)))
        {
            return true;
        }

        // The one asked in turn may have been switched off, which says nothing about this node.
        if (now - routineAskedAt >= timings.CheckInterval)
        {
            return true;
        }

        foreach (var peer in Peers)
        {
            if (SaysItIsDeaf(peer, now) && IsInDoubt(peer, now))
            {
                return true;
            }
        }

        return WantsProofOfItself(now);
    }

    // Until a witness has shown which of the two does not hear; one that has not for long will not.
    private bool IsInDoubt(Peer deaf, TimeSpan now) =>
        !(witnesses.AnsweredAt >= deaf.Kernel.Since) && !(now - deaf.Kernel.Since > timings.StandDownAfter);

    // Those of which nothing was heard yet, by broadcast; seldom, they may be no more. Where nodes route each other's pods each is a gateway
    // of all others: that they are peers is known.
    private int AskForGateways(TimeSpan now, Span<CheckTarget> targets)
    {
        if (now < gatewaysDue)
        {
            return 0;
        }

        gatewaysDue = now + (6 * timings.WitnessInterval);
        var count = 0;
        foreach (var gateway in Gateways)
        {
            if (count < targets.Length && IsHere(gateway) && !witnesses.Knows(gateway) && !IsPeer(gateway))
            {
                targets[count++] = new CheckTarget(MacAddress.Broadcast, gateway, Broadcast: true);
            }
        }

        return count;
    }

    private TimeSpan WitnessDue(TimeSpan now) => NeedsWitness(now) ? urgentDue : witnessDue > now ? witnessDue : TimeSpan.MaxValue;

    private bool IsHere(IpAddress address)
    {
        foreach (var prefix in identity.Prefixes)
        {
            if (prefix.Contains(address))
            {
                return true;
            }
        }

        return false;
    }

    private bool IsPeer(IpAddress address)
    {
        foreach (var peer in Peers)
        {
            if (peer.IsKnown && peer.Has(address))
            {
                return true;
            }
        }

        return false;
    }

    private bool IsPeer(MacAddress mac)
    {
        foreach (var peer in Peers)
        {
            if (peer.Mac == mac)
            {
                return true;
            }
        }

        return false;
    }
}
