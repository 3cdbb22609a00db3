using LoadBalancer.Core.Addressing;

namespace LoadBalancer.Core.Allocation;

/// <summary>What a Service has, or claims to have by its status, as far as it may keep it.</summary>
/// <param name="Addresses">At most one of each wanted family, the preferred family first.</param>
/// <param name="Lost">Why the first of the others cannot be kept; null if there are no others.</param>
internal sealed record CurrentAddresses(IReadOnlyList<IpAddress> Addresses, Refusal? Lost)
{
    public Assignment? Assignment => Addresses.Count == 0 ? null : new Assignment(Addresses);

    public IpAddress? Of(IpFamily family)
    {
        foreach (var address in Addresses)
        {
            if (address.Family == family)
            {
                return address;
            }
        }

        return null;
    }

    /// <summary>Judges what the allocator holds for the Service; if that is nothing, what its status shows.</summary>
    public static CurrentAddresses Judge(ServiceFacts facts, IReadOnlyList<IpFamily> wanted, Allocator allocator, bool asShown = false)
    {
        var candidates = allocator.Find(facts.Id)?.Addresses ?? facts.ShownAddresses;
        Refusal? lost = null;
        var kept = new List<IpAddress>(wanted.Count);
        foreach (var address in candidates.OrderBy(a => RankOf(wanted, a.Family)))
        {
            var refusal = JudgeOne(facts, wanted, allocator, address, kept, asShown);
            if (refusal is null)
            {
                kept.Add(address);
            }

            lost ??= refusal;
        }

        return new CurrentAddresses(kept, lost);
    }

    private static int RankOf(IReadOnlyList<IpFamily> wanted, IpFamily family)
    {
        for (var i = 0; i < wanted.Count; i++)
        {
            if (wanted[i] == family)
            {
                return i;
            }
        }

        return int.MaxValue;
    }

    private static Refusal? JudgeOne(
        ServiceFacts facts, IReadOnlyList<IpFamily> wanted, Allocator allocator, IpAddress address, List<IpAddress> kept,
        bool asShown)
    {
        if (!wanted.Contains(address.Family))
        {
            return Refusals.FamilyNotWanted(address, wanted);
        }

        if (allocator.PoolOf(address) is not { } itsPool)
        {
            return Refusals.NoLongerInAnyPool(address);
        }

        if (itsPool.Avoids(address))
        {
            return Refusals.Avoided(address, itsPool.Name);
        }

        if (!itsPool.Admits(facts))
        {
            return Refusals.PoolNotForService(itsPool.Name, facts.Id);
        }

        if (kept.Exists(other => other.Family == address.Family))
        {
            return Refusals.StatusAltered(facts);
        }

        return allocator.CheckUse(facts.Id, facts.Sharing, address, asShown);
    }
}
