using LoadBalancer.Core.Addressing;
using LoadBalancer.Core.Pools;

namespace LoadBalancer.Core.Allocation;

/// <summary>
/// Who has which address. Holds the one rule that is never broken: two Services are on one address only on terms both agree to.
/// Not safe for use by two threads at once; the state has one writer.
/// </summary>
public sealed class Allocator
{
    private readonly Dictionary<ServiceId, Holding> holdings = [];
    private readonly AddressUsers users = new();
    private readonly Dictionary<string, PoolSpace> spaces = new(StringComparer.Ordinal);
    private Dictionary<IpAddress, Exclusion> exclusions = [];

    /// <summary>The configuration in force; null until there has been a valid one.</summary>
    public PoolConfig? Config { get; private set; }

    /// <summary>The number of Services that hold an address.</summary>
    public int Count => holdings.Count;

    /// <summary>Puts a configuration in force. Nobody loses an address by this alone: the planner decides about each Service.</summary>
    public void Configure(PoolConfig config)
    {
        Config = config;
        Rebuild();
    }

    /// <summary>Replaces the set of addresses that are not given out.</summary>
    public void Exclude(IEnumerable<Exclusion> excluded)
    {
        exclusions = excluded.DistinctBy(static e => e.Address).ToDictionary(static e => e.Address);
        Rebuild();
    }

    /// <summary>What the Service has, or null.</summary>
    public Assignment? Find(ServiceId id) => holdings.GetValueOrDefault(id)?.Assignment;

    /// <summary>Whether the Service holds anything, assigned or not.</summary>
    public bool Holds(ServiceId id) => holdings.ContainsKey(id);

    /// <summary>The Services that hold the address.</summary>
    public IEnumerable<ServiceId> UsersOf(IpAddress address) => users.Of(address).Select(static user => user.Id);

    /// <summary>How full the pools of the configuration are.</summary>
    public IEnumerable<PoolUsage> Usage() =>
        spaces.Values.Select(static s => new PoolUsage(s.Pool.Name, (double)s.Pool.Size, s.InUse));

    /// <summary>
    /// Records what the Service has from now on, in place of what it had. Addresses it might still be seen with are held beside the
    /// assignment, so that nobody else gets them; those that another Service has already are not.
    /// </summary>
    /// <param name="id">The Service.</param>
    /// <param name="terms">On which terms it shares.</param>
    /// <param name="assignment">What it has, or null for nothing.</param>
    /// <param name="alsoHold">Addresses that its status shows, or may show once a write of unknown outcome lands.</param>
    /// <returns>Whether an address, or a place on one, became free.</returns>
    /// <exception cref="InvalidOperationException">Another Service has one of the addresses on terms that do not allow it.</exception>
    public bool Assign(ServiceId id, SharingTerms terms, Assignment? assignment, IEnumerable<IpAddress>? alsoHold = null) =>
        Record(id, terms, assignment, alsoHold, asShown: false);

    /// <summary>Records what the status of a Service shows and it may keep: see <see cref="AddressUsers.FindClash"/>.</summary>
    internal void Adopt(ServiceId id, SharingTerms terms, Assignment? assignment) => Record(id, terms, assignment, null, asShown: true);

    /// <summary>Its status is known to show the assignment and nothing else: what was held beside it is given back.</summary>
    /// <returns>Whether an address became free.</returns>
    public bool Settle(ServiceId id) =>
        holdings.TryGetValue(id, out var holding) && Assign(id, holding.Terms, holding.Assignment);

    /// <summary>The Service has nothing any more.</summary>
    /// <returns>Whether it had something.</returns>
    public bool Release(ServiceId id)
    {
        if (!holdings.TryGetValue(id, out var holding))
        {
            return false;
        }

        Remove(id, holding);
        return true;
    }

    /// <summary>The pool that has the address, or null.</summary>
    public Pool? PoolOf(IpAddress address) => Config?.Find(address);

    internal bool HasFamily(Pool pool, IpFamily family) => spaces[pool.Name].Has(family);

    /// <summary>Whether a Service has an address of the family from the pool.</summary>
    internal bool AnyInUse(Pool pool, IpFamily family) => spaces[pool.Name].AnyInUse(family);

    /// <summary>See <see cref="PoolSpace.WhatHolds"/>.</summary>
    internal string WhatHolds(Pool pool, IpFamily family) => spaces[pool.Name].WhatHolds(family);

    /// <summary>Why the Service cannot be on the address, or null if it can.</summary>
    internal Refusal? CheckUse(ServiceId id, SharingTerms terms, IpAddress address, bool asShown = false) =>
        users.FindClash(id, terms, address, asShown)?.Describe(address, terms);

    /// <summary>What is to be said of an address the Service shares although it would not be let on now; null if there is none.</summary>
    internal Refusal? FindApart(ServiceId id, SharingTerms terms, IReadOnlyList<IpAddress> addresses)
    {
        foreach (var address in addresses)
        {
            if (users.FindApart(id, terms, address) is { } apart)
            {
                return apart.Describe(address, terms);
            }
        }

        return null;
    }

    /// <summary>As <see cref="CheckUse"/>, for an address the Service does not have yet.</summary>
    internal Refusal? CheckGiving(ServiceId id, SharingTerms terms, IpAddress address) =>
        exclusions.TryGetValue(address, out var exclusion) && !users.Has(address, id) ? exclusion.Refusal : CheckUse(id, terms, address);

    /// <summary>An address the Service may share already, else the lowest free one.</summary>
    internal bool TryOffer(Pool pool, IpFamily family, ServiceId id, SharingTerms terms, out IpAddress address)
    {
        foreach (var candidate in users.SharedUnder(terms.SharingKey))
        {
            if (candidate.Family == family && PoolOf(candidate)?.Name == pool.Name && !exclusions.ContainsKey(candidate)
                && users.FindClash(id, terms, candidate) is null)
            {
                address = candidate;
                return true;
            }
        }

        return spaces[pool.Name].TryLowest(family, out address);
    }

    private bool Record(ServiceId id, SharingTerms terms, Assignment? assignment, IEnumerable<IpAddress>? alsoHold, bool asShown)
    {
        foreach (var address in assignment?.Addresses ?? [])
        {
            if (users.FindClash(id, terms, address, asShown) is { } clash)
            {
                throw new InvalidOperationException($"{address} cannot be given to {id}: {clash.Reason} with {clash.Other}.");
            }
        }

        var held = new List<IpAddress>(assignment?.Addresses ?? []);
        held.AddRange((alsoHold ?? []).Where(a => !held.Contains(a) && users.FindClash(id, terms, a) is null).Distinct());
        var before = holdings.GetValueOrDefault(id);
        if (before is not null)
        {
            if (Equals(before.Assignment, assignment) && before.Terms == terms && before.Held.SequenceEqual(held))
            {
                return false;
            }

            Remove(id, before);
        }

        if (held.Count > 0)
        {
            var now = new Holding(assignment, held, terms);
            holdings[id] = now;
            Add(id, now);
        }

        return before is not null && (!before.Held.All(held.Contains) || before.Terms != terms);
    }

    private PoolSpace? SpaceOf(IpAddress address) => PoolOf(address) is { } pool ? spaces[pool.Name] : null;

    private void Rebuild()
    {
        spaces.Clear();
        foreach (var pool in Config?.Pools ?? [])
        {
            spaces[pool.Name] = new PoolSpace(pool, exclusions);
        }

        foreach (var address in users.Addresses)
        {
            SpaceOf(address)?.Use(address);
        }
    }

    private void Add(ServiceId id, Holding holding)
    {
        foreach (var address in holding.Held)
        {
            if (users.Add(address, id, holding.Terms))
            {
                SpaceOf(address)?.Use(address);
            }
        }
    }

    private void Remove(ServiceId id, Holding holding)
    {
        holdings.Remove(id);
        foreach (var address in holding.Held)
        {
            if (users.Remove(address, id))
            {
                SpaceOf(address)?.Unuse(address);
            }
        }
    }

    private sealed record Holding(Assignment? Assignment, IReadOnlyList<IpAddress> Held, SharingTerms Terms);
}
