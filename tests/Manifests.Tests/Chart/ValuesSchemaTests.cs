using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using LoadBalancer.Kubernetes.Configuration;
using LoadBalancer.LocalCluster.ApiServer.Json;

namespace LoadBalancer.Manifests.Tests.Chart;

/// <summary>
/// <c>values.schema.json</c> refuses what the chart has no use for and what the programs would refuse. What needs no Helm to be seen is
/// seen without it.
/// </summary>
public sealed class ValuesSchemaTests
{
    private static readonly JsonObject Schema = JsonNode.Parse(ProjectFiles.Read("manifests", "chart", "values.schema.json"))!.AsObject();
    private static readonly JsonObject Values = YamlText.Parse(ProjectFiles.Read("manifests", "chart", "values.yaml"))!.AsObject();

    [Theory]
    [InlineData("unknown: 1", "unknown")]
    [InlineData("speaker: {resource: {}}", "resource")]
    [InlineData("speaker: {resources: {limits: {cpu: 1}}}", "cpu")]
    [InlineData("speaker: {grace: 1h}", "grace")]
    [InlineData("speaker: {heartbeatInterval: fast}", "heartbeatInterval")]
    [InlineData("speaker: {probeInterval: 5 minutes}", "probeInterval")]
    [InlineData("controller: {replicas: two}", "replicas")]
    [InlineData("controller: {tolerations: [{effekt: NoSchedule}]}", "effekt")]
    [InlineData("namespace: {name: Load_Balancer}", "name")]
    [InlineData("logLevel: verbose", "logLevel")]
    [InlineData("image: {tag: 'a b'}", "tag")]
    [InlineData("components: {marklostnodes: true}", "marklostnodes")]
    [InlineData("monitoring: {dashboards: true}", "dashboards")]
    [InlineData("pools: {name: a}", "pools")]
    [InlineData("pools: [{protocol: layer2, addresses: [10.0.0.0/24]}]", "name")]
    [InlineData("pools: [{name: '', protocol: layer2, addresses: [10.0.0.0/24]}]", "name")]
    [InlineData("pools: [{name: a, addresses: [10.0.0.0/24]}]", "protocol")]
    [InlineData("pools: [{name: a, protocol: bgp, addresses: [10.0.0.0/24]}]", "protocol")]
    [InlineData("pools: [{name: a, protocol: layer2}]", "addresses")]
    [InlineData("pools: [{name: a, protocol: layer2, addresses: []}]", "addresses")]
    [InlineData("pools: [{name: a, protocol: layer2, addresses: [10.0.0.1]}]", "addresses")]
    [InlineData("pools: [{name: a, protocol: layer2, adresses: [10.0.0.0/24]}]", "adresses")]
    [InlineData("pools: [{name: a, protocol: layer2, addresses: [10.0.0.0/24], bgp-advertisements: [{}]}]", "bgp-advertisements")]
    [InlineData("pools: [{name: a, protocol: layer2, addresses: [10.0.0.0/24], auto-assign: maybe}]", "auto-assign")]
    [InlineData("pools: [{name: a, protocol: layer2, addresses: [10.0.0.0/24], priority: 1.5}]", "priority")]
    [InlineData("pools: [{name: a, protocol: layer2, addresses: [10.0.0.0/24], namespaces: ['']}]", "namespaces")]
    [InlineData("pools: [{name: a, protocol: layer2, addresses: [10.0.0.0/24], node-selectors: [{matchLabels: {}}]}]", "matchLabels")]
    [InlineData("pools: [{name: a, protocol: layer2, addresses: [10.0.0.0/24], node-selectors: [{match-expressions: [{key: a, operator: In}]}]}]", "values")]
    [InlineData("pools: [{name: a, protocol: layer2, addresses: [10.0.0.0/24], node-selectors: [{match-expressions: [{key: a, operator: Exists, values: [b]}]}]}]", "values")]
    [InlineData("pools: [{name: a, protocol: layer2, addresses: [10.0.0.0/24], node-selectors: [{match-expressions: [{key: a, operator: Is}]}]}]", "operator")]
    public void Value_ThatIsWrong_IsRefusedByItsName(string values, string named)
    {
        var result = HelmProgram.Template(values);
        Assert.NotEqual(0, result.ExitCode);
        Assert.Contains("schema", result.Errors, StringComparison.Ordinal);
        Assert.Contains(named, result.Errors[result.Errors.IndexOf("schema", StringComparison.Ordinal)..], StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("192.168.96.0/24")]
    [InlineData("192.168.96.100 - 192.168.96.150")]
    [InlineData("10.0.0.7/32")]
    [InlineData("fd00:96::/120")]
    [InlineData("fd00::10-fd00::20")]
    [InlineData("FD00:96::1/128")]
    [InlineData("2001:db8:1:2:3:4:5:6/128")]
    [InlineData("192.168.96.10/24")]
    [InlineData("192.168.96.100")]
    [InlineData("fd00::1")]
    [InlineData("192.168.96.100/33")]
    [InlineData("100.200.300.400/24")]
    [InlineData("192.168.096.1/32")]
    [InlineData("fd00::/129")]
    [InlineData("192.168.96.100-150")]
    [InlineData("192.168.96.100-")]
    [InlineData("192.168.96.100-192.168.96.110-192.168.96.120")]
    [InlineData("192.168.96.100–192.168.96.110")]
    [InlineData("192.168.96.100-fd00::1")]
    [InlineData("192.168.96.0/255.255.255.0")]
    [InlineData("192.168.96.0/24,192.168.97.0/24")]
    [InlineData("foo-192.168.96.100")]
    [InlineData("127.0.0.0/8")]
    [InlineData("0.0.0.0/8")]
    [InlineData("169.254.1.0/24")]
    [InlineData("224.0.0.1-224.0.0.9")]
    [InlineData("239.1.2.0/24")]
    [InlineData("fe80::/64")]
    [InlineData("ff02::/16")]
    [InlineData("")]
    public void Address_OfAPool_IsRefusedByTheSchemaWhenTheProgramRefusesIt(string address)
    {
        var program = PoolConfigText.Read($"address-pools: [{{name: a, protocol: layer2, addresses: ['{address}']}}]").Config is not null;
        var definition = Schema["definitions"]!["addresses"]!;
        Assert.Equal(program, MatchesOne(definition, address) && !Matches(definition["not"]!, address));
    }

    /// <summary>What the schema lets pass and the controller tells: a pattern cannot compare two numbers.</summary>
    [Theory]
    [InlineData("192.168.96.150-192.168.96.100")]
    [InlineData("fd00::1::2/128")]
    [InlineData("126.0.0.0-128.0.0.0")]
    public void Address_ThatOnlyTheProgramCanJudge_IsRefusedByIt(string address)
    {
        Assert.Null(PoolConfigText.Read($"address-pools: [{{name: a, protocol: layer2, addresses: ['{address}']}}]").Config);
        Assert.True(MatchesOne(Schema["definitions"]!["addresses"]!, address));
    }

    [Theory]
    [InlineData("192.168.96.120", true)]
    [InlineData("fd00::1", true)]
    [InlineData("192.168.96.120-192.168.96.125", true)]
    [InlineData("192.168.96.300", false)]
    public void ReservedAddress_MayStandAlone(string address, bool valid) =>
        Assert.Equal(valid, MatchesOne(Schema["definitions"]!["reserved"]!, address));

    [Fact]
    public void KeysOfAPool_AreThoseTheProgramKnows()
    {
        var unknown = Assert.Single(
            PoolConfigText.Read("address-pools: [{xyzzy: }]").Problems, problem => problem.Message == "unknown key 'xyzzy'");
        Assert.Equal(
            unknown.Remedy["valid here are ".Length..].Split(", ").Order(StringComparer.Ordinal),
            Schema["definitions"]!["pool"]!["properties"]!.AsObject().Select(key => key.Key).Order(StringComparer.Ordinal));
    }

    [Fact]
    public void EveryMap_SaysWhatElseMayBeInIt() => Assert.All(
        Nodes(Schema).OfType<JsonObject>().Where(node => node["type"] is JsonValue type && type.ToString() == "object" && node.GetPath() != "$.properties.global"),
        map => Assert.True(map.ContainsKey("additionalProperties"), map.GetPath()));

    [Fact]
    public void EveryValue_HasADefaultAndAPlaceInTheSchema() => AssertSameKeys(Values, Schema);

    [Fact]
    public void EveryComponent_IsAValueThatIsOff()
    {
        Assert.Equal(Component.Names.Select(ChartTests.ValueOf).Order(StringComparer.Ordinal),
            Values["components"]!.AsObject().Select(value => value.Key).Order(StringComparer.Ordinal));
        Assert.All(Values["components"]!.AsObject(), value => Assert.False((bool)value.Value!));
    }

    [Fact]
    public void VersionOfTheImages_IsTheKustomizations()
    {
        var chart = YamlText.Parse(ProjectFiles.Read("manifests", "chart", "Chart.yaml"));
        var kustomization = YamlText.Parse(ProjectFiles.Read("manifests", "loadbalancer", "kustomization.yaml"));
        Assert.All(kustomization.Objects("images"), image => Assert.Equal(image.Text("newTag"), chart.Text("appVersion")));
    }

    private static void AssertSameKeys(JsonObject values, JsonObject schema)
    {
        // Maps whose keys the user chooses: labels and node selectors. Amounts of resources may be left out.
        if (schema["properties"] is not JsonObject properties || values.GetPath().Contains(".resources", StringComparison.Ordinal))
        {
            return;
        }

        Assert.Equal(
            properties.Select(property => property.Key).Where(key => key != "global").Order(StringComparer.Ordinal),
            values.Select(value => value.Key).Order(StringComparer.Ordinal));
        foreach (var (key, value) in values)
        {
            if (value is JsonObject map)
            {
                AssertSameKeys(map, properties[key]!.AsObject());
            }
        }
    }

    private static IEnumerable<JsonNode> Nodes(JsonNode node) => node switch
    {
        JsonObject map => map.Select(entry => entry.Value).OfType<JsonNode>().SelectMany(Nodes).Prepend(map),
        JsonArray list => list.OfType<JsonNode>().SelectMany(Nodes).Prepend(list),
        _ => [node],
    };

    private static bool MatchesOne(JsonNode definition, string text) => definition["anyOf"]!.AsArray().Any(form => Matches(form!, text));

    // The patterns keep to what Go's, ECMA's and .NET's expressions have in common.
    private static bool Matches(JsonNode form, string text) => Regex.IsMatch(text, (string)form["pattern"]!, RegexOptions.CultureInvariant | RegexOptions.ECMAScript);
}
