using LoadBalancer.Core.Addressing;
using LoadBalancer.Core.Heartbeats;
using LoadBalancer.Core.Ownership;
using static LoadBalancer.Core.Tests.Ownership.Members;

namespace LoadBalancer.Core.Tests.Ownership;

/// <summary>Who counts for the larger part of a segment: it makes the terms that win when the parts meet again.</summary>
public sealed class MajorityTests
{
    private readonly SegmentMembership membership = ReadyNode();

    private readonly Talker n2 = new("n2", boot: 1000);
    private readonly Talker n3 = new("n3", boot: 2000);

    // Left with one that only sends: the two are no more than one of those that there were.
    [Fact]
    public void OneIsLostAndTheOtherIsDeaf_IsNoMajority()
    {
        membership.HearHost(MacAddress.Parse("52:54:00:00:00:fe"), IpAddress.Parse("192.168.96.1"), Ms(0));
        membership.Hear(n3.Say(), Ms(0));
        var deaf = SpeakerState.Ready | SpeakerState.Serving | SpeakerState.HearsNothing;
        for (var at = 0; at <= 1500; at += 10)
        {
            if (at % 100 == 0)
            {
                membership.Hear(n2.Say(h => h with { Flags = deaf }), Ms(at));
                membership.MarkHeartbeats((ulong)at + 1, Ms(at));
            }

            membership.Advance(Ms(at));
            var targets = new CheckTarget[8];
            foreach (var target in targets.AsSpan(0, membership.Checks(Ms(at), targets)))
            {
                if (target.Address == IpAddress.Parse("192.168.96.1"))
                {
                    membership.HearKernel(target.Mac, target.Address, Ms(at));
                }
            }
        }

        var view = membership.View(Ms(1500), []);
        Assert.True(Assert.Single(view.Peers).Deaf);
        Assert.False(view.Majority);
    }

    // It is not cut off, it said so: the one that is left has all there is.
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void TheOnlyPeerIsGone_IsTheMajorityIfThePeerLeft(bool left)
    {
        membership.Hear(n2.Say(h => h with { Flags = SpeakerState.Ready | (left ? SpeakerState.Leaving : 0) }), Ms(0));
        for (var at = 0; at <= 1000; at += 10)
        {
            membership.Advance(Ms(at));
            membership.Checks(Ms(at), new CheckTarget[8]);
        }

        var view = membership.View(Ms(1000), []);
        Assert.Empty(view.Peers);
        Assert.Equal(left, view.Majority);
    }
}
