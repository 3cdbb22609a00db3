using System.Text;
using LoadBalancer.Core.Addressing;
using LoadBalancer.Core.Heartbeats;
using LoadBalancer.Core.Ownership;
using LoadBalancer.Core.Tests.Heartbeats;
using static LoadBalancer.Core.Tests.Ownership.Members;

namespace LoadBalancer.Core.Tests.Ownership;

/// <summary>A segment of more nodes than keep company with each other: eight are near, of the rest others' word is taken.</summary>
public sealed class CompanyTests
{
    private const int Others = 13;

    private readonly SegmentMembership membership = ReadyNode();
    private readonly SegmentRing ring = new();
    private readonly List<Speaker> near;
    private readonly List<Speaker> distant;
    private readonly HeartbeatTarget[] targets = new HeartbeatTarget[64];
    private int now;

    public CompanyTests()
    {
        List<Speaker> all = [.. Enumerable.Range(2, Others).Select(static number => new Speaker(number))];
        var own = SegmentRing.PlaceOf("n1"u8, "eth0"u8);
        ring.Begin(own, Others);
        all.ForEach(speaker => ring.Add(speaker.Place));
        ring.End(own);
        near = all.FindAll(speaker => ring.IsNear(speaker.Place));
        distant = all.FindAll(speaker => !ring.IsNear(speaker.Place));
        all.ForEach(speaker => Hear(speaker.Say()));
        Pass(1000);
        Told();
    }

    [Fact]
    public void Heartbeats_GoToEightNeighbours_AndToWhoeverSendsThemInASeries()
    {
        Assert.Equal(8, membership.NearCount);
        Assert.Equal(near.Select(static s => s.Mac).ToHashSet(), Told());
        Hear(distant[0].Say(marks: HeartbeatMarks.Close));
        Assert.Contains(distant[0].Mac, Told());
        Pass(400);
        Assert.DoesNotContain(distant[0].Mac, Told());
    }

    // Who only answers a series does not say that it is one: both would go on for good.
    [Fact]
    public void AnswerToASeriesOfADistantOne_IsNoSeriesItself()
    {
        Hear(distant[0].Say(marks: HeartbeatMarks.Close));
        var count = membership.Targets(Ms(now), newcomersOnly: false, targets);
        Assert.Equal(HeartbeatMarks.None, Assert.Single(targets[..count], target => target.Mac == distant[0].Mac).Marks);
        Assert.Equal(8, targets[..count].Count(static target => target.Marks == HeartbeatMarks.Close));
    }

    [Fact]
    public void Distant_IsSilentForSeconds_IsStillThere()
    {
        Pass(3000, except: [.. distant]);
        Assert.Equal(Others, membership.AliveCount);
    }

    [Fact]
    public void Distant_SomebodyMissesIt_NobodyContradicts_IsGoneAfterATenthOfASecond()
    {
        Hear(near[0].Hello(distant[0].Word(WordKind.Silent, age: 250)));
        Pass(90);
        Assert.True(Knows(distant[0]));
        Pass(20);
        Assert.False(Knows(distant[0]));
        Assert.Equal(Others - 1, membership.AliveCount);
    }

    [Fact]
    public void Distant_SomebodyMissesIt_AnotherHasHeardItSince_Stays()
    {
        Hear(near[0].Hello(distant[0].Word(WordKind.Silent, age: 250)));
        Hear(near[1].Hello(distant[0].Word(WordKind.Heard, age: 10)));
        Pass(500);
        Assert.True(Knows(distant[0]));
    }

    // The other heard the same last frame: that speaks for nothing.
    [Fact]
    public void Distant_SomebodyMissesIt_AnotherHeardItsLastFrame_IsGone()
    {
        Hear(near[0].Hello(distant[0].Word(WordKind.Silent, age: 250)));
        Hear(near[1].Say(distant[0].Word(WordKind.Heard, age: 245)));
        Pass(110);
        Assert.False(Knows(distant[0]));
    }

    [Fact]
    public void Distant_ItsKernelAnswersAnother_IsAway_AndGoneWhenThatFallsSilent()
    {
        Hear(near[0].Hello(distant[0].Word(WordKind.Away, age: 250, kernelAge: 5)));
        Pass(110);
        Assert.True(Member(distant[0])!.Away);
        Hear(near[1].Say(distant[0].Word(WordKind.Away, age: null)));
        Hear(near[0].Hello(distant[0].Word(WordKind.Silent, age: 600, kernelAge: 300)));
        Hear(near[1].Say(distant[0].Word(WordKind.Away, age: null)));
        Pass(110);
        Assert.False(Knows(distant[0]));
    }

    [Fact]
    public void Distant_ItsKernelFellSilentForOneAndAnsweredAnotherSince_IsStillAway()
    {
        Hear(near[0].Hello(distant[0].Word(WordKind.Away, age: 250, kernelAge: 5)));
        Pass(110);
        Hear(near[0].Hello(distant[0].Word(WordKind.Silent, age: 600, kernelAge: 300)));
        Hear(near[1].Hello(distant[0].Word(WordKind.Away, age: 600, kernelAge: 10)));
        Pass(500);
        Assert.True(Member(distant[0])!.Away);
    }

    [Fact]
    public void Distant_WasHeardAMomentAgo_SomebodyMissesIt_ThisNodeContradicts()
    {
        Hear(distant[0].Hello());
        Pass(50);
        Hear(near[0].Hello(distant[0].Word(WordKind.Silent, age: 250)));
        Assert.True(membership.HasUrgent);
        Assert.Equal((distant[0].Place, WordKind.Heard), Assert.Single(Said().Select(static word => (word.Id, word.Kind))));
        Pass(500);
        Assert.True(Knows(distant[0]));
    }

    [Fact]
    public void ThisNodeIsMissed_ItSaysHello_UnlessItIsAFormerRun()
    {
        Hear(near[0].Hello(Self(boot: 98)));
        Assert.False(membership.HasUrgent);
        Hear(near[0].Hello(Self(boot: 99)));
        Assert.True(membership.HasUrgent);
        Assert.Empty(Said());
        Assert.False(membership.HasUrgent);

        static PeerWord Self(ulong boot) =>
            new(SegmentRing.PlaceOf("n1"u8, "eth0"u8), WordKind.Silent, boot, 1, SpeakerState.Ready, 0, Ms(250));
    }

    [Fact]
    public void Neighbour_FallsSilent_ThisNodeSaysSo_AndGivesItUpATenthOfASecondLater()
    {
        Pass(240, except: near[0]);
        Assert.Empty(Said());
        Pass(20, except: near[0]);
        Assert.Equal((near[0].Place, WordKind.Silent), Assert.Single(Said().Select(static word => (word.Id, word.Kind))));
        Assert.True(Knows(near[0]));
        Pass(110, except: near[0]);
        Assert.False(Knows(near[0]));
    }

    // It comes late to look, and has asked the kernel in time: whoever hears the other has still the time to say so.
    [Fact]
    public void Neighbour_FallsSilent_ThisNodeIsLateToSaySo_KeepsItForATenthOfASecondMore()
    {
        Pass(240, except: near[0]);
        now += 120;
        near.Skip(1).ToList().ForEach(speaker => Hear(speaker.Say(marks: HeartbeatMarks.Close)));
        membership.Advance(Ms(now));
        Assert.Single(Said());
        Pass(90, except: near[0]);
        Assert.True(Knows(near[0]));
        Pass(20, except: near[0]);
        Assert.False(Knows(near[0]));
    }

    // Its kernel answers this node, too, which asks it seldom.
    [Fact]
    public void NeighbourIsAway_OthersAskItsKernel_ThatFallsSilent_IsGoneByTheirWord()
    {
        var away = near.Find(speaker => ring.Rank(speaker.Place) >= 3)!;
        Pass(210, except: away);
        membership.HearKernel(away.Mac, away.Address, Ms(now));
        Pass(400, except: away);
        Assert.True(Member(away)!.Away);
        Hear(near.Find(speaker => speaker != away)!.Hello(away.Word(WordKind.Silent, age: 610, kernelAge: 400)));
        Pass(110, except: away);
        Assert.False(Knows(away));
    }

    [Fact]
    public void NeighbourIsAway_ItsKernelAnswersOthers_IsStillAway()
    {
        var away = near.Find(speaker => ring.Rank(speaker.Place) < 3)!;
        Pass(210, except: away);
        membership.HearKernel(away.Mac, away.Address, Ms(now));
        for (var i = 0; i < 8; i++)
        {
            Pass(100, except: away);
            Hear(near.Find(speaker => speaker != away)!.Say(away.Word(WordKind.Away, age: 210, kernelAge: 5)));
        }

        Assert.True(Member(away)!.Away);
        Pass(600, except: away);
        Assert.False(Knows(away));
    }

    [Fact]
    public void Neighbour_FallsSilent_OthersHearIt_IsKept_AndNotMissedForASecond()
    {
        for (var at = 0; at < 900; at += 100)
        {
            Pass(100, except: near[0]);
            Hear(near[1].Say(near[0].Word(WordKind.Heard, age: 10)));
        }

        Assert.True(Knows(near[0]));
        Assert.Empty(Said());
    }

    [Fact]
    public void WordOfAnotherRun_SaysNothingOfThisOne()
    {
        Hear(near[0].Hello(distant[0].Word(WordKind.Silent, age: 250) with { Boot = 5 }));
        Pass(200);
        Assert.True(Knows(distant[0]));
    }

    // Somebody who has not heard for long passes on what others said of it even longer ago.
    [Fact]
    public void HearsayThatIsOlderThanWhatThisNodeHeard_IsLeftAlone()
    {
        for (var i = 0; i < 100; i++)
        {
            Hear(distant[0].Hello());
        }

        Hear(near[0].Say(distant[0].Word(WordKind.Silent, age: null) with { Sequence = 2 }));
        Pass(200);
        Assert.True(Knows(distant[0]));
        Hear(near[0].Say(distant[0].Word(WordKind.Silent, age: null)));
        Pass(200);
        Assert.False(Knows(distant[0]));
    }

    [Fact]
    public void WhatADistantOneSaysOfItself_ComesByOthers()
    {
        Hear(near[0].Say(distant[0].Word(WordKind.Heard, age: 10) with { Sequence = 50, Flags = SpeakerState.Ready | SpeakerState.Leaving }));
        Assert.True(Member(distant[0])!.Leaving);
        Hear(near[0].Say(distant[0].Word(WordKind.Heard, age: 10) with { Sequence = 40, Flags = SpeakerState.Ready }));
        Assert.True(Member(distant[0])!.Leaving);
    }

    [Fact]
    public void DistantIsSaidToBeDeaf_CountsOnlyWithItsOwnWord()
    {
        Hear(near[0].Hello(distant[0].Word(WordKind.Deaf, age: 10)));
        Pass(20);
        Assert.False(Member(distant[0])!.Deaf);
        Hear(distant[0].Hello(SpeakerState.HearsNothing));
        Pass(20);
        Assert.True(Member(distant[0])!.Deaf);
    }

    // Nobody says that it misses the others: nobody is heard who could.
    [Fact]
    public void MostNeighboursFallSilent_TheDistantDoNotMakeAMajority()
    {
        Assert.True(membership.View(Ms(now), []).Majority);
        Pass(210, except: [.. near.Take(4), .. distant]);
        Assert.False(membership.View(Ms(now), []).Majority);
    }

    [Fact]
    public void SomeNeighboursFallSilent_TheDistantMakeTheMajority()
    {
        Pass(210, except: [.. near.Take(2), .. distant]);
        Assert.True(membership.View(Ms(now), []).Majority);
    }

    [Fact]
    public void OneIsNamedThatWasNeverHeard_EverybodyIsAsked_LessAndLessOften()
    {
        var stranger = new Speaker(99);
        var inquiries = 0;
        for (var at = 0; at < 20_000; at += 100)
        {
            Pass(100);
            Hear(near[0].Say(stranger.Word(WordKind.Heard, age: 10)));
            if (membership.Inquires(Ms(now)))
            {
                membership.Inquired(Ms(now));
                inquiries++;
            }
        }

        Assert.InRange(inquiries, 4, 6);
    }

    // A node's other interface on the segment is named by those that hear it.
    [Fact]
    public void OwnOtherInterfaceIsNamed_NobodyIsAsked()
    {
        var sibling = new Talker("n1", boot: 99, link: "eth1");
        membership.Hear(sibling.Say(), Ms(now));
        Hear(near[0].Say(new PeerWord(SegmentRing.PlaceOf("n1"u8, "eth1"u8), WordKind.Heard, 99, 1, SpeakerState.Ready, 0, Ms(10))));
        Assert.False(membership.Inquires(Ms(now)));
    }

    [Fact]
    public void LookedForNoMoreAndHeardByAnother_IsAskedItself()
    {
        Hear(near[0].Hello(distant[0].Word(WordKind.Silent, age: 250)));
        Pass(11 * 60_000, except: distant[0]);
        Assert.DoesNotContain(distant[0].Mac, Told());
        Hear(near[0].Say(distant[0].Word(WordKind.Heard, age: 10)));
        Assert.Contains(distant[0].Mac, Told());
    }

    [Fact]
    public void PeersOfVersionsBefore_AreAllNear()
    {
        var old = ReadyNode();
        List<Speaker> all = [.. Enumerable.Range(2, Others).Select(static number => new Speaker(number) { Rings = false })];
        all.ForEach(speaker => old.Hear(speaker.Say(), Ms(0)));
        Assert.Equal(Others, old.NearCount);
        Assert.Equal(Others, old.Targets(Ms(0), newcomersOnly: false, targets));
        Assert.False(old.HasDistant);
    }

    [Fact]
    public void WhatIsKnown_GoesRoundWithinTwoSeconds()
    {
        var named = new HashSet<ulong>();
        var words = new PeerWord[24];
        for (var beat = 0; beat < 20; beat++)
        {
            named.UnionWith(words[..membership.NextGossip(words, Ms(now))].Select(static word => word.Id));
        }

        Assert.Equal(near.Concat(distant).Select(static speaker => speaker.Place).ToHashSet(), named);
    }

    private void Hear(byte[] frame) => membership.Hear(frame, Ms(now));

    private HashSet<MacAddress> Told() => [.. targets[..membership.Targets(Ms(now), newcomersOnly: false, targets)].Select(static target => target.Mac)];

    private PeerWord[] Said()
    {
        var words = new PeerWord[24];
        return words[..membership.TakeUrgent(words)];
    }

    private bool Knows(Speaker speaker) => Member(speaker) is not null;

    private SegmentMember? Member(Speaker speaker) => membership.View(Ms(now), []).Peers.FirstOrDefault(peer => peer.Node == speaker.Node);

    // The neighbours go on with their heartbeats, the others with their hellos, and no kernel answers.
    private void Pass(int milliseconds, params Speaker[] except)
    {
        for (var end = now + milliseconds; now < end;)
        {
            now += 10;
            if (now % 100 == 0)
            {
                near.Except(except).ToList().ForEach(speaker => Hear(speaker.Say(marks: HeartbeatMarks.Close)));
            }

            if (now % 1200 == 0)
            {
                distant.Except(except).ToList().ForEach(speaker => Hear(speaker.Hello()));
            }

            membership.Advance(Ms(now));
            membership.Checks(Ms(now), new CheckTarget[16]);
        }
    }

    /// <summary>A speaker that knows the ring, unless it is said not to.</summary>
    private sealed class Speaker(int number)
    {
        private readonly HeartbeatIdentity identity = new($"n{number}", "eth0", [IpPrefix.Parse($"192.168.96.{number}/20")], []);
        private ulong sequence;

        public string Node => identity.Node;

        public bool Rings { get; init; } = true;

        public IpAddress Address => identity.Prefixes[0].Address;

        public MacAddress Mac { get; } = MacAddress.Parse($"52:54:00:00:01:{number:x2}");

        public ulong Place { get; } = SegmentRing.PlaceOf(Encoding.ASCII.GetBytes($"n{number}"), "eth0"u8);

        public byte[] Say(PeerWord? word = null, HeartbeatMarks marks = HeartbeatMarks.None) => Encode(HeartbeatKind.Heartbeat, 99, SpeakerState.None, marks, word);

        public byte[] Hello(PeerWord word) => Encode(HeartbeatKind.Hello, 0, SpeakerState.None, HeartbeatMarks.None, word);

        public byte[] Hello(SpeakerState also = SpeakerState.None) => Encode(HeartbeatKind.Hello, 0, also, HeartbeatMarks.None, null);

        public PeerWord Word(WordKind kind, int? age, int? kernelAge = null) =>
            new(Place, kind, (ulong)(1000 + number), sequence, SpeakerState.Ready | SpeakerState.Serving, 0, age is { } ms ? Ms(ms) : null, kernelAge is { } kernel ? Ms(kernel) : null);

        private byte[] Encode(HeartbeatKind kind, ulong heard, SpeakerState also, HeartbeatMarks marks, PeerWord? word)
        {
            var body = new byte[PeerWords.SizeOf(1)];
            var length = word is { } said ? PeerWords.Write([said], body) : 0;
            var header = Frames.Header with
            {
                Kind = kind, Source = Mac, Boot = (ulong)(1000 + number), Sequence = ++sequence, HeardBoot = heard, HeardSequence = 1, Losses = 0,
                Flags = SpeakerState.Ready | SpeakerState.Serving | also, Marks = marks | (Rings ? HeartbeatMarks.Rings : HeartbeatMarks.None),
            };
            var frame = new byte[HeartbeatLayout.MaxFrame];
            return frame[..HeartbeatEncoder.Encode(header, identity, Frames.Key, frame, body.AsSpan(0, length))];
        }
    }
}
