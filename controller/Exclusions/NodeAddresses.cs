using LoadBalancer.Core.Addressing;
using LoadBalancer.Core.Allocation;
using LoadBalancer.Kubernetes.Resources;

namespace LoadBalancer.Controller.Exclusions;

/// <summary>What the Nodes rule out for Services: the addresses they list that are their own. From any thread.</summary>
internal sealed class NodeAddresses(ControllerStores stores)
{
    private readonly Lock gate = new();
    private readonly ListedAddresses listed = new();

    /// <summary>What a Node rules out; nothing if it is gone.</summary>
    public Exclusion[] Of(ObjectKey key)
    {
        lock (gate)
        {
            if (stores.Nodes.Get(key) is not { } node)
            {
                listed.Retain(name => name != key.Name);
                return [];
            }

            var own = listed.OwnOf(key.Name, IpAddress.ParseAll(node.Addresses), InUse, stores.Services.HasSynced);
            return [.. NodeExclusions.OfAddresses(key.Name, own)];
        }
    }

    private HashSet<IpAddress> InUse() =>
        [.. IpAddress.ParseAll(stores.Services.All().SelectMany(static service => service.Ingress).Select(static ingress => ingress.Ip))];
}
