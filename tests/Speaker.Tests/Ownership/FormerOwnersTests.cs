using LoadBalancer.Core.Addressing;
using LoadBalancer.Core.Heartbeats;
using LoadBalancer.Core.Ownership;
using LoadBalancer.Core.Pools;
using LoadBalancer.Speaker.Membership;

namespace LoadBalancer.Speaker.Tests.Ownership;

/// <summary>Who is remembered as former owner, for how long, and what is said of one that is lost.</summary>
public sealed class FormerOwnersTests
{
    private static readonly IpAddress Vip = IpAddress.Parse("192.168.96.100");
    private static readonly MacAddress Mac = MacAddress.Parse("52:54:00:00:00:02");
    private static readonly SegmentMember Self = Member("n1", MemberSource.Self);
    private static readonly SegmentView With = new(Self, [Member("n2", MemberSource.Wire) with { Mac = Mac, Run = 1 }], MayAct: true);
    private static readonly SegmentView Without = new(Self, [], MayAct: true);
    private static readonly TimeSpan Start = TimeSpan.FromMinutes(1);

    private readonly FormerOwners formers = new();

    [Fact]
    public void TakenFromAnotherNode_ItIsTheFormerOwner_WhileItIsHeard()
    {
        TakeOver(OwnershipAction.Announce, "n2");

        Assert.Equal(Mac, Assert.Single(formers.Heard(With, Start)).Value);
    }

    [Theory]
    [InlineData(OwnershipAction.Announce, null)]
    [InlineData(OwnershipAction.Announce, "n1")]
    [InlineData(OwnershipAction.Resume, "n2")]
    public void NobodysBefore_OrOnesOwn_ThereIsNone(OwnershipAction action, string? before)
    {
        TakeOver(action, before);

        Assert.Empty(formers.Heard(With, Start));
    }

    [Fact]
    public void Lost_ItStaysSo_AlsoWhenItIsBackWithAnotherRun_UntilItIsForgotten()
    {
        TakeOver(OwnershipAction.Announce, "n2");

        Assert.Equal(Mac, Assert.Single(formers.Heard(With, Start)).Value);
        Assert.Equal(default, Assert.Single(formers.Heard(Without, Start)).Value);
        Assert.Equal(default, Assert.Single(formers.Heard(WithRun(2), Start + FormerOwners.Tells)).Value);
        Assert.Empty(formers.Heard(WithRun(2), Start + FormerOwners.Tells + TimeSpan.FromTicks(1)));
    }

    [Fact]
    public void CutOff_ItIsTheFormerOwnerAgain_WhenTheSameRunIsHeard()
    {
        TakeOver(OwnershipAction.Announce, "n2");

        Assert.Equal(Mac, Assert.Single(formers.Heard(With, Start)).Value);
        Assert.Equal(default, Assert.Single(formers.Heard(Without, Start)).Value);
        Assert.Equal(Mac, Assert.Single(formers.Heard(With, Start + FormerOwners.Tells)).Value);
    }

    // A speaker that is replaced while it is heard, or waited for, is no loss of its node.
    [Fact]
    public void SpeakerReplaced_WithoutALoss_ItStaysTheFormerOwner()
    {
        TakeOver(OwnershipAction.Announce, "n2");

        Assert.Equal(Mac, Assert.Single(formers.Heard(With, Start)).Value);
        Assert.Equal(Mac, Assert.Single(formers.Heard(WithRun(2), Start)).Value);
        Assert.Equal(default, Assert.Single(formers.Heard(Without, Start)).Value);
        Assert.Equal(default, Assert.Single(formers.Heard(With, Start)).Value);
        Assert.Equal(Mac, Assert.Single(formers.Heard(WithRun(2), Start)).Value);
    }

    [Fact]
    public void Heard_ForDays_ItStaysTheFormerOwner()
    {
        TakeOver(OwnershipAction.Announce, "n2");

        Assert.Equal(Mac, Assert.Single(formers.Heard(With, Start)).Value);
        Assert.Equal(Mac, Assert.Single(formers.Heard(With, Start + TimeSpan.FromDays(5))).Value);
    }

    public static TheoryData<string> Unfit => ["by its Lease only", "deaf", "apart", "without an address"];

    [Theory]
    [MemberData(nameof(Unfit))]
    public void HeardOnlyInAWayThatSendsNothing_ItIsLost(string how)
    {
        var peer = With.Peers[0];
        TakeOver(OwnershipAction.Announce, "n2");

        Assert.Equal(default, Assert.Single(formers.Heard(With with { Peers = [how switch
        {
            "by its Lease only" => peer with { Source = MemberSource.Lease },
            "deaf" => peer with { Deaf = true },
            "apart" => peer with { Apart = true },
            _ => peer with { Mac = default },
        }] }, Start)).Value);
    }

    [Fact]
    public void ServiceGone_ItIsForgotten()
    {
        TakeOver(OwnershipAction.Announce, "n2");
        formers.Note([new(Vip, OwnershipAction.StopAnswering, new() { Part = new OwnershipPart.Holder() }, default)], ClaimView.Empty, "n1");

        Assert.Empty(formers.Heard(With, Start));
    }

    // Hosts that have not heard of it still send here what began at the one before.
    [Fact]
    public void LetGo_ItIsTheFormerOwnerForAWhile_AndNotWhenItIsLost()
    {
        TakeOver(OwnershipAction.Announce, "n2");
        Assert.Null(formers.Due);
        Step(OwnershipAction.StopAnswering, new OwnershipPart.Holder(), "n1", OwnershipPart.Idle, "n3");

        Assert.Equal(Mac, Assert.Single(formers.Heard(With, Start)).Value);
        Assert.Equal(Start + FormerOwners.LetGo, formers.Due);
        Assert.Equal(Mac, Assert.Single(formers.Heard(With, Start + FormerOwners.LetGo - TimeSpan.FromTicks(1))).Value);
        Assert.Empty(formers.Heard(Without, Start));
        Assert.Empty(formers.Heard(With, Start));

        TakeOver(OwnershipAction.Announce, "n2");
        Step(OwnershipAction.StopAnswering, new OwnershipPart.Holder(), "n1", OwnershipPart.Idle, "n3");
        Assert.Single(formers.Heard(With, Start));
        Assert.Empty(formers.Heard(With, Start + FormerOwners.LetGo));
        Assert.Null(formers.Due);
    }

    // A move may have a moment in which nobody may have the address, or in which this node is to take it and may not yet.
    [Theory]
    [InlineData(null, NoOwner.NoServingEndpoint)]
    [InlineData(null, NoOwner.NoEligibleNode)]
    [InlineData("n1", NoOwner.None)]
    public void BetweenTwoOwners_WhoHadItLast_IsTheFormerOwner(string? to, NoOwner reason)
    {
        Watch("n2", to, reason);
        Watch(to, to ?? "n1", NoOwner.None);
        TakeOver(OwnershipAction.Announce, "n1");

        Assert.Equal(Mac, Assert.Single(formers.Heard(With, Start)).Value);
    }

    [Fact]
    public void BetweenTwoOwners_WhatThisNodeTookFromAnother_IsStillTheOthers()
    {
        TakeOver(OwnershipAction.Announce, "n2");
        formers.Note([new(Vip, OwnershipAction.StopAnswering, new() { Owner = "n1", Part = new OwnershipPart.Holder() }, new() { Reason = NoOwner.NoServingEndpoint })], ClaimView.Empty, "n1");
        TakeOver(OwnershipAction.Announce, null);

        Assert.Equal(Mac, Assert.Single(formers.Heard(With, Start)).Value);
    }

    [Theory]
    [InlineData("n3", NoOwner.None)]
    [InlineData(null, NoOwner.None)]
    public void BetweenTwoOwners_AThirdHadIt_OrItsServiceWasGone_TheOneBeforeIsForgotten(string? to, NoOwner reason)
    {
        Watch("n2", null, NoOwner.NoServingEndpoint);
        Watch(null, to, reason);
        TakeOver(OwnershipAction.Announce, null);

        Assert.Empty(formers.Heard(With, Start));
    }

    // A node that hears of the Service only now has not followed who had its address.
    [Theory]
    [InlineData(ClaimKind.Owner, null, true)]
    [InlineData(ClaimKind.Yielding, null, true)]
    [InlineData(ClaimKind.Yielding, "n3", true)]
    [InlineData(ClaimKind.Deputy, null, false)]
    public void WhoClaimsIt_IsTheFormerOwner_WhateverThisNodeKnew(ClaimKind kind, string? before, bool expected)
    {
        List<OwnershipTransition> transitions = [Taken(before)];
        formers.Note(transitions, Claims(("n3", 4UL, ClaimKind.Yielding), ("n2", 5UL, kind), ("n1", 6UL, ClaimKind.Owner)), "n1");
        formers.Name(transitions);

        Assert.Equal(expected ? "n2" : "n3", transitions[0].Before.Owner);
        Assert.Equal(expected, Assert.Single(formers.Heard(With, Start)).Value == Mac);
    }

    // A speaker that starts again may know what is its own only a moment after it has begun to serve.
    [Theory]
    [InlineData("n1", true)]
    [InlineData(null, true)]
    [InlineData("n3", false)]
    public void LeftByTheRunBefore_IsKept_UntilItIsKnownWhoHasTheAddress(string? owner, bool expected)
    {
        var ownership = new SegmentOwnership();
        if (owner is not null)
        {
            var view = Without with { MayAct = false, MayServe = false };
            view = owner == "n1" ? view : view with { Peers = [Member(owner, MemberSource.Wire)], Claims = Claims((owner, 5UL, ClaimKind.Owner)) };
            var facts = new VipFacts { Address = Vip, ElectionAddress = Vip, Pool = new Pool { Name = "default", Ranges = [new(Vip, Vip)] }, Served = true };
            ownership.Decide(
                new Dictionary<IpAddress, VipFacts> { [Vip] = facts }, new SegmentElection(new ElectionOrders(), view, static _ => NodeFacts.Unknown), view, null, Start, []);
        }

        Assert.Equal(owner, ownership[Vip].Owner);
        formers.Adopt(new Dictionary<IpAddress, MacAddress> { [Vip] = Mac }, ownership, With, Start);
        Assert.Equal(expected, formers.Heard(With, Start).ContainsKey(Vip));

        TakeOver(OwnershipAction.Announce, null);
        Assert.Equal(expected, formers.Heard(With, Start).ContainsKey(Vip));
    }

    // While it hands over hosts still send to this node, also what began at the one before it.
    [Fact]
    public void HandedOver_TheFormerOwnerStays_UntilTheAddressIsLetGo()
    {
        TakeOver(OwnershipAction.Announce, "n2");
        Step(OwnershipAction.KeepAnswering, new OwnershipPart.Holder(), "n1", new OwnershipPart.Former(null), "n2");
        Assert.Equal(Mac, Assert.Single(formers.Heard(With, Start)).Value);

        Step(OwnershipAction.StopAnswering, new OwnershipPart.Former(null), "n2", OwnershipPart.Idle, "n2");
        Assert.Equal(Mac, Assert.Single(formers.Heard(With, Start)).Value);
        Assert.Empty(formers.Heard(With, Start + FormerOwners.LetGo));
    }

    [Fact]
    public void HandedOver_AndTakenBack_TheFormerOwnerIsTheSame()
    {
        TakeOver(OwnershipAction.Announce, "n2");
        Step(OwnershipAction.KeepAnswering, new OwnershipPart.Holder(), "n1", new OwnershipPart.Former(null), "n3");
        Step(OwnershipAction.Announce, new OwnershipPart.Former(null), "n3", new OwnershipPart.Holder(), "n1");

        Assert.Equal(Mac, Assert.Single(formers.Heard(With, Start)).Value);
    }

    [Theory]
    [InlineData(ClaimKind.Owner, true, true)]
    [InlineData(ClaimKind.Deputy, true, false)]
    [InlineData(ClaimKind.Yielding, true, false)]
    [InlineData(ClaimKind.Owner, false, false)]
    public void Rival_ThatSaysItOwnsWhatThisNodeKeeps_IsAFormerOwner(ClaimKind kind, bool contested, bool expected)
    {
        Contest(kind, contested);

        Assert.Equal(expected, formers.Heard(With, Start).GetValueOrDefault(Vip) == Mac);
    }

    [Fact]
    public void Rival_OfAFormerOwnerThatLives_ChangesNothing_AndOfOneThatIsLost_TakesItsPlace()
    {
        TakeOver(OwnershipAction.Announce, "n3");
        var third = Member("n3", MemberSource.Wire) with { Mac = MacAddress.Parse("52:54:00:00:00:03"), Run = 3 };
        var all = With with { Peers = [.. With.Peers, third] };
        Contest(ClaimKind.Owner, contested: true);
        Assert.Equal(third.Mac, Assert.Single(formers.Heard(all, Start)).Value);

        Assert.Equal(default, Assert.Single(formers.Heard(With, Start)).Value);
        Contest(ClaimKind.Owner, contested: true);
        Assert.Equal(Mac, Assert.Single(formers.Heard(all, Start)).Value);
    }

    private void Contest(ClaimKind kind, bool contested)
    {
        var ownership = new SegmentOwnership();
        ownership.Adopt(Vip, new("n1", NoOwner.None, 0) { Part = new OwnershipPart.Holder { Contested = contested } });
        formers.NoteRivals(ownership.All.Select(static entry => entry.Key), ownership, With with { Claims = Claims(("n2", 5UL, kind)) });
    }

    private static ClaimView Claims(params IEnumerable<(string Node, ulong Term, ClaimKind Kind)> claims) =>
        ClaimView.Of(claims.Select(claim => new PeerClaim(claim.Node, "eth0", new Claim(Vip, claim.Node, claim.Term, claim.Kind))));

    private static SegmentView WithRun(ulong run) => With with { Peers = [With.Peers[0] with { Run = run }] };

    private static SegmentMember Member(string node, MemberSource source) => new(node, "eth0", source, [], [], true, false, false, true);

    private void Watch(string? from, string? to, NoOwner reason) =>
        formers.Note([new(Vip, OwnershipAction.None, new() { Owner = from }, new() { Owner = to, Reason = reason })], ClaimView.Empty, "n1");

    private void Step(OwnershipAction action, OwnershipPart from, string before, OwnershipPart to, string after) =>
        formers.Note([new(Vip, action, new() { Owner = before, Part = from }, new() { Owner = after, Part = to })], ClaimView.Empty, "n1");

    private void TakeOver(OwnershipAction action, string? before) =>
        formers.Note([Taken(before) with { Action = action }], ClaimView.Empty, "n1");

    private static OwnershipTransition Taken(string? before) =>
        new(Vip, OwnershipAction.Announce, new() { Owner = before }, new() { Part = new OwnershipPart.Holder(), Owner = "n1" });
}
