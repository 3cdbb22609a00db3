using LoadBalancer.Core.Allocation;
using LoadBalancer.Kubernetes.Facts;
using LoadBalancer.Kubernetes.Leases;
using LoadBalancer.Kubernetes.Resources;

namespace LoadBalancer.Controller.Exclusions;

/// <summary>
/// The addresses that are given to no Service, from what Nodes and the speakers' Leases say. A Lease that is no longer renewed counts
/// too: the node may come back, and with it its address. It goes with its Node. What a Lease says of other hosts counts while it is renewed:
/// nobody looks after it any more.
/// </summary>
internal sealed class ExclusionSource
{
    private readonly ControllerStores stores;
    private readonly Func<ObjectKey, bool> isRenewed;
    private readonly NodeAddresses nodes;
    private readonly Lock gate = new();
    private readonly Dictionary<(Origin Origin, ObjectKey Key), Exclusion[]> byOrigin = [];
    private IReadOnlyList<Exclusion>? current = [];

    /// <param name="stores">Where Nodes and Leases are read.</param>
    /// <param name="isRenewed">Whether a Lease was renewed lately.</param>
    public ExclusionSource(ControllerStores stores, Func<ObjectKey, bool> isRenewed)
    {
        this.stores = stores;
        this.isRenewed = isRenewed;
        nodes = new NodeAddresses(stores);
        stores.Nodes.Changed += key => Take(Origin.Node, key, nodes.Of(key));
        stores.Leases.Changed += key =>
        {
            Take(Origin.Lease, key, stores.Leases.Get(key) is { } lease ? LeaseExclusions.Of(lease) : []);
            TakeQuarantines();
        };
        Synced = SyncAsync();
    }

    private enum Origin
    {
        Node,
        Lease,
        Quarantine,
    }

    /// <summary>Raised after <see cref="Current"/> changed, on a reflector's task; renewals of Leases and heartbeats of Nodes raise nothing.</summary>
    public event Action? Changed;

    /// <summary>Completes once Nodes, Leases and Services have been listed.</summary>
    public Task Synced { get; }

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

    // Nodes may be listed before the Services whose addresses they show.
    private async Task SyncAsync()
    {
        await Task.WhenAll(stores.Services.Synced, stores.Nodes.Synced, stores.Leases.Synced).ConfigureAwait(false);
        foreach (var node in stores.Nodes.All())
        {
            Take(Origin.Node, node.Key, nodes.Of(node.Key));
        }
    }

    // All Leases with each change: that one is not renewed any more shows in the renewals of the others. While none is renewed nothing is
    // announced either, and nobody is the worse for an address that is passed over.
    private void TakeQuarantines()
    {
        ObjectKey[] known;
        lock (gate)
        {
            known = [.. byOrigin.Keys.Where(static entry => entry.Origin == Origin.Quarantine).Select(static entry => entry.Key)];
        }

        var telling = stores.Leases.All().Where(static lease => lease.Annotations.GetValueOrDefault(StrangerAnnotations.Taken, "").Length > 0);
        foreach (var key in known.Union(telling.Select(static lease => lease.Key)))
        {
            Take(Origin.Quarantine, key, stores.Leases.Get(key) is { } lease && isRenewed(key) ? LeaseExclusions.QuarantinedBy(lease) : []);
        }
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
