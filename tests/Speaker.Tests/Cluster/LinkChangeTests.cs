using LoadBalancer.Core.Addressing;
using LoadBalancer.Core.Heartbeats;
using LoadBalancer.Core.Pools;
using LoadBalancer.Kubernetes.Resources;

namespace LoadBalancer.Speaker.Tests.Cluster;

/// <summary>A link that becomes another while the node lives: its hardware address, its interface, what frames it takes.</summary>
public sealed class LinkChangeTests
{
    private const string Vip = "192.168.96.100";
    private const string OtherMac = "52:54:00:00:00:77";
    private readonly VirtualCluster cluster = new(3);

    [Fact]
    public void HardwareAddressOfTheOwner_Changes_IsAnnouncedAtOnce_AndItsPeersFollow()
    {
        var owner = Owned();
        owner.Port.Announced.Clear();
        owner.Port.Facts = owner.Port.Facts with { Mac = MacAddress.Parse(OtherMac) };
        cluster.Run(60);

        Assert.Equal(OtherMac, owner.MacFor(Vip));
        Assert.Equal([IpAddress.Parse(Vip)], owner.Port.Announced);
        Assert.All(cluster.Speakers.Where(other => other != owner), other =>
            Assert.Equal(OtherMac, other.Segment.LastView!.Peers.Single(peer => peer.Node == owner.Name).Mac.ToString()));

        owner.Kill();
        cluster.Run(500);
        Assert.Equal([OtherMac], cluster.Macs(Vip));
    }

    // Some drivers take another address only while the interface is down.
    [Fact]
    public void Link_OpenedAnewWithAnotherHardwareAddress_IsAnnouncedWhenItsAddressesAreResumed()
    {
        var owner = Owned();
        cluster.Reopen(owner.Name, mac: OtherMac);
        cluster.Run(2000);

        Assert.Equal(owner.Name, cluster.Only(Vip));
        Assert.Equal([OtherMac], cluster.Macs(Vip));
        Assert.Contains(IpAddress.Parse(Vip), owner.Port.Announced);
    }

    // The new run cannot know by which address the old one was known; its peers do.
    [Fact]
    public void Speaker_RestartedWithAnotherHardwareAddress_IsRepeatedByItsDeputy()
    {
        var owner = Owned().Name;
        cluster[owner].Kill();
        cluster.Restart(owner, mac: OtherMac);
        cluster.Run(2000);

        Assert.Equal(owner, cluster.Only(Vip));
        Assert.Equal([OtherMac], cluster.Macs(Vip));
        Assert.Contains(cluster.Speakers, other => other.Name != owner && other.Port.Repeated.Contains(IpAddress.Parse(Vip)));
    }

    [Fact]
    public void Link_OpenedAnewAsItWas_IsNotAnnounced()
    {
        var owner = Owned();
        cluster.Reopen(owner.Name);
        cluster.Run(2000);

        Assert.Equal(owner.Name, cluster.Only(Vip));
        Assert.Empty(owner.Port.Announced);
    }

    [Fact]
    public void Link_OpenedAnewWhileTheNodeIsAlone_KnowsThatItIsTheSmallerPart()
    {
        var owner = Owned();
        var other = cluster.Speakers.First(speaker => speaker != owner);
        other.Port.Plugged = false;
        cluster.Reopen(other.Name);
        other.Port.Plugged = false;
        cluster.Run(3000);
        Assert.True(other.Answers(Vip));
        Assert.False(other.Segment.LastView!.Majority);

        other.Port.Plugged = true;
        cluster.Run(1000);
        Assert.Equal(owner.Name, cluster.Only(Vip));
    }

    [Fact]
    public void Link_OpenedAnew_BelievesNoRecordingOfThisRun()
    {
        Owned();
        var (n1, n2) = (cluster["n1"], cluster["n2"]);
        List<byte[]> recorded = [];
        var received = n1.Port.Received!;
        n1.Port.Received = frame =>
        {
            recorded.Add(frame);
            received(frame);
        };
        cluster.Run(1000);
        n2.Kill();
        cluster.Switch.Disconnect(n2.Port);
        cluster.Run(1000);

        cluster.Reopen("n1");
        recorded.ForEach(n1.Port.Received!);
        cluster.Run(50);
        Assert.DoesNotContain(n1.Segment.LastView!.Peers, peer => peer.Node == "n2");
    }

    // Nor of a peer that was forgotten: the new link has to be heard by whoever is believed on it.
    [Fact]
    public void OtherLink_OpenedLater_BelievesNoRecordingOfThisRun()
    {
        Owned();
        var n1 = cluster["n1"];
        List<byte[]> recorded = [];
        n1.Port.Received = recorded.Add;
        cluster.Run(100);
        cluster.Switch.Disconnect(n1.Port);
        n1.Reopen(cluster.Switch.Connect("n1", VirtualCluster.MacOf("n1"), "10.0.0.11/24", "eth1"));
        n1.Port.Plugged = false;
        recorded.ForEach(n1.Port.Received!);
        cluster.Run(50);
        Assert.Empty(n1.Segment.LastView!.Peers);
    }

    // eth0 becomes a port of br0, which has its address from then on.
    [Fact]
    public void Interface_ReplacedByAnotherWithTheSameAddress_ClaimsNothingAnyMore()
    {
        Owned();
        var order = cluster.Order(Vip);
        var (first, second, third) = (order[0], order[1], order[2]);
        Exclude(first, true);
        cluster.Run(1000);
        Assert.Equal(second, cluster.Only(Vip));
        cluster.Reopen(second, "br0");
        cluster.Run(3000);
        Exclude(second, true);
        cluster.Run(1000);
        Assert.Equal(third, cluster.Only(Vip));
        Exclude(first, false);
        Exclude(second, false);
        cluster.Run(1000);

        cluster[third].Kill();
        cluster[third].Port.Plugged = false;
        cluster.Run(500);
        Assert.Equal(first, cluster.Only(Vip));
    }

    [Fact]
    public void Interface_ReplacedByAnotherWithTheSameAddress_IsAnsweredForWithoutAGap()
    {
        var owner = Owned();
        cluster.Reopen(owner.Name, "br0");
        cluster.Run(300);
        cluster.Run(3000, _ => Assert.Equal([VirtualCluster.MacOf(owner.Name)], cluster.Macs(Vip)));
        Assert.Equal(owner.Name, cluster.Only(Vip));
    }

    [Theory]
    [InlineData(1400, 9000)]
    [InlineData(1500, 1000)]
    public void Links_ThatTakeShorterFrames_KnowAllClaims_AndAskNoMore(int mtu, int longest)
    {
        const int Vips = 200;
        var few = new VirtualCluster(2);
        few.Switch.Longest = longest;
        few.Api.Pools = new PoolConfig([new Pool { Name = "large", Ranges = [new IpRange(IpAddress.Parse("192.168.100.0"), IpAddress.Parse("192.168.100.255"))] }]);
        few.Speakers.ForEach(speaker => speaker.Port.Facts = speaker.Port.Facts with { Mtu = mtu });
        few.Run(1000);
        for (var i = 0; i < Vips; i++)
        {
            few.Api.PutService($"web{i}", $"192.168.100.{i}", ["n1"]);
        }

        few.Run(15_000);
        Assert.Equal(Vips, few.Speakers.Sum(speaker => speaker.Segment.LastView!.Claims.Vips.Count()));
        var asked = few.Switch.Sent.GetValueOrDefault(HeartbeatKind.ClaimRequest);
        few.Run(5000);
        Assert.Equal(asked, few.Switch.Sent.GetValueOrDefault(HeartbeatKind.ClaimRequest));
    }

    private VirtualSpeaker Owned()
    {
        cluster.Api.PutService("web", Vip, ["n1", "n2", "n3"]);
        cluster.Run(3000);
        return cluster[cluster.Only(Vip)];
    }

    private void Exclude(string node, bool exclude) => cluster.Api.PutNode(new NodeResource
    {
        Key = new ObjectKey("", node),
        Labels = exclude ? new Dictionary<string, string> { ["node.kubernetes.io/exclude-from-external-load-balancers"] = "" } : [],
    });
}
