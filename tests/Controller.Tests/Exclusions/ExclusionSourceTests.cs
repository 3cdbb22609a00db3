using LoadBalancer.Controller.Exclusions;
using LoadBalancer.Controller.Tests.Fakes;
using LoadBalancer.Kubernetes.ListWatch;
using LoadBalancer.Kubernetes.Resources;

namespace LoadBalancer.Controller.Tests.Exclusions;

public sealed class ExclusionSourceTests
{
    private readonly FakeCluster cluster = new();
    private readonly ExclusionSource source;
    private readonly HashSet<string> stale = [];
    private int changes;
    private int versions;

    public ExclusionSourceTests()
    {
        source = new ExclusionSource(cluster.Stores, key => !stale.Contains(key.Name));
        source.Changed += () => changes++;
    }

    [Fact]
    public void NodesAndLeases_NameWhatNoServiceGets()
    {
        cluster.Nodes.Replace([Node("n1", "192.168.96.11", "203.0.113.7", "not-an-address")]);
        cluster.Leases.Replace([Lease("n1", "eth0=192.168.96.11/20,fd00:96::11/64", "192.168.96.1,fd00:96::1", version: "1")]);
        Assert.Equal(
        [
            "192.168.96.0: the network address of the subnet 192.168.96.0/20",
            "192.168.96.1: the gateway of node n1",
            "192.168.96.11: the address of node n1",
            "192.168.111.255: the broadcast address of the subnet 192.168.96.0/20",
            "203.0.113.7: the address of node n1",
            "fd00:96::: the network address of the subnet fd00:96::/64",
            "fd00:96::1: the gateway of node n1",
            "fd00:96::11: the address of node n1",
        ], Texts());
    }

    [Fact]
    public void LeaseThatIsOnlyRenewed_ChangesNothing()
    {
        cluster.Leases.Replace([Lease("n1", "eth0=192.168.96.11/20", "", version: "1")]);
        Assert.Equal(1, changes);
        cluster.Leases.Apply(new WatchEvent<LeaseResource>(WatchEventType.Modified, Lease("n1", "eth0=192.168.96.11/20", "", "2"), "2"));
        Assert.Equal(1, changes);
    }

    [Fact]
    public void NodeThatIsRemoved_GivesItsAddressesBack()
    {
        cluster.Nodes.Replace([Node("n1", "192.168.96.11"), Node("n2", "192.168.96.12")]);
        cluster.Nodes.Replace([Node("n2", "192.168.96.12")]);
        Assert.Equal(["192.168.96.12: the address of node n2"], Texts());
    }

    [Fact]
    public void LeaseOfAnotherVersion_WithWhatCannotBeRead_IsReadAsFarAsPossible()
    {
        cluster.Leases.Replace([Lease("n1", "eth0=nonsense,10.0.0.1/32;;x;y=z=1", ",10.0.0.2,?", version: "1")]);
        Assert.Equal(["10.0.0.1: the address of node n1", "10.0.0.2: the gateway of node n1"], Texts());
    }

    [Fact]
    public void AddressesOfStrangers_ThatAnyLeaseTellsOf_ArePassedOver()
    {
        cluster.Leases.Replace([Taken("n1", "10.0.0.3=52:54:00:00:00:aa,fd00::3=52:54:00:00:00:bb,rubbish,10.0.0.4=x"), Taken("n2", "10.0.0.3=52:54:00:00:00:aa")]);
        Assert.Equal(
            ["10.0.0.3: another host, 52:54:00:00:00:aa, answers for it", "fd00::3: another host, 52:54:00:00:00:bb, answers for it"], Texts());

        Apply(Taken("n1", ""));
        Assert.Equal(["10.0.0.3: another host, 52:54:00:00:00:aa, answers for it"], Texts());

        Apply(Taken("n2", ""));
        Assert.Empty(Texts());
    }

    [Fact]
    public void LeaseNoLongerRenewed_TellsNoMoreOfStrangers_WhichShowsWithTheNextRenewalOfAnother()
    {
        cluster.Leases.Replace([Taken("n1", "10.0.0.3=52:54:00:00:00:aa"), Taken("n2", "")]);
        stale.Add("n1");
        Assert.Single(Texts());

        Apply(Taken("n2", ""));
        Assert.Empty(Texts());

        stale.Clear();
        Apply(Taken("n2", ""));
        Assert.Single(Texts());
    }

    [Fact]
    public void LeaseDeleted_TellsNoMoreOfStrangers()
    {
        cluster.Leases.Replace([Taken("n1", "10.0.0.3=52:54:00:00:00:aa"), Taken("n2", "")]);
        cluster.Leases.Replace([Taken("n2", "")]);
        Assert.Empty(Texts());
    }

    [Fact]
    public void AddressThatAServiceHad_WhenANodeFirstListedIt_IsNotTheNodes_AlsoOnceItIsFree()
    {
        cluster.Services.Replace([Service("web", "192.168.96.100")]);
        cluster.Nodes.Replace([Node("n1", "192.168.96.11", "192.168.96.100")]);
        Assert.Equal(["192.168.96.11: the address of node n1"], Texts());

        cluster.Services.Replace([]);
        cluster.Nodes.Replace([Node("n1", "192.168.96.100", "192.168.96.11") with { ResourceVersion = "2" }]);
        Assert.Equal(["192.168.96.11: the address of node n1"], Texts());

        // Taken off the node and listed anew while nobody has it: now it is the node's.
        cluster.Nodes.Replace([Node("n1", "192.168.96.11") with { ResourceVersion = "3" }]);
        cluster.Nodes.Replace([Node("n1", "192.168.96.11", "192.168.96.100") with { ResourceVersion = "4" }]);
        Assert.Equal(["192.168.96.11: the address of node n1", "192.168.96.100: the address of node n1"], Texts());
    }

    [Fact]
    public void AddressThatANodeHad_BeforeAnyService_IsTheNodesStill()
    {
        cluster.Services.Replace([]);
        cluster.Nodes.Replace([Node("n1", "192.168.96.11")]);
        cluster.Services.Replace([Service("web", "192.168.96.11")]);
        cluster.Nodes.Replace([Node("n1", "192.168.96.11") with { ResourceVersion = "2" }]);
        Assert.Equal(["192.168.96.11: the address of node n1"], Texts());
    }

    [Fact]
    public async Task NodesListedBeforeTheServices_AreJudgedOnceBothAreKnown()
    {
        cluster.Nodes.Replace([Node("n1", "192.168.96.11", "192.168.96.100")]);
        cluster.Leases.Replace([]);
        cluster.Services.Replace([Service("web", "192.168.96.100")]);
        await source.Synced.WaitAsync(TestContext.Current.CancellationToken);
        Assert.Equal(["192.168.96.11: the address of node n1"], Texts());
    }

    private static ServiceResource Service(string name, string address) => new()
    {
        Key = new ObjectKey("default", name), Uid = name, ResourceVersion = "1", Type = "LoadBalancer", Ingress = [new IngressPoint(address)],
    };

    private void Apply(LeaseResource lease) =>
        cluster.Leases.Apply(new WatchEvent<LeaseResource>(WatchEventType.Modified, lease, lease.ResourceVersion));

    private LeaseResource Taken(string node, string taken) => new()
    {
        Key = new ObjectKey("loadbalancer-system", node),
        ResourceVersion = $"{++versions}",
        Annotations = new Dictionary<string, string> { ["loadbalancer/taken"] = taken },
    };

    private string[] Texts() => [.. source.Current.Select(e => $"{e.Address}: {e.Reason}")];

    private static NodeResource Node(string name, params string[] addresses) =>
        new() { Key = new ObjectKey("", name), Uid = name, ResourceVersion = "1", Addresses = addresses };

    private static LeaseResource Lease(string node, string links, string gateways, string version) => new()
    {
        Key = new ObjectKey("loadbalancer-system", node),
        ResourceVersion = version,
        Annotations = new Dictionary<string, string> { ["loadbalancer/links"] = links, ["loadbalancer/gateways"] = gateways },
    };
}
