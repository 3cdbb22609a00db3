using LoadBalancer.Core.Addressing;
using LoadBalancer.Core.Heartbeats;
using LoadBalancer.Core.Ownership;
using static LoadBalancer.Core.Tests.Ownership.Members;

namespace LoadBalancer.Core.Tests.Ownership;

/// <summary>
/// A peer that no longer hears this node stops its heartbeats to it and goes on with its broadcasts. Were each hello taken for a sign
/// that all is well, the peer would come and go, and VIPs with it, once a second.
/// </summary>
public sealed class OneWayLossTests
{
    private readonly SegmentMembership membership = new(
        new MembershipTimings(), new HeartbeatIdentity("n1", "eth0", [IpPrefix.Parse("192.168.96.11/20")], []), boot: 99, now: default);

    private readonly Talker n2 = new("n2", boot: 1000);

    [Fact]
    public void LostPeerOfWhichOnlyHellosAreHeard_StaysAwayAndIsAnswered()
    {
        LoseN2();
        for (var at = 1000; at < 10_000; at += 50)
        {
            if (at % 1000 == 0)
            {
                Assert.Equal(new HearResult(HeartbeatRefusal.Unconfirmed, AnswerNow: true), membership.Hear(Hello(), Ms(at)));
                var targets = new HeartbeatTarget[4];
                Assert.Equal(1, membership.Targets(Ms(at), newcomersOnly: true, targets));
                Assert.Equal((1000ul, n2.Header.Sequence), (targets[0].HeardBoot, targets[0].HeardSequence));
            }

            membership.Advance(Ms(at));
            Assert.Empty(membership.View(Ms(at), []).Peers);
        }
    }

    [Fact]
    public void LostPeerThatHearsUsAgain_IsBack()
    {
        LoseN2();
        membership.Hear(Hello(), Ms(1000));
        Assert.Equal(new HearResult(HeartbeatRefusal.None, Changed: true, AnswerNow: true), membership.Hear(n2.Say(), Ms(1001)));
        Assert.Single(membership.View(Ms(1001), []).Peers);
        Assert.Equal(1, membership.Targets(Ms(1001), newcomersOnly: false, new HeartbeatTarget[4]));
    }

    [Fact]
    public void HelloOfALostPeerPlayedBack_IsReplayed()
    {
        LoseN2();
        var hello = Hello();
        membership.Hear(hello, Ms(1000));
        Assert.Equal(HeartbeatRefusal.Replayed, membership.Hear(hello, Ms(3000)).Refusal);
    }

    [Fact]
    public void HelloOfALivingPeer_KeepsItAlive()
    {
        membership.Hear(n2.Say(), Ms(0));
        Assert.Equal(HeartbeatRefusal.None, membership.Hear(Hello(), Ms(300)).Refusal);
        Advance(0, 600);
        Assert.Single(membership.View(Ms(600), []).Peers);
    }

    private byte[] Hello() =>
        n2.Say(h => h with { Kind = HeartbeatKind.Hello, Destination = MacAddress.Broadcast, HeardBoot = 0, HeardSequence = 0 });

    private void LoseN2()
    {
        membership.Hear(n2.Say(), Ms(0));
        membership.Targets(Ms(0), newcomersOnly: true, new HeartbeatTarget[4]);
        Advance(0, 950);
        Assert.Empty(membership.View(Ms(950), []).Peers);
    }

    private void Advance(int from, int to)
    {
        for (var at = from; at <= to; at += 50)
        {
            membership.Advance(Ms(at));
        }
    }
}
