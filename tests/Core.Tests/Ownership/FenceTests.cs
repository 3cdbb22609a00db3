using LoadBalancer.Core.Addressing;
using LoadBalancer.Core.Heartbeats;
using LoadBalancer.Core.Ownership;
using static LoadBalancer.Core.Tests.Ownership.Members;

namespace LoadBalancer.Core.Tests.Ownership;

/// <summary>A process that stood still answers nothing before it knows what became of its addresses meanwhile.</summary>
public sealed class FenceTests
{
    private readonly SegmentMembership membership = ReadyNode();

    private readonly Talker n2 = new("n2", boot: 1000);
    private readonly Talker n3 = new("n3", boot: 2000);

    [Fact]
    public void StalledForLongerThanItsFramesAreGood_AnswersAndServesNothingUntilEveryLivingPeerIsHeard()
    {
        Stall();
        membership.Hear(n2.Say(), Ms(2010));
        Advance(2020);
        Assert.Equal((true, false), (membership.Fenced, membership.View(Ms(2020), []).MayServe));
        membership.Hear(n3.Say(), Ms(2030));
        Advance(2040);
        Assert.Equal((false, true), (membership.Fenced, membership.View(Ms(2040), []).MayServe));
    }

    [Fact]
    public void Stalled_ClaimsOfAPeerAreNotKnown_IsFencedUntilTheyAre()
    {
        Stall();
        var claim = new Claim(IpAddress.Parse("192.168.96.100"), "n3", 5, ClaimKind.Owner);
        var claims = new ClaimSet();
        claims.Set(claim);
        n3.Header = n3.Header with { ClaimDigest = claims.Digest, Flags = SpeakerState.Ready | SpeakerState.Serving };
        membership.Hear(n2.Say(), Ms(2010));
        membership.Hear(n3.Say(), Ms(2010));
        Advance(2020);
        Assert.True(membership.Fenced);
        membership.Hear(n3.Claim(claim), Ms(2030));
        Advance(2040);
        Assert.False(membership.Fenced);
    }

    // Both were lost meanwhile by everybody: they are not waited for without end.
    [Fact]
    public void Stalled_APeerIsNotHeardAndNotLost_IsWaitedForForTwoSeconds()
    {
        Stall();
        for (var at = 2010; at < 4000; at += 10)
        {
            // n3 is heard as before the stall: its frames wait unread.
            membership.Hear(n2.Say(), Ms(at));
            membership.Advance(Ms(at), behind: true);
            if (membership.View(Ms(at), []).Peers.Count == 2)
            {
                Assert.True(membership.Fenced);
            }
        }

        Advance(4010);
        Assert.False(membership.Fenced);
    }

    // Longer than a stall, shorter than frames are good: nobody can have taken over.
    [Fact]
    public void StalledForAMoment_IsNotFenced()
    {
        Company(until: 1990);
        Advance(2290);
        Assert.Equal(1, membership.Stalls);
        Assert.False(membership.Fenced);
    }

    private void Stall()
    {
        Company(until: 1500);
        Advance(2000);
        Assert.True(membership.Fenced);
    }

    private void Company(int until)
    {
        for (var at = 0; at <= until; at += 10)
        {
            if (at % 100 == 0)
            {
                membership.Hear(n2.Say(), Ms(at));
                membership.Hear(n3.Say(), Ms(at));
            }

            Advance(at);
        }

        Assert.True(membership.View(Ms(until), []).MayServe);
    }

    private void Advance(int at) => membership.Advance(Ms(at));
}
