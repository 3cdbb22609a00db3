using LoadBalancer.Core.Addressing;
using LoadBalancer.Core.Pools;
using LoadBalancer.Kubernetes.Resources;

namespace LoadBalancer.Speaker.Tests.Cluster;

/// <summary>Where the kernel is told to send older connections, on each kind of move: to who had the address, and before anybody hears of the move.</summary>
public sealed class KeptConnectionTests
{
    private const string Vip = "192.168.96.100";
    private static readonly IpAddress Address = IpAddress.Parse(Vip);
    private VirtualCluster cluster = new(3);

    [Theory]
    [InlineData("exclude label")]
    [InlineData("node selectors of the pool")]
    [InlineData("policy Local")]
    public void PlannedMove_TheNewOwnerKnowsTheFormer_BeforeItAnnounces(string move)
    {
        var owner = Begin(move == "policy Local" ? "Local" : "Cluster");
        switch (move)
        {
            case "exclude label":
                cluster.Api.PutNode(Labelled(owner, "node.kubernetes.io/exclude-from-external-load-balancers"));
                break;
            case "node selectors of the pool":
                foreach (var node in cluster.Order(Vip).Where(node => node != owner))
                {
                    cluster.Api.PutNode(Labelled(node, "edge"));
                }

                cluster.Api.Pools = new([cluster.Api.Pools!.Pools[0] with { NodeSelectors = [new LabelSelector([new LabelRequirement("edge", LabelOperator.Exists, [])])] }]);
                cluster.Api.PutNode(Labelled(cluster.Order(Vip).First(node => node != owner), "edge"));
                break;
            default:
                cluster.Api.PutEndpoints("web", [.. cluster.Order(Vip).Where(node => node != owner)]);
                break;
        }

        cluster.Run(2000);
        AssertFormer(owner);
    }

    // What says that nobody may have it, and what says who may, come by two watches, and in either order.
    [Theory]
    [InlineData("node selectors of the pool")]
    [InlineData("policy Local")]
    public void PlannedMove_WithAMomentInWhichNobodyMayHaveIt_TheNewOwnerKnowsWhoHadIt(string move)
    {
        var owner = Begin(move == "policy Local" ? "Local" : "Cluster");
        var others = cluster.Order(Vip).Where(node => node != owner).ToArray();
        if (move == "policy Local")
        {
            cluster.Api.PutEndpoints("web", []);
        }
        else
        {
            cluster.Api.Pools = new([cluster.Api.Pools!.Pools[0] with { NodeSelectors = [new LabelSelector([new LabelRequirement("edge", LabelOperator.Exists, [])])] }]);
            cluster.Api.PutNode(Labelled(others[0], "other"));
        }

        cluster.Run(500);
        Assert.Empty(cluster.Answering(Vip));
        if (move == "policy Local")
        {
            cluster.Api.PutEndpoints("web", others);
        }
        else
        {
            cluster.Api.PutNode(Labelled(others[0], "edge"));
        }

        cluster.Run(3000);
        AssertFormer(owner);
    }

    // It hears of the Service when the address comes to it already.
    [Fact]
    public void PlannedMove_TheNewOwnerHasJustHeardOfTheService_ItKnowsWhoHadIt()
    {
        var owner = Begin();
        var next = cluster.Order(Vip).First(node => node != owner);
        var late = FakeApi.Answering();
        Restart(next, late);
        cluster.Run(3000);
        var labelled = Labelled(owner, "node.kubernetes.io/exclude-from-external-load-balancers");
        cluster.Api.PutNode(labelled);
        cluster.Run(5);
        late.PutNode(labelled);
        late.PutService("web", Vip, ["n1", "n2", "n3"]);
        cluster.Run(3000);

        Assert.Equal(next, cluster.Only(Vip));
        AssertFormer(owner);
    }

    // It is told ready before it may take anything: at whatever moment the address is to come to it.
    [Fact]
    public void PlannedMove_TheNewOwnerHasJustStarted_ItKnowsWhoHadIt()
    {
        for (var moment = 100; moment < 3000; moment += 100)
        {
            cluster = new VirtualCluster(3);
            var owner = Begin();
            Restart(cluster.Order(Vip).First(node => node != owner), cluster.Api);
            cluster.Run(moment);
            cluster.Api.PutNode(Labelled(owner, "node.kubernetes.io/exclude-from-external-load-balancers"));
            cluster.Run(4000);

            AssertFormer(owner);
        }
    }

    [Fact]
    public void Rebalanced_TheFirstInTheOrderKnowsWhoHadIt()
    {
        cluster = new VirtualCluster(3, rebalance: true);
        var first = Begin();
        cluster[first].Port.Plugged = false;
        cluster.Run(2000);
        var second = cluster.Only(Vip);
        cluster[first].Port.Plugged = true;
        cluster.Run(180_000);

        Assert.Equal(first, cluster.Only(Vip));
        AssertFormer(second);
    }

    // Each part had an owner; connections began at both. Whoever keeps the address sends those of the other on to it.
    [Fact]
    public void CutHealed_TheOwnerThatRemains_KnowsTheOther()
    {
        foreach (var alone in (bool[])[true, false])
        {
            cluster = new VirtualCluster(3);
            var owner = Begin();
            var apart = alone ? [owner] : cluster.Order(Vip).Where(node => node != owner).Take(1).ToArray();
            cluster.Switch.Passes = (from, to) => apart.Contains(from.Node) == apart.Contains(to.Node);
            cluster.Run(5000);
            var owners = cluster.Answering(Vip);
            cluster.Switch.Passes = (_, _) => true;
            cluster.Run(3000);

            var remaining = cluster.Only(Vip);
            var other = Assert.Single(owners, node => node != remaining);
            Assert.Equal(MacOf(other), cluster[remaining].Port.Formers.GetValueOrDefault(Address));
        }
    }

    [Fact]
    public void FormerOwnersSpeakerRestarts_OlderConnectionsAreSentOnAllTheWhile_AndItsNodesLossEndsThat()
    {
        var former = Begin();
        cluster.Api.PutNode(Labelled(former, "node.kubernetes.io/exclude-from-external-load-balancers"));
        cluster.Run(2000);
        var owner = cluster.Only(Vip);
        cluster[former].Kill();
        cluster.Run(3000, _ => Assert.True(cluster[owner].Port.KeepsConnections(Address)));
        cluster.Restart(former);
        cluster.Run(5000, _ => Assert.True(cluster[owner].Port.KeepsConnections(Address)));

        cluster[former].Port.Plugged = false;
        cluster.Run(1000);
        Assert.Equal(default, Assert.Single(cluster[owner].Port.Formers).Value);
    }

    // Its peers say what is its own before the API server says what there is: its kernel is asked for all of it.
    [Fact]
    public void OwnersSpeakerStartsAgain_ItsKernelIsAskedForItsConnections_WhenTheAddressesAreKnown()
    {
        var owner = Begin();
        var returning = FakeApi.Away();
        Restart(owner, returning);
        cluster.Run(3000);
        Assert.True(cluster[owner].Answers(Vip));
        Assert.Null(cluster[owner].Port.Adopted);

        returning.Pools = cluster.Api.Pools;
        returning.Nodes.Replace([]);
        returning.Leases.Replace([]);
        returning.Slices.Replace([.. cluster.Api.Slices.All()]);
        returning.Services.Replace([.. cluster.Api.Services.All()]);
        cluster.Run(1000);
        Assert.Equal([Address], cluster[owner].Port.Adopted);
    }

    [Fact]
    public void OwnerLost_ItsConnectionsAreReset_NotSentOn()
    {
        var lost = Begin();
        cluster[lost].Port.Plugged = false;
        cluster.Run(1000);

        var owner = Assert.Single(cluster.Answering(Vip), node => node != lost);
        Assert.Equal(default, Assert.Single(cluster[owner].Port.Formers).Value);
    }

    private static MacAddress MacOf(string node) => MacAddress.Parse(VirtualCluster.MacOf(node));

    private static NodeResource Labelled(string name, string label) =>
        new() { Key = new ObjectKey("", name), Labels = new Dictionary<string, string> { [label] = "" } };

    private string Begin(string policy = "Cluster")
    {
        cluster.Speakers.ForEach(speaker => speaker.Port.HasKernel = true);
        cluster.Api.PutService("web", Vip, ["n1", "n2", "n3"], policy);
        cluster.Run(3000);
        return cluster.Only(Vip);
    }

    private void Restart(string node, FakeApi api)
    {
        cluster[node].Kill();
        cluster.Run(1000);
        cluster.Restart(node, api);
        cluster[node].Port.HasKernel = true;
    }

    private void AssertFormer(string former)
    {
        var port = cluster[cluster.Only(Vip)].Port;
        Assert.NotEqual(former, cluster.Only(Vip));
        Assert.Equal(MacOf(former), Assert.Single(port.Formers).Value);
        Assert.Equal(MacOf(former), port.FormersAtAnnouncement[^1]);
    }
}
