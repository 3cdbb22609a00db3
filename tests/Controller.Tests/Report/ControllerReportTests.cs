using LoadBalancer.Controller.Tests.Fakes;
using LoadBalancer.Core.Allocation;
using LoadBalancer.Kubernetes.Resources;
using LoadBalancer.Status;

namespace LoadBalancer.Controller.Tests.Report;

/// <summary>What a controller tells at /status, leading or not.</summary>
[Collection(Replica.Metrics)]
public sealed class ControllerReportTests
{
    private const string Pools =
        """
        address-pools:
        - name: edge
          protocol: layer2
          addresses: [10.0.0.1-10.0.0.2]
          reserved: [10.0.0.2]
        - name: hidden
          protocol: layer2
          addresses: [10.0.1.0/30]
          auto-assign: false
          priority: 5
        """;

    private readonly FakeCluster cluster = new FakeCluster().Synced();

    [Fact]
    public async Task Leader_TellsPoolsWithUse_AndWhyAServiceWaits()
    {
        await using var replica = new Replica(cluster).WithPools(Pools).Lead();
        cluster.Create(1);
        cluster.Create(2);
        await Eventually.True(() => cluster.AddressOf("s1") == "10.0.0.1");
        await Eventually.True(() => replica.Events.ReasonsOf("s2").Length > 0);

        var status = await StatusOf(replica);

        Assert.True(status.Leading);
        Assert.Equal(["hidden", "edge"], status.Pools.Select(pool => pool.Name));
        var edge = status.Pools[1];
        Assert.Equal((2, 1, true, false), (edge.Size, edge.InUse, edge.AutoAssign, edge.Restricted));
        Assert.Equal(["10.0.0.1-10.0.0.2"], edge.Ranges);
        Assert.Equal(["10.0.0.2"], edge.Reserved);
        Assert.Equal(["10.0.0.1"], status.Services.Single(service => service.Name == "s1").Addresses);
        var waiting = status.Services.Single(service => service.Name == "s2");
        Assert.Equal((nameof(AllocationReason.NoFreeAddress), 0), (waiting.Reason, waiting.Addresses.Count));
        Assert.NotEmpty(waiting.Detail!);
        Assert.NotNull(waiting.Since);
    }

    [Fact]
    public async Task ReplicaThatDoesNotLead_TellsTheSameOfTheSameObjects()
    {
        await using var leader = new Replica(cluster).WithPools(Pools).Lead();
        cluster.Create(1);
        cluster.Create(2);
        cluster.Create(3, service => service with { LoadBalancerClass = "other" });
        await Eventually.True(() => cluster.AddressOf("s1") == "10.0.0.1");
        await Eventually.True(() => leader.Events.ReasonsOf("s2").Length > 0);
        await using var spare = new Replica(cluster).WithPools(Pools);
        await Eventually.True(() => spare.HasPools);

        var (leaders, spares) = (await StatusOf(leader), await StatusOf(spare));

        Assert.False(spares.Leading);
        Assert.Equal(Told(leaders), Told(spares));
        Assert.Equal(leaders.Pools.Select(pool => (pool.Name, pool.InUse)), spares.Pools.Select(pool => (pool.Name, pool.InUse)));

        static string[] Told(ControllerStatus status) =>
            [.. status.Services.OrderBy(service => service.Name).Select(service => $"{service.Namespace}/{service.Name} {string.Join(',', service.Addresses)} {service.Reason}: {service.Detail}")];
    }

    [Fact]
    public async Task AddressesPassedOver_AreToldWithTheReason()
    {
        cluster.Nodes.Replace([new NodeResource { Key = new ObjectKey("", "n1"), Addresses = ["10.0.0.1"] }]);
        await using var replica = new Replica(cluster).WithPools(Pools);
        await Eventually.True(() => replica.HasPools);

        var excluded = Assert.Single((await StatusOf(replica)).Excluded);

        Assert.Equal(("10.0.0.1", "edge", nameof(ExclusionKind.NodeAddress), "the address of node n1"), (excluded.Address, excluded.Pool, excluded.Kind, excluded.Reason));
    }

    [Fact]
    public async Task BadConfigMap_IsToldWithWhereAndWhatWouldBeRight()
    {
        await using var replica = new Replica(cluster).WithPools("address-pools:\n- name: x\n  protocol: layer2\n  adresses: [10.0.0.0/24]\n");
        await Eventually.True(() => replica.Report.Pools().Problems.Count > 0);

        var problem = (await StatusOf(replica)).Configuration.Problems[0];

        Assert.Equal("Error", problem.Severity);
        Assert.True(problem.Line > 0 && problem.Column > 0);
        Assert.NotEmpty(problem.Remedy);
    }

    private static async Task<ControllerStatus> StatusOf(Replica replica) =>
        StatusJson.ReadController(StatusJson.Write(await replica.Report.MakeAsync()));
}
