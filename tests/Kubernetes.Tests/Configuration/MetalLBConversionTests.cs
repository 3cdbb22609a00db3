using LoadBalancer.Core.Pools;
using LoadBalancer.Kubernetes.Configuration;

namespace LoadBalancer.Kubernetes.Tests.Configuration;

/// <summary>The resources of MetalLB since 0.13, converted: what the result means, and what is said of what it cannot mean.</summary>
public sealed class MetalLBConversionTests
{
    private const string Pool = "{kind: IPAddressPool, metadata: {name: a}, spec: {addresses: [10.0.0.0/24]}}";

    [Theory]
    [InlineData("{kind: IPAddressPoolList, apiVersion: metallb.io/v1beta1, items: [" + Pool + "]}")]
    [InlineData("{apiVersion: v1, kind: List, items: [" + Pool + "]}")]
    [InlineData("[" + Pool + "]")]
    [InlineData("{apiVersion: metallb.io/v1beta1, kind: AddressPool, metadata: {name: a}, spec: {protocol: layer2, addresses: [10.0.0.0/24]}}")]
    [InlineData("{\"apiVersion\": \"metallb.io/v1beta1\", \"kind\": \"IPAddressPool\", \"metadata\": {\"name\": \"a\"}, \"spec\": {\"addresses\": [\"10.0.0.0/24\"]}}")]
    public void Pool_InAnyWrapping_IsFound(string text) =>
        Assert.Equal("address-pools: [{name: a, protocol: layer2, addresses: [10.0.0.0/24]}]", Convert(text).ToLine());

    [Fact]
    public void Result_IsAValidConfigurationOfTheSameMeaning()
    {
        var conversion = Convert("""
            apiVersion: metallb.io/v1beta1
            kind: IPAddressPool
            metadata: {name: "it's 7: odd", labels: {zone: b}}
            spec:
              addresses: [10.0.0.0/24, 'fd00::1-fd00::9', "10.0.1.1 - 10.0.1.9"]
              serviceAllocation:
                serviceSelectors: [{matchLabels: {app: "true", "example.com/x": ""}, matchExpressions: [{key: canary, operator: DoesNotExist}]}]
            ---
            apiVersion: metallb.io/v1beta1
            kind: IPAddressPool
            metadata: {name: first}
            spec: {addresses: [10.0.2.0/24], serviceAllocation: {priority: 3}}
            ---
            apiVersion: metallb.io/v1beta1
            kind: L2Advertisement
            metadata: {name: l2}
            """);
        Assert.Empty(conversion.Losses);
        foreach (var text in new[] { conversion.ToLine(), conversion.ToText() })
        {
            var result = PoolConfigText.Read(text);
            Assert.Empty(result.Problems);
            var odd = Assert.Single(result.Config!.Pools, pool => pool.Name == "it's 7: odd");
            Assert.Equal(3, odd.Ranges.Count);
            var selector = Assert.Single(odd.ServiceSelectors);
            Assert.True(selector.Matches(new Dictionary<string, string> { ["app"] = "true", ["example.com/x"] = "" }));
            Assert.False(selector.Matches(new Dictionary<string, string> { ["app"] = "true", ["example.com/x"] = "", ["canary"] = "" }));

            // A pool with a priority alone is tried before those without any allocation: one that is for all Services, not for none.
            var first = Assert.Single(result.Config.Pools, pool => pool.Name == "first");
            Assert.Equal(3, first.Priority);
            Assert.True(Assert.Single(first.ServiceSelectors).Matches(new Dictionary<string, string>()));
        }
    }

    [Theory]
    [InlineData("{}", "")]
    [InlineData("{ipAddressPools: [a], nodeSelectors: [{matchLabels: {edge: x}}]}", ", node-selectors: [{match-labels: {edge: x}}]")]
    [InlineData("{ipAddressPools: [a], interfaces: [eth0]} | {interfaces: [eth1]}", ", interfaces: [eth0, eth1]")]
    [InlineData("{interfaces: [eth0]} | {ipAddressPools: [a]}", "")]
    [InlineData("{interfaces: [eth0]} | {ipAddressPools: [b]}", ", interfaces: [eth0]")]
    public void Advertisements_OfAPool_AreItsNodesAndInterfaces(string specs, string expected)
    {
        var conversion = Convert(string.Join("\n---\n", [Pool, .. Advertisements(specs)]));
        Assert.Equal($"address-pools: [{{name: a, protocol: layer2, addresses: [10.0.0.0/24]{expected}}}]", conversion.ToLine());
        Assert.Empty(conversion.Losses);
    }

    [Theory]
    [InlineData("{ipAddressPools: [b]}", "no L2Advertisement is for pool 'a'")]
    [InlineData("{serviceSelectors: [{matchLabels: {a: b}}]}", "L2Advertisement 'l0': serviceSelectors")]
    [InlineData("{bandwidth: 3}", "L2Advertisement 'l0': bandwidth")]
    [InlineData(
        "{interfaces: [eth0], nodeSelectors: [{matchLabels: {a: b}}]} | {interfaces: [eth1], nodeSelectors: [{matchLabels: {c: d}}]}",
        "pool 'a' has L2Advertisements with other nodes on other interfaces")]
    public void WhatCannotBeCarriedOver_IsNamed(string specs, string loss) =>
        Assert.StartsWith(loss, Assert.Single(Convert(string.Join("\n---\n", [Pool, .. Advertisements(specs)])).Losses), StringComparison.Ordinal);

    [Theory]
    [InlineData("{kind: IPAddressPool, metadata: {name: a}, spec: {addresses: [10.0.0.0/24], color: red}}", "IPAddressPool 'a': color")]
    [InlineData("{kind: IPAddressPool, metadata: {name: a}, spec: {addresses: 7}}", "IPAddressPool 'a': addresses is not a list of texts")]
    [InlineData("{kind: IPAddressPool, metadata: {name: a}, spec: {addresses: [10.0.0.0/24], autoAssign: maybe}}", "IPAddressPool 'a': autoAssign is neither true nor false")]
    [InlineData("{kind: IPAddressPool, spec: {addresses: [10.0.0.0/24]}}", "IPAddressPool without a name")]
    [InlineData("{kind: BGPAdvertisement, metadata: {name: x}}", "BGPAdvertisement 'x': only layer2 is served here")]
    [InlineData("{kind: Community, metadata: {name: x}}", "Community 'x': only layer2 is served here")]
    [InlineData("{apiVersion: metallb.io/v1beta1, kind: AddressPool, metadata: {name: x}, spec: {protocol: bgp, addresses: [10.0.0.0/24]}}", "AddressPool 'x': protocol bgp")]
    [InlineData("{apiVersion: v1, kind: Namespace, metadata: {name: metallb-system}}", "Namespace 'metallb-system': not of MetalLB")]
    public void WhatIsNotUnderstood_IsNamedToo(string document, string loss) => Assert.Contains(
        Convert($"{document}\n---\nkind: L2Advertisement\nmetadata: {{name: l2}}\n").Losses, text => text.StartsWith(loss, StringComparison.Ordinal));

    [Theory]
    [InlineData("address-pools: []")]
    [InlineData("kind: of")]
    [InlineData("[a, b]")]
    [InlineData("7")]
    public void AnythingElse_IsNoResource(string text) => Assert.Null(MetalLBConversion.Of(Roots(text)));

    private static IEnumerable<string> Advertisements(string specs) => specs.Split(" | ").Select((spec, index) =>
        $"{{kind: L2Advertisement, metadata: {{name: l{index}}}, spec: {spec}}}");

    private static MetalLBConversion Convert(string text) => MetalLBConversion.Of(Roots(text))!;

    private static IEnumerable<ConfigNode> Roots(string text) => YamlConfigReader.Read(text).Documents.Select(document => document.Root);
}
