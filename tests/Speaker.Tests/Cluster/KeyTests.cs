namespace LoadBalancer.Speaker.Tests.Cluster;

public sealed class KeyTests
{
    private const string Vip = "192.168.96.100";

    [Fact]
    public void NoKey_NobodyAnswersAndNobodyIsReady()
    {
        var cluster = new VirtualCluster(2, keyed: false);
        cluster.Api.PutService("web", Vip, ["n1", "n2"]);
        cluster.Run(3000);
        Assert.Empty(cluster.Answering(Vip));
        Assert.Contains("[-]heartbeat-key", cluster["n1"].Readiness.Describe(), StringComparison.Ordinal);

        // Who gets the key listens first: until then each seems to be alone.
        cluster.Api.PutKey(FakeApi.Key);
        cluster.Run(1500, _ => Assert.InRange(cluster.Answering(Vip).Count, 0, 1));
        Assert.Equal(cluster.Order(Vip)[0], cluster.Only(Vip));
        Assert.True(cluster["n1"].Readiness.IsReady);
    }

    [Fact]
    public void KeyReplaced_OwnershipNeverWavers()
    {
        var cluster = new VirtualCluster(3);
        cluster.Api.PutService("web", Vip, ["n1"]);
        cluster.Run(1500);
        var owner = cluster.Only(Vip);
        cluster.Api.PutKey("another key of the same cluster...");
        cluster.Run(90_000, _ => Assert.Equal([owner], cluster.Answering(Vip)));
        cluster[owner].Kill();
        cluster.Run(1000);
        Assert.Equal(cluster.Order(Vip)[1], cluster.Only(Vip));
    }

    // The kubelet brings it to the mount, if nobody else does.
    [Fact]
    public void KeyReplacedWhileOneSpeakerHasNoApiServer_ItReadsTheMountAndIsUnderstoodAgain()
    {
        var mount = Directory.CreateTempSubdirectory("heartbeat-key-");
        try
        {
            const string Next = "another key of the same cluster...";
            File.WriteAllText(Path.Combine(mount.FullName, "key"), FakeApi.Key);
            var cluster = new VirtualCluster(3);
            cluster.Api.PutService("web", Vip, ["n1", "n2", "n3"]);
            var alone = new FakeApi { KeyMount = mount.FullName };
            alone.Sync();
            alone.PutKey(FakeApi.Key);
            alone.PutService("web", Vip, ["n1", "n2", "n3"]);
            cluster.Run(1500);
            var other = cluster.Order(Vip)[2];
            cluster[other].Kill();
            cluster.Restart(other, alone);
            cluster.Run(3000);
            alone.IsCurrent = false;
            var owner = cluster.Only(Vip);
            string[] mac = [VirtualCluster.MacOf(owner)];
            cluster.Api.PutKey(Next);
            cluster.Run(100_000, _ => Assert.Equal(mac, cluster.Macs(Vip)));
            Assert.True(cluster[other].Segment.UnderstandsNobody(TimeSpan.FromMilliseconds(cluster.Now)));
            File.WriteAllText(Path.Combine(mount.FullName, "key"), Next);
            cluster.Run(6000, _ => Assert.Equal(mac, cluster.Macs(Vip)));
            Assert.False(cluster[other].Segment.UnderstandsNobody(TimeSpan.FromMilliseconds(cluster.Now)));
            cluster.Run(40_000, _ => Assert.Equal(mac, cluster.Macs(Vip)));
            Assert.All(cluster[other].Segment.LastView!.Peers, peer => Assert.True(peer.HearsUs));
        }
        finally
        {
            mount.Delete(recursive: true);
        }
    }

    [Fact]
    public void KeyDeletedOrBad_StaysInForce()
    {
        var cluster = new VirtualCluster(2);
        cluster.Api.PutService("web", Vip, ["n1"]);
        cluster.Run(1500);
        cluster.Api.PutKey("short");
        cluster.Run(1000);
        cluster.Api.Secrets.Replace([]);
        cluster.Run(2000, _ => Assert.Single(cluster.Answering(Vip)));
    }
}
