using LoadBalancer.Core.Addressing;
using LoadBalancer.Core.Allocation;
using LoadBalancer.Kubernetes.Leases;
using LoadBalancer.Kubernetes.Resources;

namespace LoadBalancer.Controller.Exclusions;

/// <summary>
/// The addresses that are given to no Service, from what Nodes and the speakers' Leases say. A Lease that is no longer renewed counts
/// too: the node may come back, and with it its address. It goes with its Node.
/// </summary>
internal sealed class ExclusionSource
{
    private readonly ControllerStores stores;
    private readonly Lock gate = new();
    private readonly Dictionary<(Origin Origin, ObjectKey Key), Exclusion[]> byOrigin = [];
    private IReadOnlyList<Exclusion>? current = [];

    /// <param name="stores">Where Nodes and Leases are read.</param>
    public ExclusionSource(ControllerStores stores)
    {
        this.stores = stores;
        stores.Nodes.Changed += key => Take(Origin.Node, key, stores.Nodes.Get(key) is { } node ? Of(node) : []);
        stores.Leases.Changed += key => Take(Origin.Lease, key, stores.Leases.Get(key) is { } lease ? Of(lease) : []);
    }

    private enum Origin
    {
        Node,
        Lease,
    }

    /// <summary>Raised after <see cref="Current"/> changed, on a reflector's task; renewals of Leases and heartbeats of Nodes raise nothing.</summary>
    public event Action? Changed;

    /// <summary>Completes once Nodes and Leases have been listed.</summary>
    public Task Synced => Task.WhenAll(stores.Nodes.Synced, stores.Leases.Synced);

    /// <summary>The exclusions, each address once, ascending; the reason that weighs most where there are several.</summary>
    public IReadOnlyList<Exclusion> Current
    {
        get
        {
            lock (gate)
            {
                return current ??=
                [
                    .. byOrigin.Values.SelectMany(static exclusions => exclusions)
                        .OrderBy(static e => e.Address).ThenBy(static e => e.Kind).ThenBy(static e => e.Detail, StringComparer.Ordinal)
                        .DistinctBy(static e => e.Address),
                ];
            }
        }
    }

    private static Exclusion[] Of(NodeResource node)
    {
        var addresses = new List<IpAddress>(node.Addresses.Count);
        foreach (var text in node.Addresses)
        {
            if (IpAddress.TryParse(text, out var address))
            {
                addresses.Add(address);
            }
        }

        return [.. NodeExclusions.OfAddresses(node.Key.Name, addresses)];
    }

    private static Exclusion[] Of(LeaseResource lease)
    {
        var prefixes = SpeakerAnnotations.LinksOf(lease).SelectMany(static link => link.Prefixes).ToArray();
        return
        [
            .. NodeExclusions.OfAddresses(lease.Key.Name, prefixes.Select(static prefix => prefix.Address)),
            .. NodeExclusions.OfGateways(lease.Key.Name, SpeakerAnnotations.GatewaysOf(lease)),
            .. NodeExclusions.OfSubnets(prefixes),
        ];
    }

    private void Take(Origin origin, ObjectKey key, Exclusion[] now)
    {
        lock (gate)
        {
            if (now.AsSpan().SequenceEqual(byOrigin.GetValueOrDefault((origin, key), [])))
            {
                return;
            }

            if (now.Length > 0)
            {
                byOrigin[(origin, key)] = now;
            }
            else
            {
                byOrigin.Remove((origin, key));
            }

            current = null;
        }

        Changed?.Invoke();
    }
}
