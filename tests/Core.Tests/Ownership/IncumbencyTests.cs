using LoadBalancer.Core.Heartbeats;
using LoadBalancer.Core.Ownership;
using static LoadBalancer.Core.Tests.Ownership.Members;

namespace LoadBalancer.Core.Tests.Ownership;

/// <summary>Whose claim counts, who keeps what it claims, and who stands in for it: each case is one condition of the rules.</summary>
public sealed class IncumbencyTests
{
    private static readonly VipFacts V = Vip("192.168.96.100");
    private static readonly IReadOnlyList<string> Order = Election.Order(V.Address, ["n1", "n2", "n3"]);

    private readonly Dictionary<string, SegmentMember> members = new() { ["n1"] = Of("n1"), ["n2"] = Of("n2"), ["n3"] = Of("n3") };
    private readonly Dictionary<string, NodeFacts> nodes = [];

    [Fact]
    public void Decide_TwoClaims_TheHigherTermCounts() =>
        Assert.Equal((Order[1], 5ul), Incumbent(Decide(2, Owns(0, 3), Owns(1, 5))));

    [Theory]
    [InlineData(0, 1)]
    [InlineData(1, 0)]
    public void Decide_TwoClaimsOfOneTerm_TheFirstInOrderCountsWhoeverIsMetFirst(int one, int other) =>
        Assert.Equal((Order[0], 3ul), Incumbent(Decide(2, Owns(one, 3), Owns(other, 3))));

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Decide_DeputyClaim_CountsForAnOwnerThatIsAway(bool away)
    {
        members[Order[0]] = members[Order[0]] with { Away = away, Ready = !away };
        Assert.Equal(away ? Order[0] : null, Decide(2, StandsIn(1, 0, 3)).Incumbent);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Decide_DeputyClaimForAnOwnerThatIsGone_CountsWhileTheDeputyIsPresent(bool away)
    {
        members.Remove(Order[0]);
        members[Order[1]] = members[Order[1]] with { Away = away, Ready = !away };
        Assert.Equal(away ? null : Order[0], Decide(2, StandsIn(1, 0, 3)).Incumbent);
    }

    [Theory]
    [InlineData(true, 3)]
    [InlineData(false, 5)]
    public void Decide_DeputyClaimForThisNode_CountsWhileItDoesNotAnswerItself(bool answers, ulong term)
    {
        var own = answers ? Owning(Order[2], 3) : Watching(Order[2], 3);
        Assert.Equal((Order[2], term), Incumbent(Decide(2, own, StandsIn(1, 2, 5))));
    }

    [Fact]
    public void Decide_SomebodyIsKnownByItsLeaseAlone_TheOrderDecidesAndNotTheClaims()
    {
        members[Order[0]] = members[Order[0]] with { Source = MemberSource.Lease };
        Assert.Equal(Order[0], Decide(2, Owns(1, 3)).Owner);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Decide_OwnerIsAway_KeepsItUntilTheGraceIsOver(bool over)
    {
        members[Order[0]] = members[Order[0]] with { Away = true, Ready = false, GraceOver = over };
        Assert.Equal(over ? Order[1] : Order[0], Decide(2, Owns(0, 3)).Owner);
    }

    [Fact]
    public void Decide_TheClaimantThatWasAcceptedIsExcluded_ItDoesNotKeepIt()
    {
        nodes[Order[0]] = NodeFacts.Unknown with { Excluded = true };
        var own = Watching(Order[0], 3) with { Accepted = new AcceptedClaim(Order[0], 3) };
        Assert.Equal(Order[1], Decide(2, own, Owns(0, 3)).Owner);
    }

    public static TheoryData<Func<SegmentMember, SegmentMember>> NoDeputies => new()
    {
        m => m with { Ready = false },
        m => m with { Leaving = true },
        m => m with { Away = true },
    };

    [Theory]
    [MemberData(nameof(NoDeputies))]
    public void Decide_OwnerIsAway_WhoIsNotThereOrAboutToGoIsNoDeputy(Func<SegmentMember, SegmentMember> change)
    {
        members[Order[0]] = members[Order[0]] with { Away = true };
        Assert.Equal(Order[1], Decide(2, Owns(0, 3)).Deputy);
        members[Order[1]] = change(members[Order[1]]);
        Assert.Equal(Order[2], Decide(2, Owns(0, 3)).Deputy);
    }

    [Theory]
    [InlineData(1, 2)]
    [InlineData(2, 1)]
    public void Decide_TwoDeputies_TheFirstInOrderStays(int self, int other)
    {
        members[Order[0]] = members[Order[0]] with { Away = true };
        var own = Watching(Order[0], 3) with { Part = new OwnershipPart.Deputy(Order[0], new(1)) };
        Assert.Equal(Order[1], Decide(self, own, Owns(0, 3), StandsIn(other, 0, 3)).Deputy);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Decide_OwnersClaim_IsNoWordOfOneThatIsAway(bool away)
    {
        members[Order[0]] = members[Order[0]] with { Away = away };
        Assert.Equal(!away, Decide(2, Owns(0, 3)).Claimed);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Decide_TheOwnerOfBeforeClaimsNothing_ItGaveWayIfItIsStillThere(bool there)
    {
        members[Order[1]] = members[Order[1]] with { Away = !there };
        Assert.Equal(there, Decide(0, Watching(Order[1], 3)).FormerGaveWay);
    }

    // One that does not hear this node cannot know its claim, unless it is away or hears nobody: then it knows none; or had no time to.
    [Theory]
    [InlineData(false, false, false, true)]
    [InlineData(true, false, false, false)]
    [InlineData(false, true, false, false)]
    [InlineData(false, false, true, false)]
    public void Decide_ClaimOfOneThatDoesNotHearThisNode_ComesFirstIfItCanServe(bool away, bool hearsNothing, bool mayHearUsYet, bool first)
    {
        members[Order[0]] = members[Order[0]] with { HearsUs = false, Away = away, HearsNothing = hearsNothing, MayHearUsYet = mayHearUsYet };
        var own = Owning(Order[2], 5);
        Assert.Equal(first ? Order[0] : Order[2], Decide(2, own, Owns(0, 3)).Incumbent);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Decide_WhoYields_IsRelievedUnlessItCannotTellWhy(bool blindly)
    {
        members[Order[0]] = members[Order[0]] with { YieldsBlindly = blindly };
        var yields = new PeerClaim(Order[0], "eth0", new Claim(V.Address, Order[0], 3, ClaimKind.Yielding));
        Assert.Equal(blindly ? Order[0] : Order[1], Decide(2, yields).Owner);
    }

    [Fact]
    public void Watches_TheFirstInLineAndNobodyElse_WhileTheOwnerIsThereAndClaimsIt()
    {
        Assert.NotNull(Elect(1, Owns(0, 3)).Watches(V, Order[0]));
        Assert.Null(Elect(2, Owns(0, 3)).Watches(V, Order[0]));
        Assert.Null(Elect(1, new PeerClaim(Order[0], "eth0", new Claim(V.Address, Order[0], 3, ClaimKind.Yielding))).Watches(V, Order[0]));
        members[Order[0]] = members[Order[0]] with { Away = true };
        Assert.Null(Elect(1, Owns(0, 3)).Watches(V, Order[0]));
    }

    private static (string?, ulong) Incumbent(OwnerDecision decision) => (decision.Incumbent, decision.Term);

    private static PeerClaim Owns(int claimant, ulong term) =>
        new(Order[claimant], "eth0", new Claim(V.Address, Order[claimant], term, ClaimKind.Owner));

    private static PeerClaim StandsIn(int claimant, int owner, ulong term) =>
        new(Order[claimant], "eth0", new Claim(V.Address, Order[owner], term, ClaimKind.Deputy));

    private OwnerDecision Decide(int self, params PeerClaim[] claims) => Decide(self, default, claims);

    private OwnerDecision Decide(int self, OwnershipState own, params PeerClaim[] claims) => Elect(self, claims).Decide(V, own);

    private SegmentElection Elect(int self, params PeerClaim[] claims)
    {
        var view = new SegmentView(
            members[Order[self]] with { Source = MemberSource.Self }, [.. members.Values.Where(member => member.Node != Order[self])], MayAct: true)
        {
            Claims = ClaimView.Of(claims),
        };
        return new SegmentElection(new ElectionOrders(), view, name => nodes.GetValueOrDefault(name, NodeFacts.Unknown));
    }
}
