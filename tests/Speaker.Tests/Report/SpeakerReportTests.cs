using LoadBalancer.Core.Addressing;
using LoadBalancer.Core.Ownership;
using LoadBalancer.Core.Pools;
using LoadBalancer.Kubernetes.Resources;
using LoadBalancer.Speaker.Tests.Cluster;
using LoadBalancer.Status;

namespace LoadBalancer.Speaker.Tests.Report;

/// <summary>What a speaker tells at /status: the thread that decides is asked, and what it answers is what is so.</summary>
public sealed class SpeakerReportTests
{
    private const string Vip = "192.168.96.100";
    private readonly VirtualCluster cluster = new(3);

    [Fact]
    public async Task Owner_TellsItsAddressWithLinkHardwareAddressAndSinceWhen()
    {
        cluster.Run(1500);
        cluster.Api.PutService("web", Vip, ["n1"]);
        cluster.Run(5000);
        var owner = cluster.Only(Vip);

        var status = await cluster.StatusOf(owner);

        var vip = Assert.Single(status.Addresses);
        Assert.Equal((Vip, "default", "Owner", owner, "eth0"), (vip.Address, vip.Pool, vip.Phase, vip.Owner, vip.Link));
        Assert.Equal(["default/web"], vip.Services);
        Assert.Equal(VirtualCluster.MacOf(owner), vip.Mac);
        Assert.Null(vip.Reason);
        Assert.InRange((status.Program.At - vip.Since!.Value).TotalSeconds, 3, 5.1);
        Assert.Equal((1, 1), (status.Vips, Assert.Single(status.Links).Owned));
    }

    [Fact]
    public async Task HeartbeatKey_IsToldByTheNameThatEveryFrameCarries_TheSameAtEverySpeaker()
    {
        cluster.Run(1500);
        var keys = await Task.WhenAll(cluster.Speakers.Select(async speaker => (await cluster.StatusOf(speaker.Name)).Key!));
        Assert.Equal(16, Assert.Single(keys.Select(key => key.Signing).Distinct()).Length);
        Assert.All(keys, key => Assert.Equal([key.Signing], key.Accepted));
    }

    [Fact]
    public async Task OthersThanTheOwner_TellOfItWhenAskedForAllOrForTheAddress()
    {
        cluster.Api.PutService("web", Vip, ["n1"]);
        cluster.Run(3000);
        var (owner, other) = (cluster.Only(Vip), cluster.Speakers.First(speaker => speaker.Name != cluster.Only(Vip)).Name);

        Assert.Empty((await cluster.StatusOf(other)).Addresses);
        Assert.Equal((owner, "Away", null), Told(await cluster.StatusOf(other, all: true)));
        Assert.Equal((owner, "Away", null), Told(await cluster.StatusOf(other, Vip)));

        static (string?, string, string?) Told(SpeakerStatus status) => (Assert.Single(status.Addresses).Owner, status.Addresses[0].Phase, status.Addresses[0].Mac);
    }

    [Fact]
    public async Task Peers_AreTold_WithWhoHearsWhom()
    {
        cluster.Run(2000);
        cluster.Switch.Passes = (from, to) => from.Node != "n1" || to.Node != "n3";
        cluster.Run(1500);

        var link = Assert.Single((await cluster.StatusOf("n1")).Links);

        Assert.Equal(["n2", "n3"], link.Peers.Select(peer => peer.Node).Order());
        Assert.All(link.Peers, peer => Assert.Equal("Wire", peer.Source));
        Assert.True(link.Peers.Single(peer => peer.Node == "n2").HearsUs);
        Assert.False(link.Peers.Single(peer => peer.Node == "n3").HearsUs);
        Assert.Equal("process", link.Answering.By);
    }

    [Fact]
    public async Task AddressNobodyOwns_IsToldByEverySpeakerWithTheReason()
    {
        cluster.Api.PutService("web", Vip, []);
        cluster.Run(3000);

        foreach (var speaker in cluster.Speakers.Select(speaker => speaker.Name))
        {
            var vip = Assert.Single((await cluster.StatusOf(speaker)).Addresses);
            Assert.Equal((null, "NoServingEndpoint", false), (vip.Owner, vip.Reason, vip.Served));
            Assert.Contains("no endpoint of the Service is ready", vip.Detail, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task AddressOutsideThePools_IsToldWithTheReason()
    {
        cluster.Api.PutService("web", "192.168.97.1", ["n1"]);
        cluster.Run(1500);

        var vip = Assert.Single((await cluster.StatusOf("n2")).Addresses);

        Assert.Equal(("192.168.97.1", "AddressNotInPool", null), (vip.Address, vip.Reason, vip.Link));
    }

    [Fact]
    public async Task AskedForOneAddress_TellsEachCandidateInItsOrderAndWhyItIsNone()
    {
        cluster.Api.PutNode(new NodeResource { Key = new ObjectKey("", "n2"), Labels = new Dictionary<string, string> { ["node.kubernetes.io/exclude-from-external-load-balancers"] = "" } });
        cluster.Api.PutService("web", Vip, ["n1", "n2"], policy: "Local");
        cluster.Run(3000);

        var status = await cluster.StatusOf("n3", Vip);

        Assert.Equal(cluster.Order(Vip), status.Candidates!.Select(candidate => candidate.Node));
        Assert.Equal(nameof(Ineligible.None), WhyOf("n1"));
        Assert.Equal(nameof(Ineligible.NodeExcluded), WhyOf("n2"));
        Assert.Equal(nameof(Ineligible.NoLocalEndpoint), WhyOf("n3"));
        Assert.Equal(["n1", "n2"], Assert.Single(status.Addresses).ServingNodes);

        string WhyOf(string node) => status.Candidates!.Single(candidate => candidate.Node == node).Why;
    }

    [Fact]
    public async Task PoolWithoutAFittingInterface_IsToldInTheEventsWords()
    {
        cluster.Api.Pools = new([new Pool { Name = "edge", Ranges = [new IpRange(IpAddress.Parse(Vip), IpAddress.Parse(Vip))], Interfaces = ["eth7"] }]);
        cluster.Api.PutService("web", Vip, ["n1"]);
        cluster.Run(3000);

        Assert.Equal("announceFailed", Assert.Single((await cluster.StatusOf("n1")).Addresses).Reason);
    }

    [Fact]
    public async Task Deputy_TellsWhomItRepresentsAndWithWhichHardwareAddress()
    {
        cluster.Api.PutService("web", Vip, ["n1"]);
        cluster.Run(3000);
        var owner = cluster.Only(Vip);
        cluster[owner].Kill();
        cluster.Run(2000);
        var deputy = cluster.Only(Vip);

        var vip = Assert.Single((await cluster.StatusOf(deputy)).Addresses);

        Assert.Equal(("Deputy", owner, VirtualCluster.MacOf(owner)), (vip.Phase, vip.For, vip.Mac));
    }

    [Fact]
    public async Task AddressThatIsNone_IsRefused() =>
        await Assert.ThrowsAsync<FormatException>(() => cluster.StatusOf("n1", "192.168.96"));

    [Fact]
    public async Task SpeakerWithoutConfiguration_SaysWhatIsMissing()
    {
        cluster.Api.Pools = null;
        cluster.Run(1500);

        var status = await cluster.StatusOf("n1");

        Assert.Equal("NotLoaded", status.Configuration.State);
        Assert.False(status.Program.Ready);
        Assert.Contains("config", status.Program.Missing!.Keys);
    }
}
