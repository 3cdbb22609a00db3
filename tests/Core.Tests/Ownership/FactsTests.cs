using LoadBalancer.Core.Heartbeats;
using LoadBalancer.Core.Ownership;
using static LoadBalancer.Core.Tests.Ownership.Members;

namespace LoadBalancer.Core.Tests.Ownership;

/// <summary>What this node knows from the API server against what another claims: whoever has the newer facts is right.</summary>
public sealed class FactsTests
{
    private static readonly VipFacts V = Vip("192.168.96.100");
    private static readonly VipFacts OnlyHere = V with { ServingNodes = new HashSet<string> { "n1" } };

    // n1 lost its API server, its pod was replaced on n2, and n2 took over in a higher term.
    [Fact]
    public void FactsAreStale_AnotherClaimsAHigherTerm_ThisNodeGivesWayForGood()
    {
        var owner = Owning("n1", 3);
        var (state, action) = Step(owner, OnlyHere, claim: 5, current: false, at: 0);
        Assert.Equal((OwnershipPhase.Away, OwnershipAction.StopAnswering), (state.Phase, action));
        for (var at = 1; at < 600; at++)
        {
            (state, action) = Step(state, OnlyHere, claim: 5, current: false, at * 1000);
            Assert.Equal((OwnershipPhase.Away, "n2", OwnershipAction.None), (state.Phase, state.Owner, action));
        }
    }

    // The watch of this node lags: the claim is newer than what it has heard.
    [Fact]
    public void ClaimNewerThanTheFacts_IsRespectedForHalfAMinute()
    {
        var owner = Owning("n1", 3);
        var (state, _) = Step(owner, OnlyHere, claim: 5, current: true, at: 0);
        Assert.Equal(OwnershipPhase.Away, state.Phase);
        (state, _) = Step(state, OnlyHere, claim: 5, current: true, at: 29_999);
        Assert.Equal(OwnershipPhase.Away, state.Phase);
        (state, var action) = Step(state, OnlyHere, claim: 5, current: true, at: 30_000);
        Assert.Equal((OwnershipPhase.Owner, 7ul, OwnershipAction.Announce), (state.Phase, state.Term, action));
    }

    [Fact]
    public void FactsNewerThanTheClaim_CountAtOnce()
    {
        var (state, _) = Step(default, V, claim: 5, current: true, at: 0);
        Assert.Equal(new AcceptedClaim("n2", 5), state.Accepted);
        (_, var action) = Step(state, OnlyHere, claim: 5, current: true, at: 10);
        Assert.Equal(OwnershipAction.Announce, action);
    }

    [Fact]
    public void FactsThatCameBeforeTheApiServerWentAway_OverruleNoClaim()
    {
        var (state, _) = Step(default, V, claim: 5, current: true, at: 0);
        (_, var action) = Step(state, OnlyHere, claim: 5, current: false, at: 10);
        Assert.Equal(OwnershipAction.None, action);
    }

    [Fact]
    public void AnotherClaimOfTheSameNode_IsAnotherDispute()
    {
        var (state, _) = Step(default, OnlyHere, claim: 5, current: true, at: 0);
        (state, _) = Step(state, OnlyHere, claim: 7, current: true, at: 29_000);
        (state, _) = Step(state, OnlyHere, claim: 7, current: true, at: 31_000);
        Assert.Equal(OwnershipPhase.Away, state.Phase);
    }

    // It wants to be relieved itself: nothing to dispute.
    [Fact]
    public void UnfitNodeYields_IsRelievedAtOnce()
    {
        var (_, action) = Step(default, OnlyHere, claim: 5, current: true, at: 0, ClaimKind.Yielding);
        Assert.Equal(OwnershipAction.Announce, action);
    }

    private static (OwnershipState State, OwnershipAction Action) Step(
        OwnershipState state, VipFacts vip, ulong claim, bool current, int at, ClaimKind kind = ClaimKind.Owner)
    {
        var view = new SegmentView(Of("n1") with { Source = MemberSource.Self }, [Of("n2")], MayAct: true)
        {
            Claims = ClaimView.Of([new PeerClaim("n2", "eth0", new Claim(V.Address, "n2", claim, kind))]),
        };
        var election = new SegmentElection(new ElectionOrders(), view, static _ => NodeFacts.Unknown, current, Ms(at));
        return OwnershipMachine.Step(state, new OwnershipInput("n1", election.Decide(vip, state), null), Ms(at));
    }
}
