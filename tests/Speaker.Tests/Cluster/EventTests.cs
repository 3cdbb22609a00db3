using LoadBalancer.Core.Pools;
using LoadBalancer.Kubernetes.Resources;

namespace LoadBalancer.Speaker.Tests.Cluster;

/// <summary>What <c>kubectl describe service</c> shows of the announcement: which node, since when, or why not; each change once.</summary>
public sealed class EventTests
{
    private const string Vip = "192.168.96.100";
    private readonly VirtualCluster cluster = new(3);

    [Fact]
    public void FirstOwner_IsToldInTheWordsPeopleLookFor()
    {
        cluster.Api.PutService("web", Vip, ["n1"]);
        cluster.Run(3000);
        var told = Assert.Single(cluster.Api.Events);
        Assert.Equal(("nodeAssigned", $"announcing from node \"{cluster.Only(Vip)}\" with protocol \"layer2\""), (told.Reason, told.Message));
    }

    [Theory]
    [InlineData(false, "break")]
    [InlineData(true, "stay")]
    public void OwnerChanged_SinceItsNodeIsExcluded_NamesFromToAndWhy_AndWhatBecomesOfConnections(bool kernel, string connections)
    {
        cluster.Speakers.ForEach(speaker => speaker.Port.HasKernel = kernel);
        cluster.Api.PutService("web", Vip, ["n1"]);
        cluster.Run(1500);
        var former = cluster.Only(Vip);
        Exclude(cluster, former);
        cluster.Run(1000);
        AssertMoved(former, $"it has the label node.kubernetes.io/exclude-from-external-load-balancers; open TCP connections {connections}");
    }

    [Fact]
    public void OwnerChanged_SinceItsEndpointMoved_NamesFromToAndWhy()
    {
        cluster.Api.PutService("web", Vip, ["n2"], policy: "Local");
        cluster.Run(1500);
        cluster.Api.PutEndpoints("web", ["n3"]);
        cluster.Run(1000);
        AssertMoved("n2", "it has no serving endpoint, and externalTrafficPolicy is Local; open TCP connections break");
    }

    // The owner gives it up by the fact; the successor takes it since the owner gave it up, and then gets the fact.
    [Fact]
    public void OwnerChanged_ByAFactThatTheNewOwnerGetsAMomentLater_IsToldWithThatReason()
    {
        var late = FakeApi.Answering();
        cluster["n3"].Kill();
        cluster.Restart("n3", late);
        foreach (var api in new[] { cluster.Api, late })
        {
            api.PutService("web", Vip, ["n2"], policy: "Local");
        }

        cluster.Run(3000);
        Assert.Equal("n2", cluster.Only(Vip));
        foreach (var api in new[] { cluster.Api, late })
        {
            api.PutEndpoints("web", ["n2", "n3"]);
        }

        cluster.Run(1000);
        cluster.Api.PutEndpoints("web", ["n3"]);
        cluster.Run(300);
        Assert.Empty(late.Events);
        late.PutEndpoints("web", ["n3"]);
        cluster.Run(2000);
        Assert.Equal("n3", cluster.Only(Vip));
        Assert.EndsWith(
            "was at node \"n2\" before: it has no serving endpoint, and externalTrafficPolicy is Local; open TCP connections break",
            Assert.Single(late.Events).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void NobodyAnyMore_NamesTheNodeItWasAt()
    {
        cluster.Api.PutService("web", Vip, ["n1"]);
        cluster.Run(1500);
        var former = cluster.Only(Vip);
        cluster.Api.PutEndpoints("web", []);
        cluster.Run(10_000);
        Assert.Equal(
            $"{Vip} is not announced any more, it was at node \"{former}\": no endpoint of the Service is ready",
            Assert.Single(cluster.Api.Events, e => e.Reason == "NoServingEndpoint").Message);
    }

    [Fact]
    public void NewService_WhoseEndpointsComeWithinFiveSeconds_HasOneEvent()
    {
        cluster.Api.PutService("web", Vip, []);
        cluster.Run(4500);
        cluster.Api.PutEndpoints("web", ["n1"]);
        cluster.Run(20_000);
        Assert.Equal(["nodeAssigned"], cluster.Api.Events.Select(e => e.Reason));
    }

    // Addresses are given out again at once, so that its former Service may be heard to be gone together with the new one.
    [Fact]
    public void NewService_OnTheAddressOfOneWithoutEndpoints_HasFiveSecondsOfItsOwn()
    {
        var former = cluster.Api.PutService("former", Vip, []);
        cluster.Run(10_000);
        Assert.Single(cluster.Api.Events, e => e.Reason == "NoServingEndpoint");
        cluster.Api.Remove(former);
        cluster.Api.PutService("web", Vip, []);
        cluster.Run(4500);
        cluster.Api.PutEndpoints("web", ["n1"]);
        cluster.Run(20_000);
        Assert.Equal(["nodeAssigned"], cluster.Api.Events.Where(e => e.Service == "default/web").Select(e => e.Reason));
    }

    [Fact]
    public void Sharer_OfAnAddressWithoutEndpoints_IsToldAfterFiveSeconds()
    {
        cluster.Api.PutService("dns-tcp", Vip, []);
        cluster.Run(10_000);
        cluster.Api.PutService("dns-udp", Vip, []);
        cluster.Run(4500);
        Assert.DoesNotContain(cluster.Api.Events, e => e.Service == "default/dns-udp");
        cluster.Run(2000);
        Assert.Equal([("default/dns-tcp", "NoServingEndpoint"), ("default/dns-udp", "NoServingEndpoint")], cluster.Api.Events.Select(e => (e.Service, e.Reason)));
    }

    [Fact]
    public void EndpointsThatAreAwayForLessThanFiveSeconds_AreNotTold()
    {
        cluster.Api.PutService("web", Vip, ["n1"]);
        cluster.Run(3000);
        for (var i = 0; i < 4; i++)
        {
            cluster.Api.PutEndpoints("web", []);
            cluster.Run(4500);
            Assert.Empty(cluster.Answering(Vip));
            cluster.Api.PutEndpoints("web", ["n1"]);
            cluster.Run(1000);
        }

        cluster.Run(20_000);
        Assert.DoesNotContain(cluster.Api.Events, e => e.Reason != "nodeAssigned");
    }

    // An address that moves into a pool: the new Service's first seconds are no news either.
    [Fact]
    public void NewService_OnAnAddressInNoPool_IsToldAfterFiveSeconds()
    {
        cluster.Api.PutService("former", "10.0.0.1", ["n1"]);
        cluster.Run(10_000);
        cluster.Api.PutService("web", "10.0.0.1", ["n1"]);
        cluster.Run(4500);
        Assert.DoesNotContain(cluster.Api.Events, e => e.Service == "default/web");
        cluster.Run(2000);
        Assert.Single(cluster.Api.Events, e => e is { Service: "default/web", Reason: "AddressNotInPool" });
    }

    [Fact]
    public void SharerThatComesLater_IsToldWhoAnnouncesItsAddress()
    {
        cluster.Api.PutService("dns-tcp", Vip, ["n1"]);
        cluster.Run(3000);
        cluster.Api.PutService("dns-udp", Vip, ["n1"]);
        cluster.Run(3000);
        Assert.Equal(
            [("default/dns-tcp", "nodeAssigned"), ("default/dns-udp", "nodeAssigned")], cluster.Api.Events.Select(e => (e.Service, e.Reason)));
    }

    [Fact]
    public void AddressWhosePoolIsGone_IsWithdrawnAndToldOnce()
    {
        cluster.Api.PutService("web", Vip, ["n1"]);
        cluster.Run(1500);
        cluster.Api.Pools = new PoolConfig([]);
        cluster.Speakers.ForEach(speaker => speaker.Pipeline.FactsChanged());
        cluster.Run(20_000);
        Assert.Empty(cluster.Answering(Vip));
        var told = Assert.Single(cluster.Api.Events, e => e.Reason == "AddressNotInPool");
        Assert.StartsWith($"{Vip} is not announced: it is in no pool", told.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void AddressOfANode_IsNotAnnouncedAndToldOnce()
    {
        cluster.Api.PutNode(new NodeResource { Key = new ObjectKey("", "n2"), Addresses = ["192.168.96.112"] });
        cluster.Run(100);
        cluster.Api.PutService("web", "192.168.96.112", ["n1"]);
        cluster.Run(20_000);
        AssertIsN2s();
    }

    [Fact]
    public void AddressOnANodesLink_IsNotAnnouncedAndToldOnce()
    {
        cluster.Api.PutService("web", "192.168.96.112", ["n1"]);
        cluster.Api.PutLease(new LeaseResource
        {
            Key = new ObjectKey(FakeApi.Namespace, "n2"),
            Annotations = new Dictionary<string, string> { ["loadbalancer/links"] = "eth0=192.168.96.112/20" },
        });
        cluster.Run(20_000);
        AssertIsN2s();
    }

    private void AssertIsN2s()
    {
        Assert.Empty(cluster.Answering("192.168.96.112"));
        var told = Assert.Single(cluster.Api.Events);
        Assert.Equal("AddressNotAnnounced", told.Reason);
        Assert.Contains("the address of node n2", told.Message, StringComparison.Ordinal);
    }

    // Guest agents and vSphere list every address of every interface, with IPVS the Services' on kube-ipvs0 too.
    [Fact]
    public void AddressInAServicesStatus_ThatNodesListToo_StaysAnnounced()
    {
        cluster.Api.PutService("web", Vip, ["n1"]);
        cluster.Run(1500);
        var owner = cluster.Only(Vip);
        foreach (var name in cluster.Order(Vip))
        {
            cluster.Api.PutNode(new NodeResource { Key = new ObjectKey("", name), Addresses = [$"192.168.96.1{name[1..]}", Vip] });
        }

        cluster.Run(10_000, _ => Assert.Equal([owner], cluster.Answering(Vip)));
        Assert.Equal("nodeAssigned", Assert.Single(cluster.Api.Events).Reason);
    }

    [Fact]
    public void EveryNodeIsExcluded_TheEventGivesTheCommandThatMakesThemUsable()
    {
        cluster.Api.PutService("web", Vip, ["n1"]);
        foreach (var name in cluster.Order(Vip))
        {
            Exclude(cluster, name);
        }

        cluster.Run(8000);
        var told = Assert.Single(cluster.Api.Events);
        Assert.Equal("NoEligibleNode", told.Reason);
        Assert.EndsWith(
            "to use those nodes: kubectl label node n1 n3 n2 node.kubernetes.io/exclude-from-external-load-balancers-", told.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void ExcludeLabelIgnored_TheNodeIsUsed()
    {
        var alone = new VirtualCluster(1, ignoreExcludeLabel: true);
        alone.Api.PutService("web", Vip, ["n1"]);
        Exclude(alone, "n1");
        alone.Run(3000);
        Assert.Equal("n1", alone.Only(Vip));
    }

    [Fact]
    public void GatewayInALease_IsNotAnnounced()
    {
        cluster.Api.PutService("web", Vip, ["n1"]);
        cluster.Run(1500);
        cluster.Api.PutLease(new LeaseResource
        {
            Key = new ObjectKey(FakeApi.Namespace, "n3"),
            Annotations = new Dictionary<string, string> { ["loadbalancer/gateways"] = Vip },
        });
        cluster.Run(10_000);
        Assert.Empty(cluster.Answering(Vip));
        Assert.Contains("the gateway of node n3", cluster.Api.Events[^1].Message, StringComparison.Ordinal);
    }

    [Fact]
    public void WhatLasts_IsToldAgainBeforeTheServerForgetsIt()
    {
        var alone = new VirtualCluster(1);
        alone.Api.PutService("web", Vip, ["n1"]);
        alone.Api.PutService("idle", "192.168.96.101", []);
        alone.RunAlone(TimeSpan.FromMinutes(39));
        Assert.Equal(["default/idle NoServingEndpoint", "default/web nodeAssigned"], alone.Api.Events.Select(e => $"{e.Service} {e.Reason}").Order());
        alone.RunAlone(TimeSpan.FromMinutes(81));
        Assert.Equal(2, alone.Api.Events.Count);
        var repeated = alone.Api.Repeated.Where(e => e.Service == "default/web").ToArray();
        Assert.InRange(repeated.Length, 2, 4);
        Assert.All(repeated, e => Assert.Equal("nodeAssigned", e.Reason));
        Assert.True(repeated[^1].Age > TimeSpan.FromMinutes(75), $"{repeated[^1].Age}");
        Assert.InRange(alone.Api.Repeated.Count(e => e.Reason == "NoServingEndpoint"), 2, 3);
    }

    private static void Exclude(VirtualCluster cluster, string name) => cluster.Api.PutNode(new NodeResource
    {
        Key = new ObjectKey("", name),
        Labels = new Dictionary<string, string> { ["node.kubernetes.io/exclude-from-external-load-balancers"] = "" },
    });

    private void AssertMoved(string former, string why)
    {
        var owner = cluster.Only(Vip);
        Assert.NotEqual(former, owner);
        Assert.Equal(2, cluster.Api.Events.Count);
        Assert.Equal(
            $"announcing from node \"{owner}\" with protocol \"layer2\"; {Vip} was at node \"{former}\" before: {why}", cluster.Api.Events[^1].Message);
    }
}
