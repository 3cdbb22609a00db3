using System.Text.Json.Nodes;
using LoadBalancer.LocalCluster;
using LoadBalancer.LocalCluster.Network;

namespace LoadBalancer.Cluster.Tests.Announcing;

/// <summary>Which node may announce an address, and on which interface.</summary>
public sealed class NodeSelectionTests(ClusterFixture fixture, ITestOutputHelper output) : ProgramTest(fixture, output)
{
    [Fact]
    public async Task ExcludeLabel_MovesTheAddress_AndTheNodeIsUsedAgainWithoutIt() =>
        await IsNotUsedAndUsedAgainAsync(node => LabelAsync(node, ExcludeLabel, ""), node => LabelAsync(node, ExcludeLabel, null));

    [Fact]
    public async Task NetworkUnavailableNode_IsNotUsed_AndUsedAgain() =>
        await IsNotUsedAndUsedAgainAsync(node => NetworkUnavailableAsync(node, "True"), node => NetworkUnavailableAsync(node, "False"));

    [Fact]
    public async Task NodeSelectorsOfAPool_DecideWhoAnnounces()
    {
        Node chosen = Cluster.Nodes[1];
        try
        {
            await LabelAsync(chosen, "edge", "true");
            await ChangeConfigAsync(Pool("node-selectors: [{match-labels: {edge: 'true'}}]"));
            for (int i = 0; i < 3; i++)
            {
                string name = NewName();
                await CreateServiceAsync(name);
                await MovedAsync(await Cluster.WaitForAddressAsync(name), node => node == chosen);
            }
        }
        finally
        {
            await LabelAsync(chosen, "edge", null);
        }
    }

    [Fact]
    public async Task InterfacesOfAPool_PresentAbsentAndPresentAgain_AreFollowedAtRunTime()
    {
        await ChangeConfigAsync(Pool("interfaces: [eth0]"));
        string name = NewName();
        await CreateServiceAsync(name);
        string address = await Cluster.WaitForAddressAsync(name);
        await OwnerOnWireAsync(address);

        await ChangeConfigAsync(Pool("interfaces: [lan9]"));
        string message = await Eventually.GetAsync(
            () => Cluster.LastEventAsync(name, "announceFailed"), TimeSpan.FromSeconds(20), "an Event announceFailed", () => Cluster.Programs.Tails());
        Figure($"reported: {message}");
        Assert.Contains("lan9", message, StringComparison.Ordinal);
        await SilentOnWireAsync(address);
        await ChangeConfigAsync(Pool("interfaces: [lan9, eth0]"));
        await OwnerOnWireAsync(address);
    }

    [Fact]
    public async Task AddressesOfNodesGatewayAndSubnet_ArePassedOver_WithAWarning()
    {
        // A new object: an object has 25 Events in a short time, and the tests before may have had them.
        await Cluster.Api.DeleteAsync($"/api/v1/namespaces/{LocalCluster.Cluster.SystemNamespace}/configmaps/config");
        await ChangeConfigAsync(
            """
            address-pools:
            - name: careless
              protocol: layer2
              addresses: [192.168.96.0-192.168.96.1, 192.168.96.11-192.168.96.14]
            """);
        string name = NewName();
        await CreateServiceAsync(name);
        await Eventually.TrueAsync(() => Cluster.Addresses(name) is ["192.168.96.14"], Soon, "the one address no host has", () => Cluster.Programs.Tails());
        string warning = await Eventually.GetAsync(ConfigMapWarningAsync, Soon, "an Event AddressesSkipped", () => Cluster.Programs.Tails());
        Figure($"reported: {warning}");
        Assert.Contains("192.168.96.11 of pool 'careless' (the address of node n1)", warning, StringComparison.Ordinal);
        Assert.Contains("192.168.96.0 of pool 'careless' (the network address of the subnet 192.168.96.0/20)", warning, StringComparison.Ordinal);
        Assert.Contains("192.168.96.1 of pool 'careless' (the gateway of node n", warning, StringComparison.Ordinal);

        string asked = NewName();
        await CreateServiceAsync(asked, new JsonObject { ["loadBalancerIP"] = "192.168.96.1" });
        string refused = await Eventually.GetAsync(() => Cluster.LastEventAsync(asked, "AllocationFailed"), Soon, "an Event AllocationFailed");
        Assert.Contains("the gateway of node n", refused, StringComparison.Ordinal);
        Assert.Empty(Cluster.Addresses(asked));
    }

    private static string Pool(string key) =>
        $"""
        address-pools:
        - name: default
          protocol: layer2
          addresses: [{Lan.Pool}]
          {key}
        """;

    /// <summary>A node that is put out of use loses the address; back in use, it has it as soon as it is the only one left.</summary>
    private async Task IsNotUsedAndUsedAgainAsync(Func<Node, Task> putOut, Func<Node, Task> putBack)
    {
        (_, string address, Node owner) = await CreateAnnouncedServiceAsync();
        try
        {
            await putOut(owner);
            Node next = await MovedAsync(address, node => node != owner);
            await putBack(owner);
            foreach (Node other in Cluster.Nodes.Where(node => node != owner))
            {
                await putOut(other);
            }

            Figure($"{address}: {owner.Name}, then {next.Name}, then {(await MovedAsync(address, node => node == owner)).Name}");
        }
        finally
        {
            foreach (Node node in Cluster.Nodes)
            {
                await putBack(node);
            }
        }
    }

    private Task<Node> MovedAsync(string address, Func<Node, bool> expected) => Eventually.GetAsync(
        async () => await OwnerOnWireAsync(address) is { } node && expected(node) ? node : null, Soon, $"{address} at the node expected", () => Cluster.Programs.Tails());

    private async Task NetworkUnavailableAsync(Node node, string status) => await Cluster.Api.MergeAsync($"/api/v1/nodes/{node.Name}/status", new JsonObject
    {
        ["status"] = new JsonObject
        {
            ["conditions"] = new JsonArray(
                new JsonObject { ["type"] = "Ready", ["status"] = "True", ["reason"] = "KubeletReady" },
                new JsonObject { ["type"] = "NetworkUnavailable", ["status"] = status, ["reason"] = "Test" }),
        },
    });

    private async Task<string?> ConfigMapWarningAsync() =>
        (string?)(await Cluster.Api.GetAsync($"/api/v1/namespaces/{LocalCluster.Cluster.SystemNamespace}/events"))["items"]!.AsArray()
            .LastOrDefault(entry => (string?)entry!["reason"] == "AddressesSkipped"
                && ((string?)entry["message"])!.Contains("careless", StringComparison.Ordinal)
                && ((string?)entry["message"])!.Contains("gateway", StringComparison.Ordinal))?["message"];
}
