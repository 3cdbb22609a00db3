using LoadBalancer.Controller.Tests.Fakes;
using LoadBalancer.Kubernetes.ListWatch;
using LoadBalancer.Kubernetes.Resources;

namespace LoadBalancer.Controller.Tests.Assigning;

/// <summary>Which pool a Service gets its address from: its namespace, the namespace's labels, its own labels, the pools' priority.</summary>
[Collection(Replica.Metrics)]
public sealed class SelectionTests
{
    [Theory]
    [InlineData("by namespace", "namespaces: [default]", "10.0.2.1")]
    [InlineData("another namespace", "namespaces: [other]", "10.0.1.1")]
    [InlineData("by namespace labels", "namespace-selectors: [{match-labels: {team: web}}]", "10.0.2.1")]
    [InlineData("other namespace labels", "namespace-selectors: [{match-labels: {team: db}}]", "10.0.1.1")]
    [InlineData("namespace or labels", "namespaces: [other], namespace-selectors: [{match-labels: {team: web}}]", "10.0.2.1")]
    [InlineData("by service labels", "service-selectors: [{match-expressions: [{key: tier, operator: In, values: [front]}]}]", "10.0.2.1")]
    [InlineData("other service labels", "service-selectors: [{match-expressions: [{key: tier, operator: NotIn, values: [front]}]}]", "10.0.1.1")]
    [InlineData("both", "namespaces: [default], service-selectors: [{match-labels: {tier: front}}]", "10.0.2.1")]
    [InlineData("only one of both", "namespaces: [default], service-selectors: [{match-labels: {tier: back}}]", "10.0.1.1")]
    [InlineData("only priority", "priority: 1", "10.0.2.1")]
    [InlineData("lower priority", "priority: 100", "10.0.1.1")]
    public async Task Pool_IsChosenByWhatItSaysOfTheService(string name, string keys, string expected)
    {
        var cluster = new FakeCluster().Synced();
        cluster.Namespaces.Replace([Namespace("1", "web")]);
        await using var replica = new Replica(cluster).WithPools(TwoPools(keys)).Lead();
        cluster.Create(1, s => s with { Labels = new Dictionary<string, string> { ["tier"] = "front" } });
        await Eventually.True(() => cluster.AddressOf("s1").Length > 0);
        Assert.True(cluster.AddressOf("s1") == expected, $"{name}: {cluster.AddressOf("s1")}");
    }

    [Fact]
    public async Task NamespaceLabelChanged_ServiceFollowsAtOnce()
    {
        var cluster = new FakeCluster().Synced();
        cluster.Namespaces.Replace([Namespace("1", "web")]);
        await using var replica = new Replica(cluster).WithPools(TwoPools("namespace-selectors: [{match-labels: {team: web}}]")).Lead();
        cluster.Create(1);
        await Eventually.True(() => cluster.AddressOf("s1") == "10.0.2.1");

        cluster.Namespaces.Apply(new WatchEvent<NamespaceResource>(WatchEventType.Modified, Namespace("2", "db"), "2"));
        await Eventually.True(() => cluster.AddressOf("s1") == "10.0.1.1");
        await Eventually.True(() => replica.Events.Of("s1") is [_, var moved] && moved.Message.EndsWith("[PoolNotForService]", StringComparison.Ordinal));
    }

    [Fact]
    public async Task OnePoolOfTwoRemoved_ItsServicesMove_TheOthersStay()
    {
        var cluster = new FakeCluster().Synced();
        await using var replica = new Replica(cluster).WithPools(TwoPools("auto-assign: false")).Lead();
        cluster.Create(1);
        cluster.Create(2, s => s with { Annotations = new Dictionary<string, string> { ["metallb.universe.tf/address-pool"] = "chosen" } });
        await Eventually.True(() => (cluster.AddressOf("s1"), cluster.AddressOf("s2")) == ("10.0.1.1", "10.0.2.1"));

        replica.WithPools("address-pools: [{name: general, protocol: layer2, addresses: [10.0.1.0-10.0.1.9], avoid-buggy-ips: true, priority: 50}]");
        await Eventually.True(() => cluster.AddressOf("s2").Length == 0);
        await Eventually.True(() => replica.Events.Of("s2").Any(e => e.Message.Contains("[PoolUnknown]", StringComparison.Ordinal)));
        Assert.Equal("10.0.1.1", cluster.AddressOf("s1"));
    }

    private static string TwoPools(string keys) => $"""
        address-pools:
        - {"{"}name: general, protocol: layer2, addresses: [10.0.1.0-10.0.1.9], avoid-buggy-ips: true, priority: 50{"}"}
        - {"{"}name: chosen, protocol: layer2, addresses: [10.0.2.1-10.0.2.9], {keys}{"}"}
        """;

    private static NamespaceResource Namespace(string version, string team) => new()
    {
        Key = new ObjectKey("", "default"),
        ResourceVersion = version,
        Labels = new Dictionary<string, string> { ["team"] = team },
    };
}
