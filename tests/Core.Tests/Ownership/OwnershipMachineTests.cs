using LoadBalancer.Core.Addressing;
using LoadBalancer.Core.Ownership;
using static LoadBalancer.Core.Tests.Ownership.Members;

namespace LoadBalancer.Core.Tests.Ownership;

public sealed class OwnershipMachineTests
{
    private static readonly MacAddress Mac = MacAddress.Parse("52:54:00:00:00:02");
    private static readonly OwnershipInput Ours = new("n1", new OwnerDecision("n1", NoOwner.None, Ineligible.None), null);
    private static readonly OwnershipInput Theirs = new("n1", new OwnerDecision("n2", NoOwner.None, Ineligible.None), null);
    private static readonly OwnershipState Owner = Owning("n1", 3);
    private static readonly OwnershipState HandingOver = new("n2", NoOwner.None, 3) { Part = new OwnershipPart.Former(null) };

    // n2 owns the VIP and its speaker is away; this node is first in the order.
    private static readonly OwnershipInput Represented = Theirs with
    {
        Decision = Theirs.Decision with { Incumbent = "n2", Term = 3, HighestTerm = 3, OwnerAway = true, Deputy = "n1", OwnerMac = Mac },
    };

    private static readonly OwnershipState Deputy =
        new("n2", NoOwner.None, 3) { Part = new OwnershipPart.Deputy("n2", Mac), Accepted = new AcceptedClaim("n2", 3) };

    [Fact]
    public void Step_ElectedForTheFirstTime_Announces() => AssertStep((Owner, OwnershipAction.Announce), default, Ours);

    [Fact]
    public void Step_ElectedBeforeThePeersKnow_Waits()
    {
        var (state, action) = OwnershipMachine.Step(default, Ours with { MayAct = false }, Ms(1000));
        Assert.Equal((OwnershipPhase.Away, "n1", OwnershipAction.None), (state.Phase, state.Owner, action));
        Assert.Equal(OwnershipAction.Announce, OwnershipMachine.Step(state, Ours, Ms(1100)).Action);
    }

    [Fact]
    public void Step_StillTheIncumbent_DoesNothing() => AssertStep((Owner, OwnershipAction.None), Owner, Incumbent(3));

    [Fact]
    public void Step_PeersKnowItAsTheOwnerOfBefore_ResumesInTheSameTermWithoutAnnouncing() =>
        AssertStep((Owner with { Term = 7 }, OwnershipAction.Resume), default, Incumbent(7) with { MayAct = false });

    [Fact]
    public void Step_PeersClaimsNotKnownYet_DoesNotResume() =>
        Assert.Equal(OwnershipAction.None, OwnershipMachine.Step(default, Incumbent(7) with { MayServe = false }, Ms(0)).Action);

    [Fact]
    public void Step_TakesOverFromANodeThatIsGone_RaisesTheTerm()
    {
        var (state, action) = OwnershipMachine.Step(default, Ours with { Decision = Ours.Decision with { HighestTerm = 7 } }, Ms(0));
        Assert.Equal((9ul, OwnershipAction.Announce), (state.Term, action));
    }

    [Theory]
    [InlineData(0, true, 3)]
    [InlineData(3, true, 5)]
    [InlineData(4, true, 7)]
    [InlineData(0, false, 2)]
    [InlineData(5, false, 4)]
    [InlineData(4, false, 4)]
    public void NextTerm_OfTheLargerPart_IsAboveAll_OfASmallerPart_IsBelowTheLastOfALarger(ulong highest, bool majority, ulong expected) =>
        Assert.Equal(expected, OwnershipMachine.NextTerm(highest, majority));

    [Fact]
    public void Step_AnotherIsElected_AnswersOnUntilItClaims()
    {
        AssertStep((HandingOver, OwnershipAction.KeepAnswering), Owner, Theirs, 1000);
        AssertStep((HandingOver, OwnershipAction.None), HandingOver, Theirs, 100_000);
        Assert.Equal(OwnershipAction.StopAnswering, OwnershipMachine.Step(HandingOver, Claimed(5), Ms(2000)).Action);
    }

    [Fact]
    public void Step_AnotherClaimsAHigherTerm_StopsAtOnce()
    {
        var (state, action) = OwnershipMachine.Step(Owner, Claimed(5), Ms(1000));
        Assert.Equal((OwnershipPhase.Away, 5ul, OwnershipAction.StopAnswering), (state.Phase, state.Term, action));
    }

    [Fact]
    public void Step_ARivalStops_AnnouncesAgain()
    {
        var contested = Incumbent(3) with { Decision = Incumbent(3).Decision with { Rival = true } };
        var (state, action) = OwnershipMachine.Step(Owner, contested, Ms(0));
        Assert.Equal((true, OwnershipAction.None), (Assert.IsType<OwnershipPart.Holder>(state.Part).Contested, action));
        AssertStep((Owner, OwnershipAction.Announce), state, Incumbent(3));
    }

    // It says nothing on the wire: what it does can only be guessed.
    [Fact]
    public void Step_TheNewOwnerCannotBeHeard_AnswersOnForAMoment()
    {
        var unheard = Theirs with { Decision = Theirs.Decision with { Unheard = true } };
        var (state, action) = OwnershipMachine.Step(Owner, unheard, Ms(1000));
        Assert.Equal((OwnershipAction.KeepAnswering, Ms(1200)), (action, state.Part.Due!.Value));
        Assert.Equal(OwnershipAction.None, OwnershipMachine.Step(state, unheard, Ms(1199)).Action);
        Assert.Equal(OwnershipAction.StopAnswering, OwnershipMachine.Step(state, unheard, Ms(1200)).Action);
    }

    [Theory]
    [InlineData(Ineligible.NoLocalEndpoint)]
    [InlineData(Ineligible.NetworkUnavailable)]
    public void Step_TrafficIsLostHere_WaitsForASuccessorForASecondAtMost(Ineligible why)
    {
        var lost = Theirs with { Decision = Theirs.Decision with { Self = why } };
        var (state, _) = OwnershipMachine.Step(Owner, lost, Ms(1000));
        Assert.Equal(OwnershipAction.None, OwnershipMachine.Step(state, lost, Ms(1999)).Action);
        Assert.Equal(OwnershipAction.StopAnswering, OwnershipMachine.Step(state, lost, Ms(2000)).Action);
    }

    [Theory]
    [InlineData(NoOwner.NoServingEndpoint)]
    [InlineData(NoOwner.NoEligibleNode)]
    public void Step_NobodyMayOwnIt_StopsAtOnce(NoOwner reason)
    {
        var nobody = Theirs with { Decision = new OwnerDecision(null, reason, Ineligible.NodeExcluded) };
        Assert.Equal(OwnershipAction.StopAnswering, OwnershipMachine.Step(Owner, nobody, Ms(1000)).Action);
        Assert.Equal(OwnershipAction.StopAnswering, OwnershipMachine.Step(HandingOver, nobody, Ms(1000)).Action);
        Assert.Equal(OwnershipAction.StopAnswering, OwnershipMachine.Step(Deputy, nobody, Ms(1000)).Action);
    }

    [Fact]
    public void Step_FitAgainBeforeAnybodyTookOver_GoesOnAsOwner() =>
        AssertStep((Owner, OwnershipAction.Announce), HandingOver, Incumbent(3));

    [Fact]
    public void Step_OwnersSpeakerIsAway_TheDeputyAnswersWithTheOwnersAddress() =>
        AssertStep((Deputy, OwnershipAction.Deputize), default, Represented);

    [Fact]
    public void Step_AnotherIsDeputy_OnlyWatches()
    {
        var other = Represented with { Decision = Represented.Decision with { Deputy = "n3" } };
        Assert.Equal(OwnershipAction.None, OwnershipMachine.Step(default, other, Ms(0)).Action);
        Assert.Equal(OwnershipAction.None, OwnershipMachine.Step(Deputy, other, Ms(0)).Action);
        var claimed = other with { Decision = other.Decision with { DeputyClaimed = true } };
        Assert.Equal(OwnershipAction.StopAnswering, OwnershipMachine.Step(Deputy, claimed, Ms(0)).Action);
    }

    [Fact]
    public void Step_OwnersSpeakerIsBack_TheDeputyAnswersUntilItClaims()
    {
        var back = Theirs with { Decision = Theirs.Decision with { Incumbent = "n2", Term = 3, HighestTerm = 3, OwnerMac = Mac } };
        AssertStep((Deputy, OwnershipAction.None), Deputy, back);
        Assert.Equal(OwnershipAction.StopAnswering, OwnershipMachine.Step(Deputy, Claimed(3), Ms(0)).Action);
    }

    [Fact]
    public void Step_GraceOverForTheDeputy_BecomesTheOwnerAndAnnounces()
    {
        var (state, action) = OwnershipMachine.Step(
            Deputy, Ours with { Decision = Ours.Decision with { Incumbent = "n2", Term = 3, HighestTerm = 3 } }, Ms(0));
        Assert.Equal((OwnershipPhase.Owner, 5ul, OwnershipAction.Announce), (state.Phase, state.Term, action));
    }

    [Fact]
    public void Step_Leaving_AnswersUntilTheDeputyDoes()
    {
        var leaving = Incumbent(3) with { LeaveBy = Ms(2000) };
        var (state, action) = OwnershipMachine.Step(Owner, leaving, Ms(1000));
        Assert.Equal((OwnershipPhase.Owner, OwnershipAction.None), (state.Phase, action));
        var claimed = leaving with { Decision = leaving.Decision with { DeputyClaimed = true } };
        Assert.Equal(OwnershipAction.StopAnswering, OwnershipMachine.Step(state, claimed, Ms(1010)).Action);
        Assert.Equal(OwnershipAction.StopAnswering, OwnershipMachine.Step(state, leaving, Ms(2000)).Action);
    }

    [Fact]
    public void Step_NobodyTakesWhatNobodyHad_TheNextIsAskedAfterAWhile()
    {
        var (state, _) = OwnershipMachine.Step(default, Theirs, Ms(1000));
        Assert.Equal(0, Assert.IsType<OwnershipPart.Watcher>(OwnershipMachine.Step(state, Theirs, Ms(2499)).State.Part).Skipped);
        Assert.Equal(1, Assert.IsType<OwnershipPart.Watcher>(OwnershipMachine.Step(state, Theirs, Ms(2500)).State.Part).Skipped);
    }

    private static OwnershipInput Incumbent(ulong term) =>
        Ours with { Decision = Ours.Decision with { Incumbent = "n1", Term = term, HighestTerm = term } };

    private static OwnershipInput Claimed(ulong term) =>
        Theirs with { Decision = Theirs.Decision with { Incumbent = "n2", Term = term, HighestTerm = term, Claimed = true } };

    [Fact]
    public void Step_StandsDown_AnnouncesNothingUntilItHearsAgain()
    {
        var down = Incumbent(3) with { StandsDown = true };
        var (state, action) = OwnershipMachine.Step(Owner, down, Ms(0));
        Assert.Equal((true, OwnershipAction.KeepAnswering), (Assert.IsType<OwnershipPart.Holder>(state.Part).StandsDown, action));
        Assert.Equal(OwnershipAction.None, OwnershipMachine.Step(state, down, Ms(1)).Action);
        Assert.Equal(OwnershipAction.Announce, OwnershipMachine.Step(state, Incumbent(3), Ms(2)).Action);
    }

    [Fact]
    public void Step_TheOwnerOfBeforeGaveWay_LeavesItAloneForAMoment()
    {
        var free = Ours with { Decision = Ours.Decision with { HighestTerm = 3, FormerGaveWay = true } };
        var (state, action) = OwnershipMachine.Step(Watching("n2", 3), free, Ms(1000));
        Assert.Equal(((OwnershipPart)new OwnershipPart.Watcher(Ms(1500)), OwnershipAction.None), (state.Part, action));
        Assert.Equal(OwnershipAction.None, OwnershipMachine.Step(state, free, Ms(1499)).Action);
        Assert.Equal(OwnershipAction.Announce, OwnershipMachine.Step(state, free, Ms(1500)).Action);
    }

    [Fact]
    public void Step_AnotherOwnsItAndADeputyAnswers_StopsAtOnce()
    {
        var answered = Represented with { Decision = Represented.Decision with { Deputy = "n3", DeputyClaimed = true } };
        Assert.Equal(OwnershipAction.StopAnswering, OwnershipMachine.Step(HandingOver, answered, Ms(0)).Action);
        var elected = answered with { Decision = answered.Decision with { DeputyClaimed = false } };
        Assert.Equal(OwnershipAction.None, OwnershipMachine.Step(HandingOver, elected, Ms(0)).Action);
    }

    [Fact]
    public void Step_ADeputyThatLeaves_Stops() =>
        Assert.Equal(OwnershipAction.StopAnswering, OwnershipMachine.Step(Deputy, Represented with { LeaveBy = Ms(1000) }, Ms(0)).Action);

    [Fact]
    public void Step_ASuccessorIsElectedAndHasNotClaimed_TheDeputyAnswersAsBefore()
    {
        var elected = Theirs with { Decision = Theirs.Decision with { Owner = "n3", OwnerMac = MacAddress.Parse("52:54:00:00:00:03") } };
        var (state, action) = OwnershipMachine.Step(Deputy, elected, Ms(0));
        Assert.Equal(((OwnershipPart)new OwnershipPart.Deputy("n2", Mac), OwnershipAction.None), (state.Part, action));
    }

    [Fact]
    public void Step_OwnersSpeakerIsAwayAndThisNodeMayNotAct_IsNoDeputyYet() =>
        Assert.Equal(OwnershipAction.None, OwnershipMachine.Step(default, Represented with { MayAct = false }, Ms(0)).Action);

    [Fact]
    public void Step_SomebodyOnceHadWhatNobodyTakes_NobodyIsSkipped()
    {
        var (state, _) = OwnershipMachine.Step(Watching("n2", 3), Theirs, Ms(0));
        Assert.Equal(OwnershipPart.Idle, state.Part);
    }

    [Fact]
    public void Step_ARivalGoesOn_TheWinnerWaitsWithAnnouncing()
    {
        var rival = Incumbent(3) with { Decision = Incumbent(3).Decision with { Rival = true } };
        Assert.Equal(OwnershipAction.None, OwnershipMachine.Step(Owner with { Part = new OwnershipPart.Holder { Contested = true } }, rival, Ms(0)).Action);
    }

    [Fact]
    public void Step_LeavingAndTheLastEndpointIsGone_StopsAtOnce()
    {
        var gone = Ours with { Decision = new OwnerDecision(null, NoOwner.NoServingEndpoint, Ineligible.None), LeaveBy = Ms(1000) };
        Assert.Equal(OwnershipAction.StopAnswering, OwnershipMachine.Step(Owner, gone, Ms(0)).Action);
    }

    [Fact]
    public void Step_LeftAndNobodyAnsweredInItsPlace_IsStillItsOwn()
    {
        var (left, action) = OwnershipMachine.Step(Owner, Ours with { LeaveBy = Ms(1000) }, Ms(1000));
        Assert.Equal(OwnershipAction.StopAnswering, action);
        var (after, _) = OwnershipMachine.Step(left, Theirs with { LeaveBy = Ms(1000) }, Ms(1010));
        Assert.Null(SegmentOwnership.ClaimOf(IpAddress.Parse("192.168.96.100"), after, "n1"));
    }

    private static void AssertStep((OwnershipState, OwnershipAction) expected, OwnershipState from, OwnershipInput input, int at = 0) =>
        Assert.Equal(expected, OwnershipMachine.Step(from, input, Ms(at)));
}
