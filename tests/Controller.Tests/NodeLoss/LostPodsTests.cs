using LoadBalancer.Controller.NodeLoss;
using LoadBalancer.Kubernetes.ListWatch;
using LoadBalancer.Kubernetes.Resources;

namespace LoadBalancer.Controller.Tests.NodeLoss;

/// <summary>Whether a Service has an endpoint left when the pods of n1 are marked: a last one is left as it is.</summary>
public sealed class LostPodsTests
{
    [Theory]
    [InlineData(true, false, 1)]
    [InlineData(false, false, 0)] // it is not ready
    [InlineData(true, true, 0)] // it is on a node that is said to be lost, too
    public void Pod_WhoseServiceHasOneOtherEndpoint_IsMarkedIfThatServes(bool ready, bool onLostNode, int marked)
    {
        var services = new Store<ServiceResource>();
        services.Replace([new ServiceResource { Key = new("shop", "web"), Type = "LoadBalancer" }]);
        var namespaces = new Store<NamespaceResource>();
        namespaces.Replace([]);
        var slice = new PodEndpointsResource
        {
            Key = new("shop", "web-1"), ServiceName = "web", FollowsPods = true, Endpoints = [new("n1", "uid-1", true), new("n2", "uid-2", ready)],
        };
        var chosen = new LostPods(services, namespaces).Choose(
            [new PodResource { Key = new("shop", "web-1"), Uid = "uid-1", Ready = true }], [slice], node => node == "n1" || (onLostNode && node == "n2"));
        Assert.Equal((marked, 1 - marked), (chosen.Count, chosen.LeftForLastEndpoint));
    }
}
