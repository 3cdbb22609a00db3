using LoadBalancer.LocalCluster.Network;
using LoadBalancer.LocalCluster.Workloads;

namespace LoadBalancer.Cluster.Tests.Outages;

/// <summary>No fault of one node takes an address from the others: three nodes.</summary>
public sealed class WireFaultTests(ClusterFixture fixture, ITestOutputHelper output) : ProgramTest(fixture, output)
{
    /// <summary>What a test run tries of the faults.</summary>
    internal static IReadOnlyList<WireFault> Some { get; } = [WireFault.OwnerCannotSend, WireFault.OwnerCannotHear, WireFault.OtherCannotHear];

    public override async ValueTask DisposeAsync()
    {
        GC.SuppressFinalize(this);
        foreach (Host host in Cluster.Switch.Hosts)
        {
            host.LoseNothing();
        }

        await base.DisposeAsync();
    }

    [Fact]
    public async Task FaultOfOneNode_TheAddressIsAnsweredFor_AndByOneNodeOnly()
    {
        (_, string address, _) = await CreateAnnouncedServiceAsync();
        await new FaultTable(Cluster, address, StopServerAsync, StartServerAsync, Figure).RunAsync(FaultTable.IsWhole ? WireFault.All : Some);
    }
}

/// <summary>The same with two nodes, which have nobody but the router to agree with.</summary>
public sealed class WireFaultsOfTwoTests(ClusterFixture fixture, ITestOutputHelper output) : OwnClusterTest(fixture, output, nodes: 2)
{
    [Fact]
    public async Task FaultOfOneNode_TheAddressIsAnsweredFor_AndByOneNodeOnly()
    {
        await Cluster.DeployAsync("web", Cluster.Nodes);
        await Cluster.SetDefaultPoolAsync();
        await Cluster.Programs.StartAllAsync();
        await Cluster.Api.CreateAsync("/api/v1/namespaces/default/services", ServiceObject.LoadBalancer("web"));
        string address = await Cluster.WaitForAddressAsync("web");
        await new FaultTable(Cluster, address, () => Cluster.Server.StopAsync(), () => Cluster.Server.StartAsync(), Figure)
            .RunAsync(FaultTable.IsWhole ? WireFault.All : WireFaultTests.Some);
    }
}
