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

    // Six nodes: three of the other five ask often, and say when there is no answer any more; who asks seldom goes by that.
    [Fact]
    public void FewPeers_TheKernelOfOneThatIsAwayFallsSilent_ThoseThatAskItSaySo_AndAllGiveItUpInHalfASecond()
    {
        string[] names = [.. Enumerable.Range(1, 6).Select(i => $"n{i}").Where(name => name != "n2")];
        var n2 = new Talker("n2", 1000);
        var first = n2.Say(h => h with { Flags = SpeakerState.Ready | SpeakerState.Serving });
        var nodes = names.Select(name => (Name: name, Membership: Membership(name), Talker: new Talker(name, 2000))).ToList();
        nodes.ForEach(node => node.Membership.Hear(first, Ms(0)));
        var words = new PeerWord[8];
        var said = new HashSet<string>();
        for (var at = 0; at < 3500; at += 10)
        {
            foreach (var (name, membership, talker) in nodes)
            {
                if (at % 100 == 0)
                {
                    var beat = talker.Say(h => h with { HeardSequence = (ulong)at + 2, Flags = SpeakerState.Ready | SpeakerState.Serving });
                    nodes.Where(node => node.Name != name).ToList().ForEach(node => node.Membership.Hear(beat, Ms(at)));
                }

                Step(membership, at, answers: at < 3000);
                if (membership.HasUrgent)
                {
                    said.Add(name);
                    var body = new byte[PeerWords.SizeOf(8)];
                    var length = PeerWords.Write(words.AsSpan(0, membership.TakeUrgent(words, Ms(at))), body);
                    var hello = talker.Hello(body.AsSpan(0, length));
                    nodes.Where(node => node.Name != name).ToList().ForEach(node => node.Membership.Hear(hello, Ms(at)));
                }
            }
        }

        Assert.Equal(3, said.Count);
        Assert.All(nodes, node => Assert.DoesNotContain(node.Membership.View(Ms(3500), []).Peers, static peer => peer.Node == "n2"));
    }

    // One that asked often is restarted itself: whoever asks often in its place has asked seldom until now.
    [Fact]
    public void OneIsAway_AnotherStopsServing_WhoeverAsksInItsPlaceHasTheTimeToAsk()
    {
        string[] names = [.. Enumerable.Range(1, 6).Select(i => $"n{i}").Where(name => name != "n2")];
        foreach (var self in names)
        {
            foreach (var stops in names.Where(name => name != self))
            {
                var membership = Membership(self);
                var others = names.Where(name => name != self).Select((name, i) => (Name: name, Talker: new Talker(name, (ulong)(2000 + i)))).ToList();
                membership.Hear(new Talker("n2", 1000).Say(h => h with { Flags = SpeakerState.Ready | SpeakerState.Serving }), Ms(0));
                for (var at = 0; at < 6000; at += 10)
                {
                    if (at % 100 == 0)
                    {
                        others.ForEach(other => membership.Hear(other.Talker.Say(h => h with
                        {
                            HeardSequence = (ulong)at + 2,
                            Flags = SpeakerState.Ready | (other.Name == stops && at >= 4600 ? 0 : SpeakerState.Serving),
                        }), Ms(at)));
                    }

                    Step(membership, at);
                    Assert.True(membership.View(Ms(at), []).Peers.Any(static peer => peer.Node == "n2"), $"{self} takes n2 for gone at {at} ms, when {stops} no longer serves");
                }
            }
        }
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

    // The kernel of n2 answers, unless it is said not to.
    private void Step(SegmentMembership membership, int at, bool answers = true)
    {
        membership.Advance(Ms(at));
        var targets = new CheckTarget[32];
        foreach (var target in targets.AsSpan(0, membership.Checks(Ms(at), targets)))
        {
            if (target.Address == Address && !target.Broadcast)
            {
                asked.Add((at, target));
                _ = answers && membership.HearKernel(Mac, Address, Ms(at));
            }
        }
    }
}
