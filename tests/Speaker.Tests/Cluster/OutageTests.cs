using LoadBalancer.Kubernetes.Resources;

namespace LoadBalancer.Speaker.Tests.Cluster;

/// <summary>What speakers do that know nothing from the API server, half of it, or what is no longer so.</summary>
public sealed class OutageTests
{
    private const string Vip = "192.168.96.100";
    private readonly VirtualCluster cluster = new(3);
    private readonly IReadOnlyList<string> order;

    public OutageTests()
    {
        cluster.Api.PutService("web", Vip, ["n1", "n2", "n3"]);
        order = cluster.Order(Vip);
        cluster.Run(1500);
    }

    [Fact]
    public void OwnerStartsAgainWithoutTheApiServer_ResumesWhatItsPeersHoldForIt()
    {
        cluster[order[0]].Kill();
        cluster.Run(1000);
        cluster.Restart(order[0], FakeApi.Away());
        cluster.Run(60_000, _ => Assert.Equal([VirtualCluster.MacOf(order[0])], cluster.Macs(Vip)));
        Assert.Equal(order[0], cluster.Only(Vip));
        Assert.False(cluster[order[0]].Readiness.IsReady);
    }

    [Fact]
    public void OwnerStartsAgainWithoutTheApiServer_TheMountedKeyIsAsGoodAsTheSecret()
    {
        var mount = Directory.CreateTempSubdirectory("heartbeat-key-");
        try
        {
            File.WriteAllText(Path.Combine(mount.FullName, "key"), FakeApi.Key);
            cluster[order[0]].Kill();
            cluster.Run(1000);
            cluster.Restart(order[0], new FakeApi { Pools = null, KeyMount = mount.FullName });
            cluster.Run(5000, at => Assert.True(cluster.Macs(Vip) is [var mac] && mac == VirtualCluster.MacOf(order[0]), $"at {at} ms {string.Join(", ", cluster.Macs(Vip))}"));
            Assert.Equal(order[0], cluster.Only(Vip));
        }
        finally
        {
            mount.Delete(recursive: true);
        }
    }

    [Fact]
    public void OwnerStartsAgainWithoutTheApiServer_WhichComesBackRightAfterALook_KeepsTheVip()
    {
        cluster[order[0]].Kill();
        cluster.Run(1000);
        var returning = FakeApi.Away();
        cluster.Restart(order[0], returning);
        cluster.Run(2000);

        // The facts are made anew for the first kind that is there; those of the others come before they are made again.
        returning.PutNode(new NodeResource { Key = new ObjectKey("", order[0]) });
        cluster.Run(5);
        returning.Pools = cluster.Api.Pools;
        returning.Nodes.Replace([]);
        returning.Leases.Replace([]);
        returning.Slices.Replace([.. cluster.Api.Slices.All()]);
        returning.Services.Replace([.. cluster.Api.Services.All()]);
        cluster.Run(3000, _ => Assert.Equal([VirtualCluster.MacOf(order[0])], cluster.Macs(Vip)));
        Assert.Equal(order[0], cluster.Only(Vip));
        Assert.True(cluster[order[0]].Readiness.IsReady);
    }

    [Theory]
    [InlineData("Cluster")]
    [InlineData("Local")]
    public void OwnerStartsAgainWithoutTheApiServer_WhichTellsOfTheServiceBeforeItsEndpoints_KeepsTheVip(string policy)
    {
        cluster.Api.PutService("web", Vip, ["n1", "n2", "n3"], policy);
        cluster.Run(500);
        cluster[order[0]].Kill();
        cluster.Run(1000);
        var returning = FakeApi.Away();
        cluster.Restart(order[0], returning);
        cluster.Run(2000);
        returning.Pools = cluster.Api.Pools;
        returning.Services.Replace([.. cluster.Api.Services.All()]);
        cluster.Run(500, _ => Assert.Equal([VirtualCluster.MacOf(order[0])], cluster.Macs(Vip)));
        returning.Slices.Replace([.. cluster.Api.Slices.All()]);
        returning.Nodes.Replace([]);
        returning.Leases.Replace([]);
        cluster.Run(3000, _ => Assert.Equal([VirtualCluster.MacOf(order[0])], cluster.Macs(Vip)));
        Assert.Equal(order[0], cluster.Only(Vip));
    }

    // A Service made a moment before the API server went away, which the owner alone heard of.
    [Fact]
    public void OwnersSpeakerKilled_OthersDoNotKnowTheService_TheyAnswerForItAllTheSame()
    {
        var owner = order[0];
        var recent = Enumerable.Range(101, 40).Select(i => $"192.168.96.{i}").First(ip => cluster.Order(ip)[0] == owner);
        var informed = FakeApi.Answering();
        cluster[owner].Kill();
        cluster.Restart(owner, informed);
        informed.PutService("web", Vip, ["n1", "n2", "n3"]);
        cluster.Run(2000);
        informed.PutService("recent", recent, ["n1", "n2", "n3"]);
        cluster.Run(5000);
        Assert.Equal(owner, cluster.Only(recent));

        cluster[owner].Kill();
        cluster.Run(400);
        cluster.Run(10_000, _ => Assert.Equal([VirtualCluster.MacOf(owner)], cluster.Macs(recent)));
        cluster.Restart(owner, informed);
        cluster.Run(5000, _ => Assert.Equal([VirtualCluster.MacOf(owner)], cluster.Macs(recent)));
        Assert.Equal(owner, cluster.Only(recent));
    }

    // The address was another Service's once, or the new one's endpoints are not known here: the owner knew better.
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void OwnersSpeakerKilled_WhileTheApiServerIsAway_OldNewsIsNoReasonNotToAnswer(bool deleted)
    {
        var owner = order[0];
        var informed = FakeApi.Answering();
        informed.PutService("web", Vip, ["n1", "n2", "n3"]);
        cluster[owner].Kill();
        cluster.Restart(owner, informed);
        cluster.Run(2000);
        if (deleted)
        {
            cluster.Api.Services.Replace([]);
        }
        else
        {
            cluster.Api.PutEndpoints("web", []);
        }

        cluster.Api.IsCurrent = false;
        cluster.Run(500);
        Assert.Equal(owner, cluster.Only(Vip));
        cluster[owner].Kill();
        cluster.Run(500);
        cluster.Run(5000, _ => Assert.Equal([VirtualCluster.MacOf(owner)], cluster.Macs(Vip)));
        cluster.Api.IsCurrent = true;
        cluster.Run(1000);
        Assert.Empty(cluster.Macs(Vip));
    }

    [Fact]
    public void OwnersSpeakerKilled_TheServiceIsDeletedMeanwhile_NobodyAnswers()
    {
        cluster[order[0]].Kill();
        cluster.Run(1000);
        Assert.Equal([VirtualCluster.MacOf(order[0])], cluster.Macs(Vip));
        cluster.Api.Services.Replace([]);
        cluster.Run(100);
        Assert.Empty(cluster.Macs(Vip));
    }
}
