using LoadBalancer.Core.Addressing;
using LoadBalancer.Core.Pools;

namespace LoadBalancer.Core.Allocation;

/// <summary>
/// Which Services are on which address, on which terms. All users of an address have one sharing key, or there is one user.
/// </summary>
internal sealed class AddressUsers
{
    private readonly Dictionary<IpAddress, List<User>> byAddress = [];
    private readonly Dictionary<string, SortedSet<IpAddress>> bySharingKey = new(StringComparer.Ordinal);

    public IEnumerable<IpAddress> Addresses => byAddress.Keys;

    public IEnumerable<User> Of(IpAddress address) => byAddress.TryGetValue(address, out var users) ? users : [];

    public bool Has(IpAddress address, ServiceId id) => byAddress.TryGetValue(address, out var users) && users.Exists(u => u.Id == id);

    /// <summary>The addresses in use under a sharing key, ascending; none for the empty key.</summary>
    public IEnumerable<IpAddress> SharedUnder(string sharingKey) =>
        sharingKey.Length > 0 && bySharingKey.TryGetValue(sharingKey, out var addresses) ? addresses : [];

    /// <summary>
    /// The first other user of the address that the Service cannot be beside, or null. One that has other pods is no obstacle to a Service
    /// that is on the address with the pods it has now: it was let on when that was not looked at, and works as far as it does.
    /// </summary>
    /// <param name="id">The Service.</param>
    /// <param name="terms">Its terms.</param>
    /// <param name="address">The address.</param>
    /// <param name="asShown">Whether its status shows the address, and it is taken over as it is.</param>
    public Clash? FindClash(ServiceId id, SharingTerms terms, IpAddress address, bool asShown = false)
    {
        if (!byAddress.TryGetValue(address, out var users))
        {
            return null;
        }

        var whateverBackend = asShown || users.Exists(user => user.Id == id && user.Terms.Backend == terms.Backend);
        foreach (var user in users)
        {
            if (user.Id != id && terms.Clash(user.Terms, out var port, whateverBackend) is { } reason)
            {
                return new Clash(reason, user.Id, user.Terms, port);
            }
        }

        return null;
    }

    /// <summary>The first other user of the address that has other pods, or null.</summary>
    public Clash? FindApart(ServiceId id, SharingTerms terms, IpAddress address)
    {
        foreach (var user in Of(address))
        {
            if (user.Id != id && user.Terms.Backend != terms.Backend)
            {
                return new Clash(AllocationReason.SharedWithOtherPods, user.Id, user.Terms, default);
            }
        }

        return null;
    }

    /// <returns>Whether it is the first user.</returns>
    public bool Add(IpAddress address, ServiceId id, SharingTerms terms)
    {
        var isFirst = !byAddress.TryGetValue(address, out var users);
        users ??= byAddress[address] = new List<User>(1);
        users.Add(new User(id, terms));
        if (terms.SharingKey.Length > 0)
        {
            if (!bySharingKey.TryGetValue(terms.SharingKey, out var addresses))
            {
                bySharingKey[terms.SharingKey] = addresses = [];
            }

            addresses.Add(address);
        }

        return isFirst;
    }

    /// <returns>Whether it was the last user.</returns>
    public bool Remove(IpAddress address, ServiceId id)
    {
        var users = byAddress[address];
        var index = users.FindIndex(u => u.Id == id);
        var key = users[index].Terms.SharingKey;
        users.RemoveAt(index);
        if (key.Length > 0 && !users.Exists(u => u.Terms.SharingKey == key))
        {
            var addresses = bySharingKey[key];
            addresses.Remove(address);
            if (addresses.Count == 0)
            {
                bySharingKey.Remove(key);
            }
        }

        return users.Count == 0 && byAddress.Remove(address);
    }

    public readonly record struct User(ServiceId Id, SharingTerms Terms);

    public readonly record struct Clash(AllocationReason Reason, ServiceId Other, SharingTerms Theirs, PortUse Port)
    {
        public Refusal Describe(IpAddress address, SharingTerms mine) => new(Reason, Reason switch
        {
            AllocationReason.SharingKeyDiffers =>
                $"{address} is used by Service {Other} under the sharing key '{InvisibleCharacters.Show(Theirs.SharingKey)}', "
                + $"this Service's is '{InvisibleCharacters.Show(mine.SharingKey)}'; "
                + "give both the same metallb.io/allow-shared-ip annotation",
            AllocationReason.SharingBackendDiffers =>
                $"{address} is shared with Service {Other} ({Theirs.Backend}), and this Service has {mine.Backend}: under Local the one node that "
                + "has the address needs the pods of both, so only the same namespace and the same spec.selector go together; "
                + "use externalTrafficPolicy: Cluster for both, or another address",
            AllocationReason.SharedWithOtherPods =>
                $"{address} is shared with Service {Other} ({Theirs.Backend}), and this Service has {mine.Backend}: the node that has the address "
                + "may have no pods of one of the two, whose requests are lost then. It has been so before and is left so; give one of the two "
                + "another address, or both externalTrafficPolicy: Cluster",
            AllocationReason.SharingPortTaken =>
                $"{address} is shared with Service {Other}, which has port {Port} too; give one of the two another port or another address",
            _ =>
                $"{address} is used by Service {Other}; choose another address, or give both Services different ports and the same "
                + "metallb.io/allow-shared-ip annotation",
        });
    }
}
