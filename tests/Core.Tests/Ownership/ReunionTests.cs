using LoadBalancer.Core.Addressing;
using LoadBalancer.Core.Ownership;
using static LoadBalancer.Core.Tests.Ownership.Members;

namespace LoadBalancer.Core.Tests.Ownership;

/// <summary>A segment that is cut in two and becomes whole again.</summary>
public sealed class ReunionTests
{
    private static readonly VipFacts V = Vip("192.168.96.100");

    private readonly SegmentMembership membership = ReadyNode();

    private readonly Talker n2 = new("n2", boot: 1000);
    private readonly Talker n3 = new("n3", boot: 2000);

    // Cut off from everybody it loses first the peer that it heard first; the rest of the segment is no less gone for that.
    [Fact]
    public void CutOff_TheFirstPeerIsLostAndTheOtherIsAsSilent_IsNoMajority()
    {
        membership.Hear(n2.Say(), Ms(0));
        membership.Hear(n3.Say(), Ms(80));
        Run(0, 360);
        Assert.Equal(["n3"], View(360).Peers.Select(peer => peer.Node));
        Assert.False(View(360).Majority);
    }

    [Fact]
    public void OnePeerIsLostAndTheOtherIsHeard_IsTheMajority()
    {
        membership.Hear(n2.Say(), Ms(0));
        for (var at = 0; at <= 470; at += 50)
        {
            membership.Hear(n3.Say(), Ms(at));
            Run(at, at + 50);
        }

        Assert.Equal(["n3"], View(500).Peers.Select(peer => peer.Node));
        Assert.True(View(500).Majority);
    }

    [Fact]
    public void PeerGivenUpComesBack_TheSameRunIsAReunion_AnotherIsNot()
    {
        membership.Hear(n2.Say(), Ms(0));
        membership.Hear(n3.Say(), Ms(0));
        Run(0, 500);
        Assert.Equal(0, View(500).Reunions);
        membership.Hear(n2.Say(), Ms(500));
        Assert.Equal(1, View(500).Reunions);
        membership.Hear(new Talker("n3", boot: 2001).Say(h => h with { HeardSequence = 2 }), Ms(500));
        Assert.Equal(["n2", "n3"], View(500).Peers.Select(peer => peer.Node));
        Assert.Equal(1, View(500).Reunions);
    }

    // It lost this node as this node lost it, and says so in its first frame: one that has had time enough is another matter.
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void PeerSaysThatItDoesNotHearThisNode_MayHearItYetForTwoHeartbeats(bool wasLost)
    {
        membership.Hear(n2.Say(), Ms(0));
        Run(0, wasLost ? 590 : 90);
        var at = wasLost ? 600 : 100;
        membership.Hear(Unhearing(), Ms(at));
        Run(at, at + 100);
        membership.Hear(Unhearing(), Ms(at + 100));
        Run(at + 100, at + 190);
        Assert.True(Assert.Single(View(at + 199).Peers).MayHearUsYet);
        Assert.Equal(Ms(at + 200), membership.NextDeadline(Ms(at + 199)));
        Assert.True(membership.Advance(Ms(at + 200)));
        Assert.False(Assert.Single(View(at + 200).Peers).MayHearUsYet);

        byte[] Unhearing() => n2.Say(h => h with { HeardBoot = 0, HeardSequence = 0 });
    }

    [Fact]
    public void PeerThatIsBack_HearsThisNode_HasNotJustBeenMet()
    {
        membership.Hear(n2.Say(), Ms(0));
        Run(0, 500);
        membership.Hear(n2.Say(), Ms(600));
        Assert.False(Assert.Single(View(600).Peers).MayHearUsYet);
    }

    // The other part may have announced it last, and its hosts believe that.
    [Fact]
    public void Reunion_TheOwnerAnnouncesOnceMore()
    {
        var ownership = new SegmentOwnership();
        Assert.Equal([OwnershipAction.Announce], Decide(ownership, reunions: 0));
        Assert.Empty(Decide(ownership, reunions: 0));
        Assert.Equal([OwnershipAction.Announce], Decide(ownership, reunions: 1));
        Assert.Empty(Decide(ownership, reunions: 1));
    }

    private static List<OwnershipAction> Decide(SegmentOwnership ownership, int reunions)
    {
        var view = new SegmentView(Of("n1") with { Source = MemberSource.Self }, [], MayAct: true) { Reunions = reunions };
        List<OwnershipTransition> transitions = [];
        ownership.Decide(new Dictionary<IpAddress, VipFacts> { [V.Address] = V }, new SegmentElection(new ElectionOrders(), view, _ => NodeFacts.Unknown),
            view, null, Ms(0), transitions);
        return [.. transitions.Select(transition => transition.Action)];
    }

    private void Run(int from, int to)
    {
        for (var at = from; at <= to; at += 10)
        {
            membership.Advance(Ms(at));
            membership.Checks(Ms(at), new CheckTarget[8]);
        }
    }

    private SegmentView View(int at) => membership.View(Ms(at), []);
}
