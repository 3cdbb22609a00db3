using LoadBalancer.Core.Addressing;
using LoadBalancer.Core.Pools;
using LoadBalancer.Kubernetes.Resources;

namespace LoadBalancer.Speaker.Tests.Cluster;

public sealed class OwnershipTests
{
    private const string Vip = "192.168.96.100";
    private readonly VirtualCluster cluster = new(3);

    [Fact]
    public void PolicyLocal_FollowsTheEndpoint()
    {
        cluster.Api.PutService("web", Vip, ["n2"], policy: "Local");
        cluster.Run(1500);
        Assert.Equal("n2", cluster.Only(Vip));
        cluster.Api.PutEndpoints("web", ["n3"]);
        cluster.Run(100);
        Assert.Equal("n3", cluster.Only(Vip));
    }

    [Fact]
    public void Pass_OverAllAddresses_IsTimed()
    {
        var before = SpeakerMetrics.DecisionSeconds.Count;
        cluster.Run(100);
        Assert.True(SpeakerMetrics.DecisionSeconds.Count > before);
    }

    [Fact]
    public void NoEndpoint_NobodyAnswersAndOneSpeakerSaysSo()
    {
        cluster.Api.PutService("web", Vip, ["n1"]);
        cluster.Run(1500);
        cluster.Api.PutEndpoints("web", []);
        cluster.Run(20_000);
        Assert.Empty(cluster.Answering(Vip));
        Assert.Single(cluster.Api.Events, e => e.Reason == "NoServingEndpoint");

        cluster.Api.PutEndpoints("web", ["n1"]);
        cluster.Run(100);
        Assert.Equal(cluster.Order(Vip)[0], cluster.Only(Vip));
        Assert.Equal(2, cluster.Api.Events.Count(e => e.Reason == "nodeAssigned"));
    }

    [Fact]
    public void ServiceWhoseEndpointsComeALittleLater_IsNoNews()
    {
        cluster.Run(1500);
        cluster.Api.PutService("web", Vip, []);
        cluster.Run(2000);
        cluster.Api.PutEndpoints("web", ["n1"]);
        cluster.Run(10_000);
        Assert.Equal(["nodeAssigned"], cluster.Api.Events.Select(e => e.Reason));
    }

    [Fact]
    public void NodeExcluded_MovesWithoutAGapAndStaysThere()
    {
        cluster.Api.PutService("web", Vip, ["n1"]);
        cluster.Run(1500);
        var first = cluster.Only(Vip);
        var labels = new Dictionary<string, string> { ["node.kubernetes.io/exclude-from-external-load-balancers"] = "" };
        cluster.Api.PutNode(new NodeResource { Key = new ObjectKey("", first), Labels = labels });
        cluster.Run(500, _ => Assert.NotEmpty(cluster.Answering(Vip)));
        Assert.Equal(cluster.Order(Vip)[1], cluster.Only(Vip));
        cluster.Api.PutNode(new NodeResource { Key = new ObjectKey("", first) });
        cluster.Run(5000, _ => Assert.Equal([cluster.Order(Vip)[1]], cluster.Answering(Vip)));
    }

    [Fact]
    public void AllNodesExcluded_OneWarningSaysWhy()
    {
        var labels = new Dictionary<string, string> { ["node.kubernetes.io/exclude-from-external-load-balancers"] = "" };
        foreach (var speaker in cluster.Speakers)
        {
            cluster.Api.PutNode(new NodeResource { Key = new ObjectKey("", speaker.Name), Labels = labels });
        }

        cluster.Api.PutService("web", Vip, ["n1"]);
        cluster.Run(20_000);
        var told = Assert.Single(cluster.Api.Events);
        Assert.Equal("NoEligibleNode", told.Reason);
        Assert.Contains("n2: it has the label node.kubernetes.io/exclude-from-external-load-balancers", told.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void PoolNamesAnInterfaceNobodyHas_AnnounceFailedNamesIt()
    {
        cluster.Api.Pools = new PoolConfig([cluster.Api.Pools!.Pools[0] with { Interfaces = ["lan9"] }]);
        cluster.Api.PutService("web", Vip, ["n1"]);
        cluster.Run(20_000);
        var told = Assert.Single(cluster.Api.Events);
        Assert.Equal("announceFailed", told.Reason);
        Assert.Contains("lan9", told.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void SharedAddress_IsOneVipServedWhileOneSharerIs()
    {
        cluster.Api.PutService("dns-tcp", Vip, ["n1"]);
        cluster.Api.PutService("dns-udp", Vip, []);
        cluster.Run(1500);
        var owner = cluster.Only(Vip);
        Assert.Equal(["default/dns-tcp", "default/dns-udp"], cluster.Api.Events.Select(e => e.Service).Order());
        cluster.Api.PutEndpoints("dns-tcp", []);
        cluster.Api.PutEndpoints("dns-udp", ["n3"]);
        cluster.Run(100);
        Assert.Equal(owner, cluster.Only(Vip));
    }

    [Fact]
    public void TwoAddressesOfAService_StayTogether()
    {
        cluster.Api.Pools = new PoolConfig([cluster.Api.Pools!.Pools[0] with
        {
            Ranges = [.. cluster.Api.Pools.Pools[0].Ranges, IpPrefix.Parse("fd00:96::/120").Range],
        }]);
        for (var i = 0; i < 10; i++)
        {
            cluster.Api.PutService($"web{i}", $"192.168.96.11{i},fd00:96::{i}", ["n1"]);
        }

        cluster.Run(1500);
        for (var i = 0; i < 10; i++)
        {
            Assert.Equal(cluster.Only($"192.168.96.11{i}"), cluster.Only($"fd00:96::{i}"));
        }
    }

    [Theory]
    [InlineData("192.168.97.1", null)] // in no pool: another program's address
    [InlineData("192.168.96.101", "other")] // of another class
    [InlineData("192.168.96.111", null)] // a node's own address
    [InlineData("fd00:96::11", null)] // the same, spelt otherwise
    public void AddressThatIsNotOurs_IsNeverAnswered(string ip, string? loadBalancerClass)
    {
        cluster.Api.PutNode(new NodeResource { Key = new ObjectKey("", "n1"), Addresses = ["192.168.96.111", "FD00:96:0::0011"] });
        cluster.Api.Pools = new PoolConfig([cluster.Api.Pools!.Pools[0] with
        {
            Ranges = [.. cluster.Api.Pools.Pools[0].Ranges, IpPrefix.Parse("fd00:96::/120").Range],
        }]);
        cluster.Run(100);
        cluster.Api.PutService("foreign", ip, ["n1"], loadBalancerClass: loadBalancerClass);
        cluster.Run(2000);
        Assert.Empty(cluster.Answering(ip));
    }

    [Fact]
    public void ServiceDeleted_StopsAtOnce()
    {
        cluster.Api.PutService("web", Vip, ["n1"]);
        cluster.Run(1500);
        cluster.Api.Services.Replace([]);
        cluster.Run(50);
        Assert.Empty(cluster.Answering(Vip));
    }

    [Fact]
    public void NoConfigYet_NobodyIsReadyOrAnswers()
    {
        cluster.Api.Pools = null;
        cluster.Api.PutService("web", Vip, ["n1"]);
        cluster.Run(2000);
        Assert.Empty(cluster.Answering(Vip));
        Assert.Contains("[-]config", cluster["n1"].Readiness.Describe(), StringComparison.Ordinal);
    }

    [Fact]
    public void SpeakersRestart_WhoseServicesAreOlderThanTheirFormerRun_SayNothingAgain()
    {
        foreach (var speaker in cluster.Speakers)
        {
            speaker.Events.RememberFormerRun(DateTimeOffset.UnixEpoch.AddDays(1));
        }

        cluster.Api.PutService("web", Vip, ["n1"]);
        cluster.Run(3000);
        Assert.Single(cluster.Answering(Vip));
        Assert.Empty(cluster.Api.Events);
    }

    // By their Leases the peers are there, and one is not heard yet: no reason to forget who the incumbent is.
    [Fact]
    public void OwnerStartsAgain_AndHearsAPeerLate_KeepsTheVip()
    {
        var ip = Enumerable.Range(101, 40).Select(i => $"192.168.96.{i}").First(address => cluster.Order(address)[0] == "n1");
        cluster.Api.PutNode(new NodeResource
        {
            Key = new ObjectKey("", "n1"),
            Labels = new Dictionary<string, string> { ["node.kubernetes.io/exclude-from-external-load-balancers"] = "" },
        });
        cluster.Api.PutService("web", ip, ["n1"]);
        cluster.Run(1500);
        var owner = cluster.Only(ip);
        cluster.Api.PutNode(new NodeResource { Key = new ObjectKey("", "n1") });
        RenewLeases(1);
        cluster.Run(1500);
        Assert.Equal(owner, cluster.Only(ip));

        cluster[owner].Kill();
        cluster.Run(500);
        var late = cluster.Speakers.Select(speaker => speaker.Name).First(name => name != owner && name != "n1");
        cluster.Switch.Passes = (from, to) => !((from.Node == late && to.Node == owner) || (from.Node == owner && to.Node == late));
        cluster.Restart(owner);
        cluster.Run(200);
        RenewLeases(2);
        cluster.Run(1800, _ => Assert.Equal([VirtualCluster.MacOf(owner)], cluster.Macs(ip)));
        cluster.Switch.Passes = (_, _) => true;
        cluster.Run(5000, _ => Assert.Equal([VirtualCluster.MacOf(owner)], cluster.Macs(ip)));
        Assert.Equal(owner, cluster.Only(ip));
    }

    private void RenewLeases(int times)
    {
        foreach (var name in cluster.Speakers.Select(speaker => speaker.Name).Distinct())
        {
            cluster.Api.PutLease(new LeaseResource
            {
                Key = new ObjectKey(FakeApi.Namespace, name),
                HolderIdentity = name,
                LeaseDurationSeconds = 40,
                RenewTime = DateTimeOffset.UnixEpoch.AddSeconds(times),
                Annotations = Ownership.Leases.Of(cluster[name].Port.Facts),
            });
        }
    }

    // Ports that keep nodes from hearing each other: without the Leases each would own everything.
    [Fact]
    public void NodesThatCannotHearEachOther_GoByTheirLeases()
    {
        cluster.Switch.Passes = (_, _) => false;
        var renewals = 0;
        cluster.Api.PutService("web", Vip, ["n1"]);
        for (var i = 0; i < 5; i++)
        {
            RenewAll();
            cluster.Run(10_000);
        }

        Assert.Equal(cluster.Order(Vip)[0], cluster.Only(Vip));
        foreach (var name in cluster.Speakers.Select(speaker => speaker.Name))
        {
            var others = string.Join(", ", cluster.Speakers.Select(s => s.Name).Where(other => other != name));
            var told = Assert.Single(cluster.Api.Events, e => e.Service == name);
            Assert.Equal("SpeakersNotHeard", told.Reason);
            Assert.StartsWith($"eth0: not heard on the wire, known by their Leases only: the speakers of {others}. ", told.Message, StringComparison.Ordinal);
        }

        // The owner's node dies: its Lease is renewed no more, and the next takes over at the Lease's speed.
        var dead = cluster.Only(Vip);
        cluster[dead].Kill();
        for (var i = 0; i < 6; i++)
        {
            RenewAll(dead);
            cluster.Run(10_000);
        }

        Assert.Equal(cluster.Order(Vip)[1], cluster.Only(Vip));

        // The wire is mended.
        cluster.Switch.Passes = (_, _) => true;
        RenewAll(dead);
        cluster.Run(15_000);
        Assert.Single(cluster.Api.Events, e => e.Service == cluster.Only(Vip) && e.Reason == "SpeakersHeard");

        void RenewAll(string? except = null)
        {
            renewals++;
            foreach (var name in cluster.Speakers.Select(s => s.Name).Where(name => name != except))
            {
                cluster.Api.PutLease(new LeaseResource
                {
                    Key = new ObjectKey(FakeApi.Namespace, name),
                    HolderIdentity = name,
                    LeaseDurationSeconds = 40,
                    RenewTime = DateTimeOffset.UnixEpoch.AddSeconds(renewals),
                    Annotations = Ownership.Leases.Of(cluster[name].Port.Facts),
                });
            }
        }
    }
}
