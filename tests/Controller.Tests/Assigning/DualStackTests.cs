using LoadBalancer.Controller.Tests.Fakes;
using LoadBalancer.Core.Addressing;
using LoadBalancer.Core.Allocation;
using LoadBalancer.Core.Pools;
using LoadBalancer.Kubernetes.Configuration;
using LoadBalancer.Kubernetes.Resources;

namespace LoadBalancer.Controller.Tests.Assigning;

/// <summary>The changes of <c>ipFamilyPolicy</c>, and of the pools under it, one after another on one Service.</summary>
public sealed class DualStackTests
{
    private static readonly PoolConfig Both = Pools("10.0.0.1-10.0.0.9", "fd00::1-fd00::9");
    private static readonly PoolConfig FourOnly = Pools("10.0.0.1-10.0.0.9");

    [Fact]
    public void PreferDualStack_DownToSingleStackAndUpAgain_KeepsTheFirstAddressThroughout()
    {
        var bench = new Bench().Start(Both);
        bench.Cluster.Create(1, Prefer);
        bench.Settle();
        Assert.Equal("10.0.0.1 fd00::1", bench.Cluster.AddressOf("s1"));

        bench.Cluster.Update("s1", Single);
        bench.Settle();
        Assert.Equal("10.0.0.1", bench.Cluster.AddressOf("s1"));
        Assert.EndsWith("[FamiliesChanged]", bench.Events.Of("s1")[^1].Message, StringComparison.Ordinal);

        bench.Cluster.Update("s1", Prefer);
        bench.Settle();
        Assert.Equal("10.0.0.1 fd00::1", bench.Cluster.AddressOf("s1"));
        Assert.Equal(["IPAllocated", "IPAllocated", "IPAllocated"], bench.Events.ReasonsOf("s1"));
    }

    [Fact]
    public void DownToSingleStack_ServesWhoWaitsForTheSecondFamily()
    {
        var bench = new Bench().Start(Pools("10.0.0.1-10.0.0.9", "fd00::1-fd00::1"));
        bench.Cluster.Create(1, Prefer);
        bench.Cluster.Create(2, Prefer);
        bench.Settle();
        Assert.Equal(["10.0.0.1 fd00::1", "10.0.0.2"], bench.Addresses("s1", "s2"));
        Assert.Equal(["AdditionalAssignFailed", "IPAllocated"], bench.Events.ReasonsOf("s2"));

        bench.Cluster.Update("s1", Single);
        bench.Settle();
        Assert.Equal(["10.0.0.1", "10.0.0.2 fd00::1"], bench.Addresses("s1", "s2"));
    }

    [Fact]
    public void PreferDualStack_GetsTheSecondFamilyWhenThePoolIsExtended_AndLosesOnlyThatWhenItIsCut()
    {
        var bench = new Bench().Start(FourOnly);
        bench.Cluster.Create(1, Prefer);
        bench.Settle();
        Assert.Equal("10.0.0.1", bench.Cluster.AddressOf("s1"));
        Assert.Equal(1, bench.Assignments.Waiting.CountOf(AllocationReason.SecondFamilyUnavailable));

        bench.Assignments.Reconfigure(Both);
        bench.Settle();
        Assert.Equal("10.0.0.1 fd00::1", bench.Cluster.AddressOf("s1"));
        Assert.Equal(0, bench.Assignments.Waiting.Count);

        bench.Assignments.Reconfigure(FourOnly);
        bench.Settle();
        Assert.Equal("10.0.0.1", bench.Cluster.AddressOf("s1"));
    }

    [Fact]
    public void RequireDualStack_WaitsForBoth_AndIsServedWhenBothAreToBeHad()
    {
        var bench = new Bench().Start(FourOnly);
        bench.Cluster.Create(1, Require);
        bench.Settle();
        Assert.Equal("", bench.Cluster.AddressOf("s1"));
        Assert.Equal(["AllocationFailed"], bench.Events.ReasonsOf("s1"));

        bench.Assignments.Reconfigure(Both);
        bench.Settle();
        Assert.Equal("10.0.0.1 fd00::1", bench.Cluster.AddressOf("s1"));
    }

    [Fact]
    public void SingleStackToRequire_WithoutASecondFamily_KeepsTheWorkingAddressAndSaysSo()
    {
        var bench = new Bench().Start(FourOnly);
        bench.Cluster.Create(1);
        bench.Settle();
        bench.Cluster.Update("s1", Require);
        bench.Settle();
        Assert.Equal("10.0.0.1", bench.Cluster.AddressOf("s1"));
        Assert.Contains("It keeps [\"10.0.0.1\"] meanwhile.", bench.Events.Of("s1")[^1].Message, StringComparison.Ordinal);
    }

    [Fact]
    public void IPv6First_InTwoPools_IsTheFirstOfTheStatus()
    {
        var bench = new Bench().Start(new PoolConfig([Pools("10.0.0.1-10.0.0.9").Pools[0], Pools("fd00::1-fd00::9").Pools[0] with { Name = "six" }]));
        bench.Cluster.Create(1, s => Prefer(s) with { IpFamilies = [IpFamily.IPv6, IpFamily.IPv4] });
        bench.Settle();
        Assert.Equal("fd00::1 10.0.0.1", bench.Cluster.AddressOf("s1"));
    }

    [Fact]
    public void FamiliesInTwoPools_BothAreGiven_AndTheSecondFollowsWhenItsPoolIsAdded()
    {
        var four = Pools("10.0.0.1-10.0.0.9").Pools[0];
        var six = Pools("fd00::1-fd00::9").Pools[0] with { Name = "six" };
        var bench = new Bench().Start(new PoolConfig([four]));
        bench.Cluster.Create(1, Prefer);
        bench.Settle();
        Assert.Equal("10.0.0.1", bench.Cluster.AddressOf("s1"));

        bench.Assignments.Reconfigure(new PoolConfig([four, six]));
        bench.Cluster.Create(2, Require);
        bench.Settle();
        Assert.Equal(["10.0.0.1 fd00::1", "10.0.0.2 fd00::2"], bench.Addresses("s1", "s2"));
        Assert.Equal(0, bench.Assignments.Waiting.Count);
        bench.Restart(new PoolConfig([four, six]));
        Assert.Empty(bench.Sent);
    }

    private static PoolConfig Pools(params string[] addresses)
    {
        var result = PoolConfigText.Read($"address-pools: [{{name: default, protocol: layer2, addresses: ['{string.Join("','", addresses)}']}}]");
        return result.Config ?? throw new InvalidOperationException(string.Join('\n', result.Problems));
    }

    private static ServiceResource Single(ServiceResource service) => service with
    {
        IpFamilyPolicy = "SingleStack",
        IpFamilies = [IpFamily.IPv4],
        ClusterIPs = ["10.96.0.1"],
    };

    private static ServiceResource Prefer(ServiceResource service) => service with
    {
        IpFamilyPolicy = "PreferDualStack",
        IpFamilies = [IpFamily.IPv4, IpFamily.IPv6],
        ClusterIPs = ["10.96.0.1", "fd00:96::1"],
    };

    private static ServiceResource Require(ServiceResource service) => Prefer(service) with { IpFamilyPolicy = "RequireDualStack" };
}
