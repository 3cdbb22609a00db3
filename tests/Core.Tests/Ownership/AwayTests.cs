using LoadBalancer.Core.Addressing;
using LoadBalancer.Core.Heartbeats;
using LoadBalancer.Core.Ownership;
using static LoadBalancer.Core.Tests.Ownership.Members;

namespace LoadBalancer.Core.Tests.Ownership;

/// <summary>A speaker that stays away while its node lives: asked by a few, and not for ever.</summary>
public sealed class AwayTests
{
    private static readonly IpAddress Address = IpAddress.Parse("192.168.96.12");
    private static readonly MacAddress Mac = MacAddress.Parse("52:54:00:00:00:02");
    private readonly List<(int At, CheckTarget Target)> asked = [];

    [Fact]
    public void SpeakerRemovedForGood_IsForgottenAfterTheGraceAndAskedNoMore()
    {
        var membership = Membership("n1");
        membership.Hear(new Talker("n2", 1000).Say(h => h with { Flags = SpeakerState.Ready | SpeakerState.Serving }), Ms(0));
        Run(membership, 0, 30_500);
        Assert.True(Assert.Single(membership.View(Ms(30_500), []).Peers).GraceOver);
        Run(membership, 30_500, 60_000);
        Assert.Empty(membership.View(Ms(60_000), []).Peers);
        Assert.InRange(asked.Max(question => question.At), 30_000, 35_500);
        Assert.False(membership.Checking);
    }

    // Whoever cannot be understood for want of a key is there: it is not given up, and what it owns is not taken.
    [Fact]
    public void PeerSignsWithAnotherKey_ItsGraceDoesNotEnd_UntilItIsSilent()
    {
        var membership = Membership("n1");
        membership.Hear(new Talker("n2", 1000).Say(h => h with { Flags = SpeakerState.Ready | SpeakerState.Serving }), Ms(0));
        Run(membership, 0, 120_000, foreign: true);
        var peer = Assert.Single(membership.View(Ms(120_000), []).Peers);
        Assert.True(peer is { Away: true, GraceOver: false });
        Assert.True(membership.UnderstandsNobody(Ms(120_000)));
        Run(membership, 120_000, 126_000);
        Assert.False(membership.UnderstandsNobody(Ms(126_000)));
        Assert.True(Assert.Single(membership.View(Ms(126_000), []).Peers).GraceOver);
    }

    [Fact]
    public void ManyPeers_AFewOfThemAskTheKernelOfOneThatIsAway()
    {
        string[] names = [.. Enumerable.Range(1, 12).Select(i => $"n{i}").Where(name => name != "n2")];
        var often = 0;
        foreach (var self in names)
        {
            asked.Clear();
            var membership = Membership(self);
            var others = names.Where(name => name != self).Select((name, i) => new Talker(name, (ulong)(2000 + i))).ToList();
            membership.Hear(new Talker("n2", 1000).Say(h => h with { Flags = SpeakerState.Ready | SpeakerState.Serving }), Ms(0));
            for (var at = 0; at < 10_000; at += 10)
            {
                if (at % 100 == 0)
                {
                    others.ForEach(other => membership.Hear(other.Say(h => h with { HeardSequence = (ulong)at + 2, Flags = SpeakerState.Ready | SpeakerState.Serving }), Ms(at)));
                }

                Step(membership, at);
            }

            Assert.True(membership.View(Ms(10_000), []).Peers.Single(peer => peer.Node == "n2").Away);
            var count = asked.Count(question => question.At >= 5000);
            Assert.True(count is >= 9 and <= 11 or >= 70, $"{self}: {count}");
            often += count >= 70 ? 1 : 0;
        }

        Assert.Equal(3, often);
    }

    // It answers until its deputy does, who begins at once.
    [Fact]
    public void SpeakerSaysThatItLeaves_IsAwayAtOnce()
    {
        var membership = Membership("n1");
        var n2 = new Talker("n2", 1000);
        membership.Hear(n2.Say(h => h with { Flags = SpeakerState.Ready | SpeakerState.Serving }), Ms(0));
        Assert.False(Assert.Single(membership.View(Ms(0), []).Peers).Away);
        membership.Hear(n2.Say(h => h with { Flags = SpeakerState.Ready | SpeakerState.Serving | SpeakerState.Leaving }), Ms(10));
        Assert.True(Assert.Single(membership.View(Ms(10), []).Peers).Away);
    }

    // The kernel answered a moment ago, when the speaker was late; now neither says anything.
    [Fact]
    public void NodeDiesRightAfterALateFrame_TheAnswerFromBeforeTheFrameDoesNotCount()
    {
        var membership = Membership("n1");
        var n2 = new Talker("n2", 1000);
        membership.Hear(n2.Say(h => h with { Flags = SpeakerState.Ready | SpeakerState.Serving }), Ms(0));
        Run(membership, 0, 240);
        Assert.NotEmpty(asked);
        membership.Hear(n2.Say(h => h with { Flags = SpeakerState.Ready | SpeakerState.Serving, HeardSequence = 2 }), Ms(240));
        for (var at = 240; at < 590; at += 10)
        {
            membership.Advance(Ms(at));
            membership.Checks(Ms(at), new CheckTarget[8]);
            Assert.False(Assert.Single(membership.View(Ms(at), []).Peers).Away);
        }

        membership.Advance(Ms(590));
        Assert.Empty(membership.View(Ms(590), []).Peers);
    }

    private static SegmentMembership Membership(string node) => new(
        new MembershipTimings(), new HeartbeatIdentity(node, "eth0", [IpPrefix.Parse("192.168.96.11/20")], []), boot: 99, now: default)
    {
        Ready = true,
    };

    private void Run(SegmentMembership membership, int from, int to, bool foreign = false)
    {
        for (var at = from; at < to; at += 10)
        {
            if (foreign && at % 1000 == 0)
            {
                membership.HearForeign(Mac, Ms(at));
            }

            Step(membership, at);
        }
    }

    // The kernel of n2 answers.
    private void Step(SegmentMembership membership, int at)
    {
        membership.Advance(Ms(at));
        var targets = new CheckTarget[32];
        foreach (var target in targets.AsSpan(0, membership.Checks(Ms(at), targets)))
        {
            if (target.Address == Address && !target.Broadcast)
            {
                asked.Add((at, target));
                membership.HearKernel(Mac, Address, Ms(at));
            }
        }
    }
}
