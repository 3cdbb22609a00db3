using System.Text.Json.Nodes;
using LoadBalancer.LocalCluster;
using LoadBalancer.LocalCluster.Network;
using LoadBalancer.LocalCluster.Programs;

namespace LoadBalancer.Cluster.Tests.Assigning;

/// <summary>What a Service may ask for.</summary>
public sealed class RequestTests(ClusterFixture fixture, ITestOutputHelper output) : ProgramTest(fixture, output)
{
    [Fact]
    public async Task LoadBalancerIP_InAPool_IsGiven()
    {
        string name = NewName();
        await CreateServiceAsync(name, new JsonObject { ["loadBalancerIP"] = "192.168.96.133" });
        Assert.Equal("192.168.96.133", await Cluster.WaitForAddressAsync(name));
    }

    [Theory]
    [InlineData("metallb.io/loadBalancerIPs", "192.168.96.141")]
    [InlineData("metallb.universe.tf/loadBalancerIPs", "192.168.96.142")]
    [InlineData("metallb.io/loadBalancerIPs", "192.168.97.3")]
    public async Task AddressAnnotation_IsGiven_AlsoFromAPoolThatIsNotAutomatic(string annotation, string address)
    {
        string name = NewName();
        await CreateServiceAsync(name, annotations: new JsonObject { [annotation] = address });
        Assert.Equal(address, await Cluster.WaitForAddressAsync(name));
    }

    [Theory]
    [InlineData("metallb.io/address-pool")]
    [InlineData("metallb.universe.tf/address-pool")]
    public async Task PoolAnnotation_NamesTheByHandPool_AddressComesFromIt(string annotation)
    {
        string name = NewName();
        await CreateServiceAsync(name, annotations: new JsonObject { [annotation] = "by-hand" });
        Assert.StartsWith("192.168.97.", await Cluster.WaitForAddressAsync(name), StringComparison.Ordinal);
    }

    [Fact]
    public async Task AddressOfAnother_IsNotGiven_AndTheEventSaysSo()
    {
        (_, string address, _) = await CreateAnnouncedServiceAsync();
        string name = NewName();
        await CreateServiceAsync(name, new JsonObject { ["loadBalancerIP"] = address });
        string message = await Eventually.GetAsync(() => Cluster.LastEventAsync(name, "AllocationFailed"), Soon, "an Event AllocationFailed", () => Cluster.Programs.Tails());
        Figure($"reported: {message}");
        Assert.Contains(address, message, StringComparison.Ordinal);
        Assert.Empty(Cluster.Addresses(name));
    }

    [Fact]
    public async Task StatusOfAnAssignedService_CarriesIpModeVip()
    {
        string name = NewName();
        await CreateServiceAsync(name);
        await Cluster.WaitForAddressAsync(name);
        Assert.Equal("VIP", (string?)Cluster.Services[$"default/{name}"]!["status"]!["loadBalancer"]!["ingress"]![0]!["ipMode"]);
    }

    [Fact]
    public async Task TypeChangedAway_AddressIsTakenBack_AndServesTheNext()
    {
        string name = NewName();
        await CreateServiceAsync(name);
        string address = await Cluster.WaitForAddressAsync(name);
        await Cluster.Api.MergeAsync(ServicePath(name), new JsonObject { ["spec"] = new JsonObject { ["type"] = "ClusterIP", ["allocateLoadBalancerNodePorts"] = null } });
        string next = NewName();
        await CreateServiceAsync(next, new JsonObject { ["loadBalancerIP"] = address });
        Assert.Equal(address, await Cluster.WaitForAddressAsync(next));
        Assert.Empty(Cluster.Addresses(name));
    }

    [Fact]
    public async Task OfAnotherClass_IsLeftAlone_UntilAControllerServesThatClass()
    {
        string name = NewName(), usual = NewName();
        await CreateServiceAsync(name, new JsonObject { ["loadBalancerClass"] = "example.com/ours" });
        await CreateServiceAsync(usual);
        await Cluster.WaitForAddressAsync(usual);
        Assert.Empty(Cluster.Addresses(name));
        Assert.Empty(await Cluster.EventsAsync(name));

        // A controller of its own for that class, beside those that serve Services without one.
        Node third = Cluster.Nodes[2];
        await using ProgramProcess controller = Cluster.Programs.StartController(third, "--lb-class", "example.com/ours", "--namespace", await OtherNamespaceAsync());
        await Cluster.WaitForAddressAsync(name, within: TimeSpan.FromSeconds(20));
        string untouched = NewName();
        await CreateServiceAsync(untouched);
        await Cluster.WaitForAddressAsync(untouched);
        await controller.StopAsync();
        Cluster.Programs.Forget(controller);
        Assert.StartsWith("192.168.96.19", Cluster.Addresses(name)[0], StringComparison.Ordinal);
        Assert.StartsWith("192.168.96.1", Cluster.Addresses(untouched)[0], StringComparison.Ordinal);
        Assert.False(Cluster.Addresses(untouched)[0].StartsWith("192.168.96.19", StringComparison.Ordinal));
    }

    /// <summary>A second installation in a namespace of its own, with its own pool.</summary>
    private async Task<string> OtherNamespaceAsync()
    {
        const string Space = "loadbalancer-other";
        await Cluster.ApplyInstallationAsync(Space);
        await Cluster.SetConfigAsync(
            """
            address-pools:
            - name: other
              protocol: layer2
              addresses: [192.168.96.190-192.168.96.199]
            """,
            space: Space);
        return Space;
    }
}
