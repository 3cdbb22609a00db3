using LoadBalancer.Core.Ownership;
using static LoadBalancer.Core.Tests.Ownership.Members;

namespace LoadBalancer.Core.Tests.Ownership;

public sealed class OwnershipMachineTests
{
    private static readonly OwnershipInput Ours = new("n1", new OwnerDecision("n1", NoOwner.None, Ineligible.None), false, null);
    private static readonly OwnershipInput Theirs = new("n1", new OwnerDecision("n2", NoOwner.None, Ineligible.None), false, null);
    private static readonly OwnershipState Owner = new(OwnershipPhase.Owner, "n1", NoOwner.None, default, 1);
    private static readonly OwnershipState HandingOver = new(OwnershipPhase.HandingOver, "n2", NoOwner.None, Ms(1200), 2);

    [Fact]
    public void Step_ElectedForTheFirstTime_Announces()
    {
        var (state, action) = OwnershipMachine.Step(default, Ours, Ms(1000));
        Assert.Equal(OwnershipAction.Announce, action);
        Assert.Equal(Owner, state);
    }

    [Fact]
    public void Step_ElectedBeforeThePeersKnow_Waits()
    {
        var (state, action) = OwnershipMachine.Step(default, Ours with { MayAct = false }, Ms(1000));
        Assert.Equal((OwnershipPhase.Away, "n1", OwnershipAction.None), (state.Phase, state.Owner, action));
        Assert.Equal(OwnershipAction.Announce, OwnershipMachine.Step(state, Ours, Ms(1100)).Action);
    }

    [Fact]
    public void Step_StillElected_DoesNothing() =>
        Assert.Equal((Owner, OwnershipAction.None), OwnershipMachine.Step(Owner, Ours, Ms(1000)));

    [Fact]
    public void Step_AnotherIsElected_AnswersOnUntilTheHandOverEnds()
    {
        var (state, action) = OwnershipMachine.Step(Owner, Theirs, Ms(1000));
        Assert.Equal(OwnershipAction.KeepAnswering, action);
        Assert.Equal(HandingOver, state);
        Assert.Equal(OwnershipAction.None, OwnershipMachine.Step(state, Theirs, Ms(1199)).Action);
        var (end, last) = OwnershipMachine.Step(state, Theirs, Ms(1200));
        Assert.Equal((OwnershipPhase.Away, OwnershipAction.StopAnswering), (end.Phase, last));
    }

    [Fact]
    public void Step_ElectedAgainWhileHandingOver_AnnouncesAgain() =>
        Assert.Equal(OwnershipAction.Announce, OwnershipMachine.Step(HandingOver, Ours, Ms(1100)).Action);

    public static TheoryData<string, OwnershipInput> ReasonsToStopAtOnce => new()
    {
        { "no local endpoint", Theirs with { Decision = Theirs.Decision with { Self = Ineligible.NoLocalEndpoint } } },
        { "no network", Theirs with { Decision = Theirs.Decision with { Self = Ineligible.NetworkUnavailable } } },
        { "others took over", Theirs with { Holding = true } },
        { "no endpoint at all", Theirs with { Decision = new OwnerDecision(null, NoOwner.NoServingEndpoint, Ineligible.None) } },
        { "no endpoint at all while leaving", Theirs with { Decision = new OwnerDecision(null, NoOwner.NoServingEndpoint, Ineligible.Leaving), LeaveBy = Ms(9000) } },
    };

    [Theory]
    [MemberData(nameof(ReasonsToStopAtOnce))]
    public void Step_TrafficWouldBeLostHere_StopsAtOnce(string why, OwnershipInput input)
    {
        Assert.True(OwnershipMachine.Step(Owner, input, Ms(1000)).Action == OwnershipAction.StopAnswering, why);
        Assert.True(OwnershipMachine.Step(HandingOver, input, Ms(1000)).Action == OwnershipAction.StopAnswering, why);
    }

    // An administrator moves the VIP; the node still takes its traffic: make before break.
    [Theory]
    [InlineData(Ineligible.NodeExcluded)]
    [InlineData(Ineligible.NodeSelector)]
    public void Step_MovedAwayByAnAdministrator_HandsOver(Ineligible why)
    {
        var input = Theirs with { Decision = Theirs.Decision with { Self = why } };
        Assert.Equal((HandingOver, OwnershipAction.KeepAnswering), OwnershipMachine.Step(Owner, input, Ms(1000)));
        Assert.Equal(OwnershipAction.StopAnswering, OwnershipMachine.Step(HandingOver, input, Ms(1200)).Action);

        var nobody = input with { Decision = new OwnerDecision(null, NoOwner.NoEligibleNode, why) };
        Assert.Equal(OwnershipAction.StopAnswering, OwnershipMachine.Step(Owner, nobody, Ms(1000)).Action);
    }

    [Fact]
    public void Step_LeavingWithNobodyElse_AnswersToTheEnd()
    {
        var alone = new OwnershipInput("n1", new OwnerDecision(null, NoOwner.NoEligibleNode, Ineligible.Leaving), false, Ms(2000));
        var (state, action) = OwnershipMachine.Step(Owner, alone, Ms(1000));
        Assert.Equal((OwnershipAction.KeepAnswering, Ms(2000)), (action, state.Until));
        Assert.Equal(OwnershipAction.StopAnswering, OwnershipMachine.Step(state, alone, Ms(2000)).Action);
    }

    [Fact]
    public void Step_LeavingAndEverybodyTookOver_StopsEarlier()
    {
        var leaving = new OwnershipInput("n1", new OwnerDecision("n2", NoOwner.None, Ineligible.Leaving), false, Ms(2000));
        var (state, _) = OwnershipMachine.Step(Owner, leaving, Ms(1000));
        Assert.Equal(Ms(2000), state.Until);
        var (_, action) = OwnershipMachine.Step(state, leaving with { LeaveBy = Ms(1150) }, Ms(1150));
        Assert.Equal(OwnershipAction.StopAnswering, action);
    }

    [Fact]
    public void Step_OwnerChanges_RaisesTheTerm()
    {
        var (state, _) = OwnershipMachine.Step(Owner, Theirs, Ms(1000));
        Assert.Equal(2ul, state.Term);
        Assert.Equal(2ul, OwnershipMachine.Step(state, Theirs, Ms(1001)).State.Term);
    }
}
