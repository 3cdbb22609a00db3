using LoadBalancer.Controller.NodeLoss;
using LoadBalancer.Core.NodeLoss;
using LoadBalancer.Kubernetes.Resources;

namespace LoadBalancer.Controller.Tests.NodeLoss;

/// <summary>Which endpoints are marked beside a lost node's pods.</summary>
public sealed class ChosenPodsTests
{
    private static readonly PodGroup Group = new("default/web", [new LostPod("default", "web-1", "uid-1", Ready: true, Excluded: false)]);

    [Fact]
    public void EndpointsOfTheGroupsPods_InASliceThatFollowsPods_AreMarked() =>
        Assert.Equal([1], Assert.Single(EndpointsIn(Slice() with { Endpoints = [new("n2", "uid-2", true), new("n1", "uid-1", true)] })).Endpoints);

    // Nobody would put it right again.
    [Fact]
    public void SliceThatSomebodyElseKeeps_IsLeftAlone() => Assert.Empty(EndpointsIn(Slice() with { FollowsPods = false }));

    [Fact]
    public void SliceWithoutAService_IsLeftAlone() => Assert.Empty(EndpointsIn(Slice() with { ServiceName = "" }));

    [Fact]
    public void EndpointThatIsNotReadyAnyway_IsNotWritten() =>
        Assert.Empty(EndpointsIn(Slice() with { Endpoints = [new("n1", "uid-1", false)] }));

    private static IEnumerable<LostEndpoints> EndpointsIn(PodEndpointsResource slice) => new ChosenPods(new PodsToMark([Group], 0, 0), [slice]).EndpointsOf(Group);

    private static PodEndpointsResource Slice() => new()
    {
        Key = new ObjectKey("default", "web-abcde"), ServiceName = "web", FollowsPods = true, Endpoints = [new("n1", "uid-1", true)],
    };
}
