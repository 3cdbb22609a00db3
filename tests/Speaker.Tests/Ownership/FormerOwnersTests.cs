using LoadBalancer.Core.Addressing;
using LoadBalancer.Core.Ownership;
using LoadBalancer.Speaker.Membership;

namespace LoadBalancer.Speaker.Tests.Ownership;

/// <summary>Who is remembered as former owner, for how long, and what is said of one that is lost.</summary>
public sealed class FormerOwnersTests
{
    private static readonly IpAddress Vip = IpAddress.Parse("192.168.96.100");
    private static readonly MacAddress Mac = MacAddress.Parse("52:54:00:00:00:02");
    private static readonly SegmentMember Self = Member("n1", MemberSource.Self);
    private static readonly SegmentView With = new(Self, [Member("n2", MemberSource.Wire) with { Mac = Mac }], MayAct: true);
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
    public void Lost_ItStaysSo_AlsoWhenItIsBack_UntilItIsForgotten()
    {
        TakeOver(OwnershipAction.Announce, "n2");

        Assert.Equal(default, Assert.Single(formers.Heard(Without, Start)).Value);
        Assert.Equal(default, Assert.Single(formers.Heard(With, Start + FormerOwners.Tells)).Value);
        Assert.Empty(formers.Heard(With, Start + FormerOwners.Tells + TimeSpan.FromTicks(1)));
    }

    [Fact]
    public void GivenAway_ItIsForgotten()
    {
        TakeOver(OwnershipAction.Announce, "n2");
        formers.Note([new(Vip, OwnershipAction.StopAnswering, new() { Phase = OwnershipPhase.Owner }, default)], "n1");

        Assert.Empty(formers.Heard(With, Start));
    }

    private static SegmentMember Member(string node, MemberSource source) => new(node, "eth0", source, [], [], true, false, false, true);

    private void TakeOver(OwnershipAction action, string? before) =>
        formers.Note([new(Vip, action, new() { Owner = before }, new() { Phase = OwnershipPhase.Owner, Owner = "n1" })], "n1");
}
