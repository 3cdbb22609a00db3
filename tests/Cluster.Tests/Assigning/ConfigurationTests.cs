using System.Text.Json.Nodes;
using LoadBalancer.LocalCluster;
using LoadBalancer.LocalCluster.Network;

namespace LoadBalancer.Cluster.Tests.Assigning;

public sealed class ConfigurationTests(ClusterFixture fixture, ITestOutputHelper output) : ProgramTest(fixture, output)
{
    private const string OtherPool =
        """
        address-pools:
        - name: other
          protocol: layer2
          addresses: [192.168.96.160-192.168.96.170]
        """;

    [Fact]
    public async Task PoolMoved_WithoutARestart_ServicesFollowWithinASecond()
    {
        (string name, string address, _) = await CreateAnnouncedServiceAsync();
        await ChangeConfigAsync(OtherPool);
        TimeSpan took = await Eventually.TrueAsync(() => Cluster.Addresses(name) is ["192.168.96.160"], Soon, "an address of the new pool", () => Cluster.Programs.Tails());
        Node owner = await OwnerOnWireAsync("192.168.96.160");
        Figure($"ConfigMap changed: {name} moved from {address} to 192.168.96.160 after {took.TotalMilliseconds:0} ms, announced by {owner.Name}");
        Assert.InRange(took, TimeSpan.Zero, TimeSpan.FromSeconds(1));
    }

    [Theory]
    [InlineData("address-pools: [{name: default, protocol: layer2, adresses: [192.168.96.0/24]}]")]
    [InlineData("address-pools:\n- name: x\n  protocol: layer2\n  addresses: [100.200.300.400/24]\n")]
    [InlineData("address-pools: [{name: default, protocol: layer2, addresses: [192.168.96.0/24], priority: high}]")]
    [InlineData("address-pools: [{name: default, protocol: layer2, addresses: [192.168.96.0/24], service-selectors: [{match-expressions: [{key: tier, operator: Is, values: [front]}]}]}]")]
    [InlineData("address-pools: [{name: a, protocol: layer2, addresses: [192.168.96.0/24]}, {name: b, protocol: layer2, addresses: [192.168.96.128/25]}]")]
    [InlineData("{{{")]
    public async Task BadConfig_TakesNothingAway_AndIsReported(string bad)
    {
        (string name, string address, Node owner) = await CreateAnnouncedServiceAsync();
        await ChangeConfigAsync(bad);
        string message = await Eventually.GetAsync(ConfigWarningAsync, Soon, "a Warning Event on the ConfigMap", () => Cluster.Programs.Tails());

        Assert.Equal([address], Cluster.Addresses(name));
        Assert.Equal(owner, await OwnerOnWireAsync(address));
        string another = NewName();
        await CreateServiceAsync(another);
        Assert.StartsWith("192.168.96.", await Cluster.WaitForAddressAsync(another), StringComparison.Ordinal);
        Figure($"reported: {message}");
    }

    [Theory]
    [InlineData("192.168.96.160-192.168.96.170")]
    [InlineData("192.168.96.160/28")]
    public async Task Pool_AsARangeAndAsAPrefix_IsServed(string addresses)
    {
        await ChangeConfigAsync(OtherPool.Replace("192.168.96.160-192.168.96.170", addresses, StringComparison.Ordinal));
        string name = NewName();
        await CreateServiceAsync(name);
        await Eventually.TrueAsync(() => Cluster.Addresses(name) is ["192.168.96.160"], Soon, "an address of the pool", () => Cluster.Programs.Tails());
        await OwnerOnWireAsync("192.168.96.160");
    }

    [Fact]
    public async Task AllPoolsRemoved_AddressIsTakenBackAndAnnouncedNoMore_UntilThereIsAPoolAgain()
    {
        (string name, string address, _) = await CreateAnnouncedServiceAsync();
        await ChangeConfigAsync("address-pools: []");
        await Eventually.TrueAsync(() => Cluster.Addresses(name).Count == 0, Soon, "no address", () => Cluster.Programs.Tails());
        await SilentOnWireAsync(address);
        await ChangeConfigAsync(OtherPool);
        await OwnerOnWireAsync(await Cluster.WaitForAddressAsync(name));
    }

    [Fact]
    public async Task ConfigDeleted_TakesNothingAway()
    {
        (string name, string address, Node owner) = await CreateAnnouncedServiceAsync();
        await ChangeConfigAsync(UsualConfig);
        await Cluster.Api.DeleteAsync($"/api/v1/namespaces/{LocalCluster.Cluster.SystemNamespace}/configmaps/config");
        await HoldsForAsync(TimeSpan.FromSeconds(1), () => Cluster.Addresses(name) is [var now] && now == address, "it keeps its address");
        Assert.Equal(owner, await OwnerOnWireAsync(address));
    }

    private async Task<string?> ConfigWarningAsync()
    {
        JsonArray events = (await Cluster.Api.GetAsync($"/api/v1/namespaces/{LocalCluster.Cluster.SystemNamespace}/events"))["items"]!.AsArray();
        return (string?)events.LastOrDefault(entry => (string?)entry!["involvedObject"]?["kind"] == "ConfigMap" && (string?)entry["type"] == "Warning")?["message"];
    }
}
