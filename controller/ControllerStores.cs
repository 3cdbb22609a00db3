using System.Collections.ObjectModel;
using LoadBalancer.Kubernetes.ListWatch;
using LoadBalancer.Kubernetes.Resources;

namespace LoadBalancer.Controller;

/// <summary>What the controller knows of the cluster.</summary>
/// <param name="Services">All Services.</param>
/// <param name="Namespaces">All namespaces; pools select by their labels.</param>
/// <param name="Nodes">All Nodes; their addresses are given to no Service.</param>
/// <param name="Leases">The speakers' Leases, which name the nodes' subnets and gateways.</param>
internal sealed record ControllerStores(
    IStore<ServiceResource> Services, IStore<NamespaceResource> Namespaces, IStore<NodeResource> Nodes, IStore<LeaseResource> Leases)
{
    /// <summary>The labels of a namespace; none if it is not known.</summary>
    public IReadOnlyDictionary<string, string> LabelsOf(string @namespace) =>
        Namespaces.Get(new ObjectKey("", @namespace))?.Labels ?? ReadOnlyDictionary<string, string>.Empty;
}
