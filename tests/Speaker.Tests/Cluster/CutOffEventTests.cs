using LoadBalancer.Kubernetes.Leases;
using LoadBalancer.Kubernetes.Resources;
using LoadBalancer.Speaker.Tests.Ownership;

namespace LoadBalancer.Speaker.Tests.Cluster;

/// <summary>What a node says that was cut off, or is on another network: nothing about addresses that others announce.</summary>
public sealed class CutOffEventTests
{
    private const string Vip = "192.168.96.100";
    private readonly VirtualCluster cluster = new(2);
    private readonly FakeApi third = FakeApi.Answering();
    private int renewals;

    /// <summary>The third node has an API server of its own, so that what it writes is known to be its.</summary>
    public CutOffEventTests()
    {
        cluster.Speakers.Add(cluster.Start("n3", third));
        Array.ForEach(["n1", "n2", "n3"], name => Both(api => api.PutNode(new NodeResource { Key = new ObjectKey("", name) })));
        Renew("n1", "n2", "n3");
        Renew("n1", "n2", "n3");
        Both(api => api.PutService("web", Vip, ["n1"], policy: "Local"));
        cluster.Run(3000);
        Assert.Equal("n1", cluster.Only(Vip));
        Assert.Empty(third.Events);
    }

    [Fact]
    public void NodeThatMayNotOwn_CutOffWhileItsCarrierStays_SaysNothing_ThenOrLater()
    {
        cluster.Switch.Passes = static (from, to) => from.Node != "n3" && to.Node != "n3";
        for (var i = 0; i < 6; i++)
        {
            cluster.Run(5000);
            Renew("n1", "n2", "n3");
        }

        cluster.Switch.Passes = static (_, _) => true;
        cluster.Run(10_000);
        Assert.Empty(third.Events);
        Assert.Equal("n1", cluster.Only(Vip));
    }

    [Fact]
    public void NodeThatMayNotOwn_WhoseCableWasOut_SaysNothing()
    {
        var port = cluster["n3"].Port;
        port.Plugged = false;
        port.Facts = port.Facts with { Carrier = false };
        cluster.Run(15_000);
        port.Plugged = true;
        port.Facts = port.Facts with { Carrier = true };
        cluster.Run(15_000);
        Assert.Empty(third.Events);
    }

    [Fact]
    public void NodeThatTakesTheVipInItsOwnPart_WithoutTheApiServer_SaysNothingOfItLater()
    {
        Both(api => api.PutService("web", Vip, ["n1", "n3"], policy: "Local"));
        cluster.Run(1000);
        third.IsCurrent = false;
        cluster.Switch.Passes = static (from, to) => from.Node != "n3" && to.Node != "n3";
        cluster.Run(5000);
        Assert.Equal(["n1", "n3"], cluster.Answering(Vip));
        cluster.Switch.Passes = static (_, _) => true;
        cluster.Run(2000);
        third.IsCurrent = true;
        cluster.Run(10_000);
        Assert.Equal("n1", cluster.Only(Vip));
        Assert.Empty(third.Events);
    }

    [Fact]
    public void NodeThatTakesTheVipInItsOwnPart_WithTheApiServer_SaysSoOnceItsLeaseIsRenewed()
    {
        Both(api => api.PutService("web", Vip, ["n1", "n3"], policy: "Local"));
        cluster.Run(1000);
        cluster["n1"].Kill();
        cluster["n2"].Kill();
        cluster.Switch.Disconnect(cluster["n1"].Port);
        cluster.Switch.Disconnect(cluster["n2"].Port);
        cluster.Run(2000);
        Assert.Equal("n3", cluster.Only(Vip));
        for (var i = 0; i < 5 && third.Events.Count == 0; i++)
        {
            Renew("n3");
            cluster.Run(10_000);
        }

        Assert.StartsWith("announcing from node \"n3\"", Assert.Single(third.Events).Message, StringComparison.Ordinal);
    }

    // Of watches that begin again after an outage some have nothing to tell for a minute.
    [Fact]
    public void NodeOfTheLargerPart_WatchesQuietSinceAnOutage_SaysSoOnceItsLeaseIsRenewed()
    {
        Both(api => api.PutService("web", Vip, ["n1", "n3"], policy: "Local"));
        cluster.Run(1000);
        third.IsCurrent = false;
        cluster["n1"].Kill();
        cluster.Switch.Disconnect(cluster["n1"].Port);
        cluster.Run(3000);
        Assert.Equal("n3", cluster.Only(Vip));
        Assert.Empty(third.Events);
        Renew("n3");
        cluster.Run(2000);
        Assert.StartsWith("announcing from node \"n3\"", Assert.Single(third.Events).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void PoolOnAnInterfaceThatOnlyOtherNodesHave_IsForThemToSpeakOf()
    {
        Both(api =>
        {
            api.Pools = new([api.Pools!.Pools[0] with { Interfaces = ["eth1"] }]);
            api.PutLease(Lease("n1", "eth0=192.168.96.11/20;eth1=10.0.0.1/24"));
        });
        cluster.Speakers.ForEach(static speaker => speaker.Pipeline.FactsChanged());
        cluster.Run(20_000);
        Assert.Empty(cluster.Answering(Vip));
        Assert.Empty(third.Events);
    }

    private void Both(Action<FakeApi> change)
    {
        change(cluster.Api);
        change(third);
    }

    private void Renew(params string[] nodes)
    {
        foreach (var node in nodes)
        {
            Both(api => api.PutLease(Lease(node, Leases.Of(cluster[node].Port.Facts)[SpeakerAnnotations.Links])));
        }

        cluster.Run(100);
    }

    private LeaseResource Lease(string node, string links) => new()
    {
        Key = new ObjectKey(FakeApi.Namespace, node),
        HolderIdentity = node,
        LeaseDurationSeconds = 40,
        RenewTime = DateTimeOffset.UnixEpoch.AddSeconds(++renewals),
        Annotations = new Dictionary<string, string> { [SpeakerAnnotations.Links] = links, [SpeakerAnnotations.Ready] = "true" },
    };
}
