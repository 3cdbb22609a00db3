using System.Globalization;
using LoadBalancer.Core.Addressing;
using LoadBalancer.Core.Pools;
using LoadBalancer.Kubernetes.Configuration;

namespace LoadBalancer.Kubernetes.Tests.Configuration;

public sealed class PoolConfigTextTests
{
    public static TheoryData<string> RefusedSubjects => [.. RefusedConfigs.All.Select(config => config.Subject)];

    [Theory]
    [MemberData(nameof(RefusedSubjects))]
    public void ConfigThatIsRefused_Read_ReportsEveryProblemWithPlaceAndRemedy(string subject)
    {
        var config = RefusedConfigs.All.Single(config => config.Subject == subject);
        var result = PoolConfigText.Read(config.Text);
        Assert.Null(result.Config);
        Assert.NotEmpty(config.Problems);
        Assert.Equal(config.Problems, result.Problems.Select(problem => problem.ToString()));
        Assert.All(result.Problems, problem => Assert.Equal(ConfigSeverity.Error, problem.Severity));
    }

    [Theory]
    [InlineData("")]
    [InlineData("\n\n")]
    [InlineData("# nothing yet\n")]
    [InlineData("---\n")]
    [InlineData("---\n...\n")]
    [InlineData("~")]
    [InlineData("{}")]
    [InlineData("address-pools:\n")]
    [InlineData("address-pools: null\n")]
    [InlineData("address-pools: []\n")]
    [InlineData("\uFEFFaddress-pools: []\r\n")]
    public void DocumentWithoutPools_Read_IsTheEmptyConfiguration(string text)
    {
        var result = PoolConfigText.Read(text);
        Assert.Same(PoolConfig.Empty, result.Config);
        Assert.Empty(result.Problems);
    }

    [Fact]
    public void EveryKey_Read_ArrivesInThePool()
    {
        var pool = Assert.Single(Accept("""
            address-pools:
            - name: default
              protocol: layer2
              addresses: [192.168.96.100-192.168.96.150, 'fd00:96::/120', 192.168.96.64 - 192.168.96.70]
              auto-assign: false
              avoid-buggy-ips: true
              reserved: [192.168.96.120, 192.168.96.130-192.168.96.135, 192.168.96.136]
              priority: 10
              namespaces: [prod, 7]
              namespace-selectors: [{match-labels: {team: web}}]
              service-selectors:
              - match-labels: {app: shop}
                match-expressions:
                - {key: tier, operator: In, values: [front, edge]}
                - {key: canary, operator: DoesNotExist}
              - {}
              node-selectors: [{match-labels: {edge: "true"}}]
              interfaces: [eth0]
            """).Pools);

        Assert.Equal("default", pool.Name);
        Assert.Equal(
            ["192.168.96.64-192.168.96.70", "192.168.96.100-192.168.96.150", "fd00:96::-fd00:96::ff"],
            pool.Ranges.Select(range => range.ToString()));
        Assert.Equal(["192.168.96.120", "192.168.96.130-192.168.96.136"], pool.Reserved.Select(range => range.ToString()));
        Assert.False(pool.AutoAssign);
        Assert.True(pool.AvoidBuggyIps);
        Assert.Equal(10, pool.Priority);
        Assert.Equal(["prod", "7"], pool.Namespaces);
        Assert.Equal("team In web", Selectors(pool.NamespaceSelectors));
        Assert.Equal("app In shop, tier In front edge, canary DoesNotExist ; ", Selectors(pool.ServiceSelectors));
        Assert.Equal("edge In true", Selectors(pool.NodeSelectors));
        Assert.Equal(["eth0"], pool.Interfaces);
    }

    [Fact]
    public void KeysThatAreAbsentOrNull_Read_HaveTheirDefaults()
    {
        var pool = Assert.Single(Accept("""
            address-pools:
            - name: a
              protocol: layer2
              addresses:
              - 1.2.3.0/24
              auto-assign:
              avoid-buggy-ips: ~
              reserved: null
              priority:
              namespaces: []
              service-selectors:
            """).Pools);

        Assert.True(pool.AutoAssign);
        Assert.False(pool.AvoidBuggyIps);
        Assert.Null(pool.Priority);
        Assert.Empty(pool.Reserved);
        Assert.Empty(pool.Namespaces);
        Assert.Empty(pool.NamespaceSelectors);
        Assert.Empty(pool.ServiceSelectors);
        Assert.Empty(pool.NodeSelectors);
        Assert.Empty(pool.Interfaces);
    }

    [Theory]
    [InlineData("true", true, 0)]
    [InlineData("True", true, 0)]
    [InlineData("FALSE", false, 0)]
    [InlineData("yes", true, 1)]
    [InlineData("Off", false, 1)]
    public void Flag_Read_TakesTheWordsMetalLBTakesAndWarnsOfTheOldOnes(string word, bool value, int warnings)
    {
        var result = PoolConfigText.Read($"address-pools: [{{name: a, protocol: layer2, addresses: [1.2.3.0/24], auto-assign: {word}}}]");
        Assert.Equal(value, Assert.Single(result.Config!.Pools).AutoAssign);
        Assert.Equal(warnings, result.Problems.Count);
    }

    [Fact]
    public void PoolsWithPriorities_Read_AreInOrderOfPriorityThenAsWritten()
    {
        var config = Accept("""
            address-pools:
            - {name: last, protocol: layer2, addresses: [10.0.0.0/24]}
            - {name: second, protocol: layer2, addresses: [10.0.1.0/24], priority: 5}
            - {name: third, protocol: layer2, addresses: [10.0.2.0/24], priority: 5}
            - {name: first, protocol: layer2, addresses: [10.0.3.0/24], priority: -1}
            - {name: later still, protocol: layer2, addresses: [10.0.4.0/24]}
            """);
        Assert.Equal(["first", "second", "third", "last", "later still"], config.Pools.Select(pool => pool.Name));
    }

    [Theory]
    [InlineData("peers: []", "peers")]
    [InlineData("peers:", "peers")]
    [InlineData("peers: null", "peers")]
    [InlineData("peers: {}", "peers")]
    [InlineData("bgp-communities: {}", "bgp-communities")]
    [InlineData("bgp-communities:", "bgp-communities")]
    [InlineData("bfd-profiles: []", "bfd-profiles")]
    [InlineData("address-pools: [{name: a, protocol: layer2, addresses: [10.0.0.0/24], bgp-advertisements: []}]", "address-pools[0].bgp-advertisements")]
    [InlineData("address-pools: [{name: a, protocol: layer2, addresses: [10.0.0.0/24], bgp-advertisements: }]", "address-pools[0].bgp-advertisements")]
    public void KeyOfBgpWithoutContent_Read_IsAcceptedWithAWarning(string text, string path)
    {
        var result = PoolConfigText.Read(text + "\n");
        Assert.NotNull(result.Config);
        var problem = Assert.Single(result.Problems);
        Assert.Equal((ConfigSeverity.Warning, path), (problem.Severity, problem.Path));
        Assert.EndsWith("configures BGP, and only layer2 is served here; it is empty, so nothing is lost", problem.Message, StringComparison.Ordinal);
        Assert.Equal($"remove '{path.Split('.')[^1]}'", problem.Remedy);
    }

    [Theory]
    [InlineData(
        "addresses: [192.168.1.10/24]",
        "line 4, column 15: address-pools[0].addresses[0]: '192.168.1.10/24' has host bits set; it is read as 192.168.1.0-192.168.1.255 "
        + "(write 192.168.1.0/24, or a range if fewer addresses were meant)")]
    [InlineData(
        "addresses: [192.168.1.0/28]\n  reserved: [192.168.1.10-192.168.1.20]",
        "line 5, column 14: address-pools[0].reserved[0]: 192.168.1.10-192.168.1.20 is only partly in the pool's addresses "
        + "(the rest has no effect; the pool has 192.168.1.0-192.168.1.15)")]
    [InlineData(
        "addresses: [192.168.1.0/28]\n  auto-assign: no",
        "line 5, column 16: address-pools[0].auto-assign: 'no' is read as false (write false)")]
    public void QuestionableConfig_Read_IsAcceptedWithAWarning(string lines, string warning)
    {
        var result = PoolConfigText.Read($"address-pools:\n- name: a\n  protocol: layer2\n  {lines}\n");
        Assert.NotNull(result.Config);
        var problem = Assert.Single(result.Problems);
        Assert.Equal(ConfigSeverity.Warning, problem.Severity);
        Assert.Equal(warning, problem.ToString());
    }

    [Fact]
    public void AnchorsAndMergeKeys_Read_AreResolvedAndWrittenKeysWin()
    {
        var config = Accept("""
            address-pools:
            - &first
              name: a
              protocol: layer2
              addresses: [10.0.0.0/24]
              avoid-buggy-ips: true
              namespaces: &shared [prod, test]
            - <<: *first
              name: b
              addresses: [10.0.1.0/24]
            - name: c
              <<: [*first]
              addresses: [10.0.2.0/24]
              namespaces: *shared
            """);
        Assert.Equal(["a", "b", "c"], config.Pools.Select(pool => pool.Name));
        Assert.All(config.Pools, pool => Assert.True(pool.AvoidBuggyIps));
        Assert.All(config.Pools, pool => Assert.Equal(["prod", "test"], pool.Namespaces));
    }

    [Theory]
    [InlineData("addresses: [1.2.3.0/24]", "256")]
    [InlineData("addresses: [1.2.3.0/24, 2.3.4.128/25]", "384")]
    [InlineData("addresses: [1.2.3.0/24, 2.3.4.128/25]\n  avoid-buggy-ips: true", "381")]
    [InlineData("addresses: ['1000::/64']", "18446744073709551616")]
    [InlineData("addresses: ['1000::/64', 1.2.3.0/24]\n  avoid-buggy-ips: true", "18446744073709551870")]
    [InlineData("addresses: [10.0.0.0/8]\n  avoid-buggy-ips: true", "16646144")]
    [InlineData("addresses: [1.2.3.1-1.2.3.254]\n  avoid-buggy-ips: true", "254")]
    [InlineData("addresses: [1.2.3.255-1.2.4.0]\n  avoid-buggy-ips: true", "0")]
    public void Pool_Read_HasTheKnownSize(string lines, string size)
    {
        var config = Accept($"address-pools:\n- name: a\n  protocol: layer2\n  {lines}\n");
        Assert.Equal(UInt128.Parse(size, CultureInfo.InvariantCulture), config.Pools[0].Size);
    }

    [Fact]
    public void ConfigurationForMetalLB_Read_WorksUnchanged()
    {
        var config = Accept("""
            # kubectl -n metallb-system get configmap config -o jsonpath='{.data.config}'
            address-pools:
            - name: production
              protocol: layer2
              addresses:
              - 42.176.25.64/30
              - 42.176.26.0/24
              avoid-buggy-ips: true
            - name: lan
              auto-assign: false
              protocol: layer2
              addresses:
              - 192.168.144.1 - 192.168.144.100
              - "fc00:f853:0ccd:e799::/124"
            """);
        Assert.Equal("lan", config.Find(IpAddress.Parse("fc00:f853:ccd:e799::f"))?.Name);
        Assert.Equal("production", config.Find(IpAddress.Parse("42.176.26.255"))?.Name);
        Assert.Null(config.Find(IpAddress.Parse("192.168.144.101")));
    }

    private static PoolConfig Accept(string text)
    {
        var result = PoolConfigText.Read(text);
        Assert.Empty(result.Problems);
        return result.Config!;
    }

    private static string Selectors(IEnumerable<LabelSelector> selectors) => string.Join(" ; ", selectors.Select(selector =>
        string.Join(", ", selector.Requirements.Select(requirement =>
            $"{requirement.Key} {requirement.Operator} {string.Join(' ', requirement.Values)}".TrimEnd()))));
}
