using LoadBalancer.Core.Ownership;
using static LoadBalancer.Core.Tests.Ownership.Members;

namespace LoadBalancer.Core.Tests.Ownership;

/// <summary>Nodes with fresh Leases of the same subnet that were never heard: on another VLAN, or behind isolated ports.</summary>
public sealed class SegmentPartsTests
{
    private readonly SegmentMembership membership = ReadyNode();

    private readonly Talker n2 = new("n2", boot: 1000);

    [Fact]
    public void JoinerThatHearsNobody_IsApart_AndThePartThatHearsEachOtherActs()
    {
        var view = View(heard: true, Unheard("n3"));
        Assert.True(view.MayAct);
        Assert.True(view.Peers.Single(peer => peer.Node == "n3").Apart);
        var own = Owning("n1", 3);
        for (var i = 0; i < 20; i++)
        {
            Assert.Equal("n1", Elect(view).Decide(Vip($"192.168.96.{100 + i}"), own).Owner);
        }
    }

    [Fact]
    public void AloneWhileTwoOthersHearEachOther_TakesNothing()
    {
        var view = View(heard: false, Unheard("n3", "n4"), Unheard("n4", "n3"));
        Assert.False(view.MayAct);
        Assert.All(view.Peers, peer => Assert.True(peer.Apart));
    }

    // Ports that are isolated from each other: one segment, and the order alone decides.
    [Fact]
    public void NobodyHearsAnybody_IsOneSegment()
    {
        var view = View(heard: false, Unheard("n3"), Unheard("n4"));
        Assert.True(view.MayAct);
        Assert.All(view.Peers, peer => Assert.False(peer.Apart));
    }

    [Fact]
    public void UnheardNodeThatHearsAPeerOfOurs_IsNotApart()
    {
        var view = View(heard: true, Unheard("n3", "n2"));
        Assert.True(view.MayAct);
        Assert.False(view.Peers.Single(peer => peer.Node == "n3").Apart);
    }

    [Theory]
    [InlineData("n0", false)] // of two parts of one size, that with the first name
    [InlineData("n5", true)]
    public void TwoPartsOfOneSize_TheOneWithTheFirstNameActs(string other, bool acts) =>
        Assert.Equal(acts, View(heard: true, Unheard(other, "n6"), Unheard("n6", other)).MayAct);

    [Fact]
    public void PeerDies_WhoWasApartStaysApart()
    {
        View(heard: true, Unheard("n3"));
        Run(4000, 5000);
        var view = membership.View(Ms(5000), [Unheard("n3")]);
        Assert.True(Assert.Single(view.Peers).Apart);
        Assert.True(view.MayAct);
    }

    private static SegmentMember Unheard(string node, params string[] hears) => Of(node) with { Source = MemberSource.Lease, Hears = hears };

    private static SegmentElection Elect(SegmentView view) => new(new ElectionOrders(), view, static _ => NodeFacts.Unknown);

    private SegmentView View(bool heard, params SegmentMember[] unheard)
    {
        for (var at = 0; at < 4000; at += 50)
        {
            if (heard && at % 100 == 0)
            {
                membership.Hear(n2.Say(), Ms(at));
            }

            membership.Advance(Ms(at));
        }

        return membership.View(Ms(3950), unheard);
    }

    private void Run(int from, int to)
    {
        for (var at = from; at <= to; at += 50)
        {
            membership.Advance(Ms(at));
            membership.Checks(Ms(at), new CheckTarget[8]);
        }
    }
}
