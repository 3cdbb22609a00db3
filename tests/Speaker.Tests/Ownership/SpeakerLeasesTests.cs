using LoadBalancer.Core.Addressing;
using LoadBalancer.Core.Packets;
using LoadBalancer.Kubernetes.ListWatch;
using LoadBalancer.Kubernetes.Resources;
using LoadBalancer.Speaker.Ownership;

namespace LoadBalancer.Speaker.Tests.Ownership;

/// <summary>Whose Lease is believed: one that its own node holds, and a node that there is.</summary>
public sealed class SpeakerLeasesTests
{
    private static readonly LinkFacts Link = new("eth0", 1, MacAddress.Parse("52:54:00:00:00:01"), [IpPrefix.Parse("192.168.96.11/24")], Carrier: true);

    private readonly Store<LeaseResource> leases = new();
    private readonly Store<NodeResource> nodes = new();

    public SpeakerLeasesTests()
    {
        nodes.Replace([Node("n1"), Node("n2"), Node("n3")]);
        leases.Replace([]);
    }

    [Theory]
    [InlineData("n2", "n2", 1)]
    [InlineData("n2", "", 0)]
    [InlineData("n1", "n1", 0)]
    [InlineData("n2", "n3", 0)]
    [InlineData("anything", "n2", 0)]
    [InlineData("n9", "n9", 0)]
    public void Lease_CountsOnlyIfItsOwnNodeHoldsIt_AndThereIsSuchANode(string name, string holder, int members)
    {
        var known = Seen(Lease(name, holder));
        Assert.Equal(members, known.On(Link).Count);
        Assert.Equal(members > 0, known.HasElsewhere(["eth0"], []));
    }

    [Fact]
    public void Lease_OfANodeThatIsDeleted_CountsNoMore()
    {
        var known = Seen(Lease("n2", "n2"));
        nodes.Replace([Node("n1")]);
        Assert.Empty(known.On(Link));
    }

    [Fact]
    public void OwnLease_InAnothersName_IsNoSignThatTheApiServerIsInReach()
    {
        var known = Seen(Lease("anything", "n1"));
        Assert.True(known.RenewedSince(TimeSpan.FromHours(1)), "it has none that is its own");
    }

    [Fact]
    public void Renewal_SaysNothingNew_AnotherAddressDoes()
    {
        var lease = Lease("n2", "n2");
        var known = Seen(lease);
        var before = known.On(Link);
        leases.Replace([lease with { RenewTime = DateTimeOffset.UnixEpoch.AddSeconds(20) }]);
        known.Observe(TimeSpan.FromSeconds(21));
        Assert.Same(before, known.On(Link));

        leases.Replace([lease with
        {
            RenewTime = DateTimeOffset.UnixEpoch.AddSeconds(30),
            Annotations = Leases.Of(Link with { Prefixes = [IpPrefix.Parse("192.168.96.13/24")] }),
        }]);
        known.Observe(TimeSpan.FromSeconds(31));
        Assert.Equal("192.168.96.13/24", Assert.Single(Assert.Single(known.On(Link)).Prefixes).ToString());
    }

    [Fact]
    public void Lease_ThatIsGone_CountsNoMore()
    {
        var known = Seen(Lease("n2", "n2"));
        Assert.Single(known.On(Link));
        leases.Replace([]);
        known.Observe(TimeSpan.FromSeconds(12));
        Assert.Empty(known.On(Link));
    }

    // Seen to be renewed: only then is it fresh.
    private SpeakerLeases Seen(LeaseResource lease)
    {
        var known = new SpeakerLeases(leases, nodes, "n1");
        leases.Replace([lease]);
        known.Observe(TimeSpan.FromSeconds(1));
        leases.Replace([lease with { RenewTime = DateTimeOffset.UnixEpoch.AddSeconds(10) }]);
        known.Observe(TimeSpan.FromSeconds(11));
        return known;
    }

    private static LeaseResource Lease(string name, string holder) => new()
    {
        Key = new ObjectKey("loadbalancer-system", name), HolderIdentity = holder, LeaseDurationSeconds = 40, RenewTime = DateTimeOffset.UnixEpoch,
        Annotations = Leases.Of(Link with { Prefixes = [IpPrefix.Parse("192.168.96.12/24")] }),
    };

    private static NodeResource Node(string name) => new() { Key = new ObjectKey("", name), Uid = name };
}
