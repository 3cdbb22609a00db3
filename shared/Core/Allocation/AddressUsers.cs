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

    /// <summary>The first other user of the address that the Service cannot be beside, or null.</summary>
    public Clash? FindClash(ServiceId id, SharingTerms terms, IpAddress address)
    {
        if (!byAddress.TryGetValue(address, out var users))
        {
            return null;
        }

        foreach (var user in users)
        {
            if (user.Id != id && terms.Clash(user.Terms, out var port) is { } reason)
            {
                return new Clash(reason, user.Id, user.Terms, port);
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
                $"{address} is shared with Service {Other}, which has another externalTrafficPolicy or, under Local, another "
                + "spec.selector; make them equal, or use externalTrafficPolicy: Cluster for both",
            AllocationReason.SharingPortTaken =>
                $"{address} is shared with Service {Other}, which has port {Port} too; give one of the two another port or another address",
            _ =>
                $"{address} is used by Service {Other}; choose another address, or give both Services different ports and the same "
                + "metallb.io/allow-shared-ip annotation",
        });
    }
}
