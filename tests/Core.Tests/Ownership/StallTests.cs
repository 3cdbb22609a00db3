using LoadBalancer.Core.Addressing;
using LoadBalancer.Core.Heartbeats;
using LoadBalancer.Core.Ownership;
using static LoadBalancer.Core.Tests.Ownership.Members;

namespace LoadBalancer.Core.Tests.Ownership;

/// <summary>Time lost to a stall is given back, but it must not keep a dead peer alive.</summary>
public sealed class StallTests
{
    private readonly SegmentMembership membership = new(
        new MembershipTimings(), new HeartbeatIdentity("n1", "eth0", [IpPrefix.Parse("192.168.96.11/20")], []), boot: 99, now: default);

    private readonly Talker n2 = new("n2", boot: 1000);

    // After a pause of a minute the frames that waited in the socket are read before time is looked at; the peer died meanwhile.
    [Fact]
    public void PeerHeardAfterTheStall_GetsNoTimeBack()
    {
        membership.Hear(n2.Say(), Ms(0));
        membership.Advance(Ms(50));
        membership.Hear(n2.Say(), Ms(60_000));
        membership.Advance(Ms(60_001));
        Assert.Equal(1, AliveAfter(60_001, 60_300));
        Assert.Equal(0, AliveAfter(60_300, 60_400));
    }

    // A machine so busy that every look comes late: each gap counts as a stall.
    [Theory]
    [InlineData(210)]
    [InlineData(300)]
    [InlineData(1000)]
    public void StallAfterStall_DeadPeerIsFoundAllTheSame(int gap)
    {
        membership.Hear(n2.Say(), Ms(0));
        var looks = 0;
        for (var at = gap; membership.View(Ms(at), []).Peers.Count > 0; at += gap)
        {
            Assert.True(++looks <= 6, $"still alive after {at} ms");
            membership.Advance(Ms(at));
        }
    }

    [Fact]
    public void StallAfterStall_LivingPeerStaysAlive()
    {
        for (var at = 0; at <= 10_000; at += 250)
        {
            membership.Advance(Ms(at));
            membership.Hear(n2.Say(), Ms(at));
        }

        Assert.Equal(0, LossesOfN2);
        Assert.Single(membership.View(Ms(10_000), []).Peers);
    }

    [Fact]
    public void StallWhileListening_IsNotListening()
    {
        membership.Ready = true;
        for (var at = 0; at <= 1300; at += at == 300 ? 500 : 50)
        {
            membership.Advance(Ms(at));
            Assert.Equal(at >= 1100, membership.View(Ms(at), []).MayServe);
        }
    }

    // All cores busy: this process looks a moment before the peer is suspect, and then not before it is due to be lost.
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void LookAfterTheKernelShouldHaveBeenAsked_AsksItBeforeThePeerIsGivenUp(bool answers)
    {
        membership.Hear(n2.Say(), Ms(0));
        membership.Advance(Ms(195));
        membership.Advance(Ms(352));
        Span<CheckTarget> asked = stackalloc CheckTarget[4];
        Assert.Equal(1, membership.Checks(Ms(352), asked));
        if (answers)
        {
            membership.HearKernel(asked[0].Mac, asked[0].Address, Ms(354));
        }

        membership.Advance(Ms(412));
        Assert.Single(membership.View(Ms(412), []).Peers);
        membership.Advance(Ms(475));
        var peers = membership.View(Ms(475), []).Peers;
        Assert.Equal(answers, peers.Count == 1);
        Assert.All(peers, static peer => Assert.True(peer.Away));
    }

    // The link's thread does not get to run: what the peer said, or its kernel, waits unread.
    [Fact]
    public void FramesUnread_PeerIsGivenUpAfterTwiceTheTime()
    {
        membership.Hear(n2.Say(), Ms(0));
        var at = 0;
        for (; membership.View(Ms(at), []).Peers.Count > 0; at += 10)
        {
            membership.Advance(Ms(at), behind: true);
            membership.Checks(Ms(at), new CheckTarget[4]);
            Assert.True(membership.NextDeadline(Ms(at)) > Ms(at));
        }

        Assert.InRange(at, 700, 740);
    }

    private int LossesOfN2
    {
        get
        {
            var targets = new HeartbeatTarget[4];
            membership.Targets(Ms(10_000), newcomersOnly: false, targets);
            return targets[0].Losses;
        }
    }

    private int AliveAfter(int from, int to)
    {
        for (var at = from; at <= to; at += 50)
        {
            membership.Advance(Ms(at));
            membership.Checks(Ms(at), new CheckTarget[4]);
        }

        membership.Advance(Ms(to));
        return membership.View(Ms(to), []).Peers.Count;
    }
}
