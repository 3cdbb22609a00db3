using LoadBalancer.Controller.Tests.Fakes;
using LoadBalancer.Core.Allocation;
using LoadBalancer.Kubernetes.Resources;

namespace LoadBalancer.Controller.Tests.Assigning;

/// <summary>Two Services on one address, of which one changes so that they no longer go together: it gives way, the other keeps it.</summary>
public sealed class SharingChangeTests
{
    private static readonly Dictionary<string, string> Key = new() { ["metallb.io/allow-shared-ip"] = "k" };

    public static TheoryData<string, Func<ServiceResource, ServiceResource>, AllocationReason> Changes => new()
    {
        { "policy", Local, AllocationReason.SharingBackendDiffers },
        { "port", s => s with { Ports = [new ServicePort("TCP", 80)] }, AllocationReason.SharingPortTaken },
        { "key", s => s with { Annotations = new Dictionary<string, string> { ["metallb.io/allow-shared-ip"] = "other" } }, AllocationReason.SharingKeyDiffers },
        { "key removed", s => s with { Annotations = new Dictionary<string, string>() }, AllocationReason.AddressInUse },
    };

    [Theory]
    [MemberData(nameof(Changes))]
    public void ChangeThatClashes_MovesTheOneThatChanged_AndNamesTheOther(
        string name, Func<ServiceResource, ServiceResource> change, AllocationReason reason)
    {
        var bench = Sharers("10.0.0.1-10.0.0.9");
        bench.Cluster.Update("s2", change);
        bench.Settle();
        Assert.Equal(["10.0.0.1", "10.0.0.2"], bench.Addresses("s1", "s2"));
        var told = bench.Events.Of("s2")[^1];
        Assert.True(told.Message.EndsWith($"[{reason}]", StringComparison.Ordinal), $"{name}: {told.Message}");
        Assert.Contains("Service default/s1", told.Message, StringComparison.Ordinal);
        Assert.Equal(["IPAllocated"], bench.Events.ReasonsOf("s1"));
    }

    [Fact]
    public void SelectorChangedUnderPolicyLocal_IsJudgedAnew()
    {
        var bench = Sharers("10.0.0.1-10.0.0.9", Local);
        Assert.Equal(["10.0.0.1", "10.0.0.1"], bench.Addresses("s1", "s2"));
        bench.Cluster.Update("s2", s => s with { Selector = new Dictionary<string, string> { ["app"] = "b" } });
        bench.Settle();
        Assert.Equal(["10.0.0.1", "10.0.0.2"], bench.Addresses("s1", "s2"));
    }

    [Fact]
    public void SelectorChangedUnderPolicyCluster_MovesNobody()
    {
        var bench = Sharers("10.0.0.1-10.0.0.9");
        bench.Cluster.Update("s2", s => s with { Selector = new Dictionary<string, string> { ["app"] = "b" } });
        bench.Settle();
        Assert.Equal(["10.0.0.1", "10.0.0.1"], bench.Addresses("s1", "s2"));
    }

    [Fact]
    public void ClashWithoutAnotherAddress_WaitsWithTheReason_AndIsServedWhenTheClashIsOver()
    {
        var bench = Sharers("10.0.0.1-10.0.0.1");
        bench.Cluster.Update("s2", s => s with { Ports = [new ServicePort("TCP", 80)] });
        bench.Settle();
        Assert.Equal(["10.0.0.1", ""], bench.Addresses("s1", "s2"));
        var cleared = Assert.Single(bench.Events.Of("s2"), e => e.Reason == "ClearAssignment");
        Assert.Contains("Service default/s1, which has port 80/TCP too", cleared.Message, StringComparison.Ordinal);

        bench.Cluster.Update("s1", s => s with { Ports = [new ServicePort("TCP", 8080)] });
        bench.Settle();
        Assert.Equal(["10.0.0.1", "10.0.0.1"], bench.Addresses("s1", "s2"));
    }

    [Fact]
    public void SoleUser_ChangesItsKeyInPlace()
    {
        var bench = new Bench().Start(Bench.Pools("10.0.0.1-10.0.0.9"));
        bench.Cluster.Create(1, s => s with { Annotations = Key });
        bench.Settle();
        bench.Cluster.Update("s1", s => s with { Annotations = new Dictionary<string, string> { ["metallb.io/allow-shared-ip"] = "other" } });
        bench.Settle();
        Assert.Equal("10.0.0.1", bench.Cluster.AddressOf("s1"));
        Assert.Equal(["IPAllocated"], bench.Events.ReasonsOf("s1"));
    }

    private static ServiceResource Local(ServiceResource service) =>
        service with { ExternalTrafficPolicy = "Local", Selector = new Dictionary<string, string> { ["app"] = "a" } };

    private static Bench Sharers(string range, Func<ServiceResource, ServiceResource>? with = null)
    {
        var bench = new Bench().Start(Bench.Pools(range));
        bench.Cluster.Create(1, s => (with?.Invoke(s) ?? s) with { Annotations = Key });
        bench.Cluster.Create(2, s => (with?.Invoke(s) ?? s) with { Annotations = Key, Ports = [new ServicePort("TCP", 443)] });
        bench.Settle();
        Assert.Equal(["10.0.0.1", "10.0.0.1"], bench.Addresses("s1", "s2"));
        return bench;
    }
}
