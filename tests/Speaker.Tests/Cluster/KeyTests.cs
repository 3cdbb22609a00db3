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
