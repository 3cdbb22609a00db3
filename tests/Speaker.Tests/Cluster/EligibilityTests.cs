using LoadBalancer.Core.Addressing;
using LoadBalancer.Core.Pools;
using LoadBalancer.Kubernetes.ListWatch;
using LoadBalancer.Kubernetes.Resources;

namespace LoadBalancer.Speaker.Tests.Cluster;

/// <summary>Who may own an address: endpoints, the pool's node selectors and interfaces, and what the Nodes say.</summary>
public sealed class EligibilityTests
{
    private const string Vip = "192.168.96.100";
    private readonly VirtualCluster cluster = new(3);
    private int version = 1000;

    [Fact]
    public void EndpointWithoutANodeName_CountsForPolicyClusterOnly()
    {
        cluster.Api.PutService("web", Vip, [""]);
        cluster.Api.PutService("local", "192.168.96.101", [""], policy: "Local");
        cluster.Run(8000);
        Assert.Single(cluster.Answering(Vip));
        Assert.Empty(cluster.Answering("192.168.96.101"));
        var told = Assert.Single(cluster.Api.Events, e => e.Service == "default/local");
        Assert.Equal("NoEligibleNode", told.Reason);
        Assert.EndsWith("no node may own it (n2, n3, n1: it has no serving endpoint, and externalTrafficPolicy is Local)", told.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void TwoSlicesOfAService_AreTakenTogether()
    {
        cluster.Api.PutService("web", Vip, [], policy: "Local");
        cluster.Api.Slices.Apply(new WatchEvent<EndpointSliceResource>(WatchEventType.Added, new EndpointSliceResource
        {
            Key = new ObjectKey("default", "web-second"),
            ResourceVersion = "77",
            ServiceName = "web",
            Serves = true,
            ServingNodes = ["n3"],
        }, "77"));
        cluster.Run(1500);
        Assert.Equal("n3", cluster.Only(Vip));
    }

    [Fact]
    public void NetworkUnavailable_IsNotUsed_AndUsedAgain()
    {
        cluster.Api.PutService("web", Vip, ["n1"]);
        cluster.Run(1500);
        var first = cluster.Only(Vip);
        Put(first, node => node with { NetworkUnavailable = true });
        cluster.Run(1500);
        Assert.NotEqual(first, cluster.Only(Vip));

        // Used again: with every other node out it has the address.
        Put(first, node => node);
        foreach (var other in Others(first))
        {
            Put(other, node => node with { NetworkUnavailable = true });
        }

        cluster.Run(1500);
        Assert.Equal(first, cluster.Only(Vip));
    }

    [Fact]
    public void NotReadyNodes_AreUsedOnlyWhenNoneIsReady()
    {
        cluster.Api.PutService("web", Vip, ["n1"]);
        var order = cluster.Order(Vip);
        Put(order[0], node => node with { Ready = false });
        Put(order[1], node => node with { Ready = false });
        cluster.Run(1500);
        Assert.Equal(order[2], cluster.Only(Vip));

        Put(order[2], node => node with { Ready = false });
        cluster.Run(1500);
        Assert.Single(cluster.Answering(Vip));
    }

    [Fact]
    public void NodeSelectors_LimitTheOwners_AndFollowTheLabels()
    {
        cluster.Api.Pools = new PoolConfig([cluster.Api.Pools!.Pools[0] with
        {
            NodeSelectors = [new LabelSelector([new LabelRequirement("edge", LabelOperator.In, ["true"])])],
        }]);
        cluster.Api.PutService("web", Vip, ["n1"]);
        Label("n2");
        cluster.Run(1500);
        Assert.Equal("n2", cluster.Only(Vip));

        Put("n2", node => node);
        Label("n3");
        cluster.Run(1500);
        Assert.Equal("n3", cluster.Only(Vip));

        Put("n3", node => node);
        cluster.Run(8000);
        Assert.Empty(cluster.Answering(Vip));
        Assert.EndsWith("(n1, n3, n2: the pool's node-selectors do not match it)", cluster.Api.Events[^1].Message, StringComparison.Ordinal);

        void Label(string name) => Put(name, node => node with { Labels = new Dictionary<string, string> { ["edge"] = "true" } });
    }

    [Fact]
    public void Interfaces_PresentThenAbsentThenPresent_AreFollowedAtRunTime()
    {
        cluster.Api.PutService("web", Vip, ["n1"]);
        Interfaces("eth0", "lan9");
        cluster.Run(1500);
        Assert.Single(cluster.Answering(Vip));

        Interfaces("lan9");
        cluster.Run(8000);
        Assert.Empty(cluster.Answering(Vip));
        var told = Assert.Single(cluster.Api.Events, e => e.Reason == "announceFailed");
        Assert.Contains("names the interfaces lan9, and no node has one of them here", told.Message, StringComparison.Ordinal);

        Interfaces("eth0");
        cluster.Run(500);
        Assert.Single(cluster.Answering(Vip));

        void Interfaces(params string[] names)
        {
            cluster.Api.Pools = new PoolConfig([cluster.Api.Pools!.Pools[0] with { Interfaces = names }]);
            cluster.Speakers.ForEach(speaker => speaker.Pipeline.FactsChanged());
        }
    }

    [Fact]
    public void SharersUnderPolicyLocal_AreAnnouncedFromANodeThatServesAllOfThem()
    {
        // One address for each node to be first in its order.
        string[] vips = ["192.168.96.100", "192.168.96.101", "192.168.96.102", "192.168.96.103", "192.168.96.104", "192.168.96.105"];
        foreach (var vip in vips)
        {
            cluster.Api.PutService("tcp" + vip, vip, ["n2", "n3"], policy: "Local");
            cluster.Api.PutService("udp" + vip, vip, ["n3", "n1"], policy: "Local");
            cluster.Api.PutService("none" + vip, vip, [], policy: "Local");
        }

        cluster.Run(3000);
        Assert.All(vips, vip => Assert.Equal("n3", cluster.Only(vip)));
        Assert.DoesNotContain(cluster.Api.Events, e => e.Message.Contains("requests for those", StringComparison.Ordinal));
    }

    [Fact]
    public void SharersUnderPolicyLocal_WhoseEndpointsAreNowhereTogether_AreAnnouncedStill_AndItIsSaid()
    {
        cluster.Api.PutService("one", Vip, ["n2"], policy: "Local");
        cluster.Api.PutService("two", Vip, ["n3"], policy: "Local");
        cluster.Run(1500);
        Assert.Contains(cluster.Only(Vip), new[] { "n2", "n3" });
        var told = cluster.Api.Events.Where(e => e.Reason == "nodeAssigned").ToList();
        Assert.Equal(2, told.Count);
        Assert.All(told, e => Assert.Contains(
            $"no node has a ready endpoint of every Service that shares {Vip}: requests for those without one here are lost", e.Message, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(Vip)]
    [InlineData("fd00:96::5")]
    public void SharedAddress_OfEitherFamily_IsAnnouncedFromOneNode(string address)
    {
        cluster.Api.Pools = new PoolConfig([cluster.Api.Pools!.Pools[0] with
        {
            Ranges = [.. cluster.Api.Pools.Pools[0].Ranges, IpPrefix.Parse("fd00:96::/120").Range],
        }]);
        cluster.Api.PutService("tcp", address, ["n1"]);
        cluster.Api.PutService("udp", address, ["n2"]);
        cluster.Run(3000);
        var owner = cluster.Only(address);
        Assert.Equal(["default/tcp", "default/udp"], cluster.Api.Events.Select(told => told.Service).Order());
        Assert.All(cluster.Api.Events, told => Assert.Equal($"announcing from node \"{owner}\" with protocol \"layer2\"", told.Message));
    }

    private IEnumerable<string> Others(string name) => cluster.Speakers.Select(speaker => speaker.Name).Where(other => other != name);

    private void Put(string name, Func<NodeResource, NodeResource> with) =>
        cluster.Api.PutNode(with(new NodeResource { Key = new ObjectKey("", name), Uid = name, ResourceVersion = $"{++version}" }));
}
