using LoadBalancer.Controller.Tests.Fakes;
using LoadBalancer.Core.Addressing;
using LoadBalancer.Core.Allocation;
using LoadBalancer.Kubernetes.ListWatch;
using LoadBalancer.Kubernetes.Resources;

namespace LoadBalancer.Controller.Tests.Exclusions;

/// <summary>A pool may contain addresses that hosts have: they are passed over, told of, and nobody loses anything by it.</summary>
[Collection(Replica.Metrics)]
public sealed class ExcludedAddressTests
{
    private static readonly Exclusion First = new(IpAddress.Parse("10.0.0.1"), ExclusionKind.NodeAddress, "node n1");

    [Fact]
    public void ExcludedAddress_IsPassedOver_AndRefusedOnRequestWithTheReason()
    {
        var bench = new Bench { Excluded = [First] }.Start(Bench.Pools("10.0.0.1-10.0.0.9"));
        bench.Cluster.Create(1);
        bench.Cluster.Create(2, s => s with { LoadBalancerIP = "10.0.0.1" });
        bench.Settle();
        Assert.Equal(["10.0.0.2", ""], bench.Addresses("s1", "s2"));
        var told = Assert.Single(bench.Events.Of("s2"));
        Assert.Equal("AllocationFailed", told.Reason);
        Assert.Contains("the address of node n1; ask for another address [AddressExcluded]", told.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void ServiceThatHasTheAddress_KeepsIt_AlsoOverARestart()
    {
        var pools = Bench.Pools("10.0.0.1-10.0.0.9");
        var bench = new Bench().Start(pools);
        bench.Cluster.Create(1);
        bench.Settle();
        bench.Assignments.Exclude([First]);
        bench.Settle();
        Assert.Equal("10.0.0.1", bench.Cluster.AddressOf("s1"));

        bench.Excluded = [First];
        bench.Restart(pools).Settle();
        Assert.Equal("10.0.0.1", bench.Cluster.AddressOf("s1"));

        bench.Cluster.Delete("s1");
        bench.Cluster.Create(2);
        bench.Settle();
        Assert.Equal("10.0.0.2", bench.Cluster.AddressOf("s2"));
    }

    [Fact]
    public void ExclusionThatEnds_ServesWhoWaitsForTheAddress()
    {
        var bench = new Bench { Excluded = [First] }.Start(Bench.Pools("10.0.0.1-10.0.0.1"));
        bench.Cluster.Create(1);
        bench.Settle();
        Assert.Equal("", bench.Cluster.AddressOf("s1"));
        bench.Assignments.Exclude([]);
        bench.Settle();
        Assert.Equal("10.0.0.1", bench.Cluster.AddressOf("s1"));
    }

    [Fact]
    public async Task NodeThatJoins_IsToldOnTheConfigMapOnce_AndItsAddressIsPassedOver()
    {
        var cluster = new FakeCluster().Synced();
        await using var replica = new Replica(cluster).WithPools(Replica.OnePool("10.0.0.1-10.0.0.9")).Lead();
        cluster.Create(1);
        await Eventually.True(() => cluster.AddressOf("s1") == "10.0.0.1");

        cluster.Nodes.Replace([Node("1", "10.0.0.2"), Node("2", "192.168.1.1")]);
        await Eventually.True(() => replica.Events.ReasonsOf("config").Length == 1);
        Assert.Equal(
            ("AddressesSkipped", "these addresses are given to no Service: 10.0.0.2 of pool 'default' (the address of node n1); "
                + "the rest of the pool is in use as usual"), replica.Events.Of("config")[0]);
        cluster.Create(2);
        await Eventually.True(() => cluster.AddressOf("s2") == "10.0.0.3");
        cluster.Nodes.Apply(new WatchEvent<NodeResource>(WatchEventType.Modified, Node("1", "10.0.0.2") with { ResourceVersion = "7" }, "7"));
        cluster.Create(3);
        await Eventually.True(() => cluster.AddressOf("s3") == "10.0.0.4");
        Assert.Single(replica.Events.Of("config"));
    }

    [Theory]
    [InlineData("10.0.0.0-10.0.0.9", "overlaps the pod range 10.0.0.0/24 of node n1")]
    [InlineData("10.96.0.0-10.96.0.9", "overlaps the service range (10.96.0.1 of Service default/s1)")]
    public async Task PoolThatOverlapsTheClustersRanges_WorksAndIsToldOnTheConfigMap(string range, string expected)
    {
        var cluster = new FakeCluster().Synced();
        cluster.Nodes.Replace([Node("1", "192.168.1.1") with { PodRanges = ["10.0.0.0/24"] }]);
        cluster.Create(1);
        await using var replica = new Replica(cluster).WithPools(Replica.OnePool(range)).Lead();
        await Eventually.True(() => cluster.AddressOf("s1") == range.Split('-')[0]);
        Assert.Contains(expected, Assert.Single(replica.Events.Of("config")).Message, StringComparison.Ordinal);
    }

    private static NodeResource Node(string number, string address) =>
        new() { Key = new ObjectKey("", $"n{number}"), Uid = number, ResourceVersion = "1", Addresses = [address] };
}
