using LoadBalancer.Core.Addressing;
using LoadBalancer.Core.Heartbeats;
using LoadBalancer.Core.Ownership;
using static LoadBalancer.Core.Tests.Ownership.Members;

namespace LoadBalancer.Core.Tests.Ownership;

/// <summary>What peers claim: the newest of it, for as long as they can stand by it; and what this node claims of itself.</summary>
public sealed class StatementTests
{
    private static readonly IpAddress V = IpAddress.Parse("192.168.96.100");

    private readonly SegmentMembership membership = ReadyNode();

    private readonly Talker n2 = new("n2", boot: 1000);

    [Fact]
    public void TwoStatementsArriveInTheWrongOrder_TheNewerCounts()
    {
        membership.Hear(n2.Say(), Ms(0));
        var older = n2.Claim(new Claim(V, "n2", 3, ClaimKind.Owner));
        var newer = n2.Claim(new Claim(V, "n2", 5, ClaimKind.Yielding));
        membership.Hear(newer, Ms(10));
        var result = membership.Hear(older, Ms(11));
        Assert.Equal((HeartbeatRefusal.None, false), (result.Refusal, result.Changed));
        Assert.Equal(new Claim(V, "n2", 5, ClaimKind.Yielding), Assert.Single(Claims(11)));
    }

    // Only the owner says that it owns, or gives away; only somebody else is its deputy.
    [Theory]
    [InlineData("n2", ClaimKind.Owner, true)]
    [InlineData("n2", ClaimKind.Yielding, true)]
    [InlineData("n2", ClaimKind.Deputy, false)]
    [InlineData("n3", ClaimKind.Owner, false)]
    [InlineData("n3", ClaimKind.Yielding, false)]
    [InlineData("n3", ClaimKind.Deputy, true)]
    public void StatementOfOneAboutAnother_CountsAsADeputysAlone(string subject, ClaimKind kind, bool counts)
    {
        membership.Hear(n2.Say(), Ms(0));
        Assert.Equal(counts, membership.Hear(n2.Claim(new Claim(V, subject, 3, kind)), Ms(10)).Changed);
        Assert.Equal(counts ? 1 : 0, Claims(10).Count);
    }

    // Nothing was claimed in between: what was overtaken is no older than what is known.
    [Fact]
    public void StatementOvertakenByAHeartbeat_CountsOnce()
    {
        membership.Hear(n2.Say(), Ms(0));
        var claim = n2.Claim(new Claim(V, "n2", 3, ClaimKind.Owner));
        membership.Hear(n2.Say(), Ms(10));
        Assert.True(membership.Hear(claim, Ms(11)).Changed);
        Assert.Equal(HeartbeatRefusal.Replayed, membership.Hear(claim, Ms(12)).Refusal);
        Assert.Single(Claims(12));
    }

    // What it owned is still its own until it says otherwise. Whom it stood in for has no deputy any more: its new run answers for nobody.
    [Fact]
    public void SpeakerRunsAnew_KeepsWhatItOwned_AndIsNobodysDeputyAnyMore()
    {
        var own = new Claim(IpAddress.Parse("192.168.96.101"), "n2", 3, ClaimKind.Owner);
        membership.Hear(n2.Say(h => h with { Flags = SpeakerState.Ready | SpeakerState.Serving }), Ms(0));
        membership.Hear(n2.Claim(own), Ms(10));
        membership.Hear(n2.Claim(new Claim(V, "n3", 3, ClaimKind.Deputy)), Ms(20));
        Assert.Equal(2, Claims(20).Count);
        membership.Hear(new Talker("n2", boot: 1001).Say(h => h with { HeardSequence = 2 }), Ms(30));
        Assert.Equal(own, Assert.Single(Claims(30)));
    }

    // What is owned without a carrier is owned by nobody: back on the wire this node says nothing of serving before it has decided anew.
    [Fact]
    public void CarrierIsGone_ServesNothing_AndNotAtOnceWhenItIsBack()
    {
        for (var at = 0; at <= 700; at += 50)
        {
            membership.Advance(Ms(at));
        }

        membership.Serving = true;
        Assert.True(membership.View(Ms(700), []).MayServe);
        Assert.Equal(SpeakerState.Serving, membership.StateAt(Ms(700)) & SpeakerState.Serving);
        membership.SetCarrier(false, Ms(710));
        membership.Advance(Ms(710));
        Assert.Equal(SpeakerState.None, membership.StateAt(Ms(710)) & SpeakerState.Serving);
        Assert.False(membership.View(Ms(710), []).MayServe);
        membership.SetCarrier(true, Ms(720));
        membership.Advance(Ms(720));
        Assert.Equal(SpeakerState.None, membership.StateAt(Ms(720)) & SpeakerState.Serving);
    }

    // A decision that was made a moment before.
    [Fact]
    public void DecisionComesAfterTheCarrierWent_ServesNothing()
    {
        membership.SetCarrier(false, Ms(710));
        membership.Serving = true;
        Assert.Equal(SpeakerState.None, membership.StateAt(Ms(710)) & SpeakerState.Serving);
        membership.SetCarrier(true, Ms(720));
        Assert.Equal(SpeakerState.None, membership.StateAt(Ms(720)) & SpeakerState.Serving);
    }

    private List<Claim> Claims(int at)
    {
        var claims = membership.View(Ms(at), []).Claims;
        var found = new List<Claim>();
        foreach (var vip in claims.Vips)
        {
            foreach (var (_, _, claim) in claims.For(vip))
            {
                found.Add(claim);
            }
        }

        return found;
    }
}
