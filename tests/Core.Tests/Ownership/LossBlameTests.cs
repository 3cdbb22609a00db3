using LoadBalancer.Core.Addressing;
using LoadBalancer.Core.Heartbeats;
using LoadBalancer.Core.Ownership;
using static LoadBalancer.Core.Tests.Ownership.Members;

namespace LoadBalancer.Core.Tests.Ownership;

/// <summary>
/// Who is told that it was lost holds back, so that a healthy node must not be told so by one that was cut off itself.
/// </summary>
public sealed class LossBlameTests
{
    private readonly SegmentMembership membership = new(
        new MembershipTimings(), new HeartbeatIdentity("n1", "eth0", [IpPrefix.Parse("192.168.96.11/20")], []), boot: 99, now: default);

    private readonly Talker n2 = new("n2", boot: 1000);
    private readonly Talker n3 = new("n3", boot: 2000);

    [Theory]
    [InlineData(0, 0)]
    [InlineData(0, 90)]
    [InlineData(90, 0)]
    public void AllPeersSilentAtOnce_NoneIsBlamed(int n2At, int n3At)
    {
        membership.Hear(n2.Say(), Ms(n2At));
        membership.Hear(n3.Say(), Ms(n3At));
        Advance(100, 800);
        Assert.Equal((0, 0), (LossesOf(n2), LossesOf(n3)));
    }

    [Fact]
    public void OnePeerSilent_OthersHeard_IsBlamed()
    {
        membership.Hear(n2.Say(), Ms(0));
        for (var at = 0; at <= 800; at += 100)
        {
            membership.Hear(n3.Say(), Ms(at));
            membership.Advance(Ms(at));
        }

        Assert.Equal((1, 0), (LossesOf(n2), LossesOf(n3)));
    }

    [Fact]
    public void TheLastOfTwoPeersSilentLaterThanTheFirst_IsBlamed()
    {
        membership.Hear(n2.Say(), Ms(0));
        for (var at = 0; at <= 1000; at += 100)
        {
            membership.Hear(n3.Say(), Ms(at));
            membership.Advance(Ms(at));
        }

        Advance(1100, 2000);
        Assert.Equal((1, 1), (LossesOf(n2), LossesOf(n3)));
    }

    [Fact]
    public void OnlyPeerSilent_IsBlamed()
    {
        membership.Hear(n2.Say(), Ms(0));
        Advance(100, 800);
        Assert.Equal(1, LossesOf(n2));
    }

    // With one peer there is nobody to compare with, but one's own pulled cable is known.
    [Fact]
    public void OnlyPeerSilentWithoutACarrier_IsNotBlamed()
    {
        membership.Hear(n2.Say(), Ms(0));
        membership.SetCarrier(false, Ms(10));
        Advance(100, 800);
        membership.SetCarrier(true, Ms(800));
        Assert.Equal(0, LossesOf(n2));
    }

    [Fact]
    public void OnlyPeerWithTwoLinksSilent_IsBlamedOnBoth()
    {
        var second = new Talker("n2", boot: 1000, link: "eth1");
        membership.Hear(n2.Say(), Ms(0));
        membership.Hear(second.Say(), Ms(10));
        Advance(100, 800);
        Assert.Equal((1, 1), (LossesOf(n2), LossesOf(second)));
    }

    private void Advance(int from, int to)
    {
        for (var at = from; at <= to; at += 50)
        {
            membership.Advance(Ms(at));
        }
    }

    /// <summary>What the peer is told when it is back.</summary>
    private int LossesOf(Talker peer)
    {
        var targets = new HeartbeatTarget[4];
        membership.Targets(Ms(2000), newcomersOnly: true, targets);
        membership.Hear(peer.Say(), Ms(2000));
        var count = membership.Targets(Ms(2000), newcomersOnly: true, targets);
        return count == 0 ? 0 : Assert.Single(targets[..count]).Losses;
    }
}
