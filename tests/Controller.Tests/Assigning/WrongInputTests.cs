using LoadBalancer.Controller.Tests.Fakes;
using LoadBalancer.Core.Addressing;
using LoadBalancer.Core.Pools;
using LoadBalancer.Kubernetes.Resources;

namespace LoadBalancer.Controller.Tests.Assigning;

/// <summary>A Service works and is then changed into nonsense: an Event says what to change, and it keeps what it has.</summary>
public sealed class WrongInputTests
{
    public static TheoryData<string, Func<ServiceResource, ServiceResource>, string, string> Inputs => new()
    {
        { "three addresses", With("metallb.io/loadBalancerIPs", "10.0.0.5,10.0.0.6,fd00::5"), "LoadBalancerFailed", "at most one IPv4 and one IPv6 address is possible" },
        { "no address", With("metallb.universe.tf/loadBalancerIPs", "web.example.org"), "LoadBalancerFailed", "write one such as 192.168.96.100" },
        { "outside every pool", s => s with { LoadBalancerIP = "192.0.2.1" }, "AllocationFailed", "ask for an address of a pool or add it to one" },
        { "unknown pool", With("metallb.io/address-pool", "nope"), "AllocationFailed", "it has pools 'main', 'manual'" },
        {
            "two requests", s => With("metallb.io/loadBalancerIPs", "10.0.0.5")(s) with { LoadBalancerIP = "10.0.0.6" }, "LoadBalancerFailed",
            "remove one of the two"
        },
        {
            "address and pool contradict", s => With("metallb.io/address-pool", "manual")(s) with { LoadBalancerIP = "10.0.0.6" }, "AllocationFailed",
            "remove or change one of the two"
        },
        { "family mismatch", s => s with { LoadBalancerIP = "fd00::5" }, "AllocationFailed", "ask for an IPv4 address or change spec.ipFamilies" },
        { "sharing clash", s => s with { LoadBalancerIP = "10.0.0.2" }, "AllocationFailed", "choose another address, or give both Services different ports" },
    };

    [Theory]
    [MemberData(nameof(Inputs))]
    public void WrongInput_OfAServiceThatWorks_IsToldWithTheRemedy_AndTakesNothingAway(
        string name, Func<ServiceResource, ServiceResource> change, string reason, string remedy)
    {
        var bench = new Bench().Start(Config());
        bench.Cluster.Create(1);
        bench.Cluster.Create(2);
        bench.Settle();
        bench.Cluster.Update("s1", change);
        bench.Settle();
        Assert.Equal(["10.0.0.1", "10.0.0.2"], bench.Addresses("s1", "s2"));
        var told = bench.Events.Of("s1")[^1];
        Assert.True(told.Reason == reason, $"{name}: {told}");
        Assert.Contains(remedy, told.Message, StringComparison.Ordinal);
        Assert.Contains("It keeps [\"10.0.0.1\"] meanwhile.", told.Message, StringComparison.Ordinal);

        bench.Restart(Config()).Settle();
        Assert.Equal(["10.0.0.1", "10.0.0.2"], bench.Addresses("s1", "s2"));
    }

    private static PoolConfig Config()
    {
        var main = Bench.Pools("10.0.0.1-10.0.0.9").Pools[0];
        return new PoolConfig([
            main with { Name = "main", Ranges = [.. main.Ranges, new IpRange(IpAddress.Parse("fd00::1"), IpAddress.Parse("fd00::9"))] },
            Bench.Pools("10.0.1.1-10.0.1.9").Pools[0] with { Name = "manual", AutoAssign = false }]);
    }

    private static Func<ServiceResource, ServiceResource> With(string annotation, string value) =>
        service => service with { Annotations = new Dictionary<string, string> { [annotation] = value } };
}
