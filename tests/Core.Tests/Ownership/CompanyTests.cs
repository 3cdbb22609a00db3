using LoadBalancer.Core.Addressing;
using LoadBalancer.Core.Heartbeats;
using LoadBalancer.Core.Ownership;
using static LoadBalancer.Core.Tests.Ownership.Members;

namespace LoadBalancer.Core.Tests.Ownership;

/// <summary>With whom a node of a large segment keeps company, and what it says of them.</summary>
public sealed class CompanyTests : LargeSegment
{
    [Fact]
    public void Heartbeats_GoToEightNeighbours_AndToWhoeverSendsThemInASeries()
    {
        Assert.Equal(8, membership.NearCount);
        Assert.Equal(near.Select(static s => s.Mac).ToHashSet(), Told());
        Hear(distant[0].Say(marks: HeartbeatMarks.Close));
        Assert.Contains(distant[0].Mac, Told());
        Pass(100);
        Assert.Contains(distant[0].Mac, Told());
        Pass(400);
        Assert.DoesNotContain(distant[0].Mac, Told());
    }

    // Its echo needs not be waited for: it is sent nothing.
    [Fact]
    public void DistantDoesNotEcho_AllIsWell()
    {
        membership.MarkHeartbeats(lastSequence: 0, Ms(now));
        Pass(1150);
        Assert.False(membership.IsUneasy(Ms(now)));
        membership.MarkHeartbeats(lastSequence: 1, Ms(now));
        Pass(100);
        Assert.True(membership.IsUneasy(Ms(now)));
    }

    // It was known by its hellos, which come every second or so.
    [Fact]
    public void OneThatHasJustBecomeANeighbour_IsNotMissedForAQuarterOfASecond()
    {
        var neighbour = distant.Find(speaker => RingWithout(near[0]).IsNear(speaker.Place))!;
        while (Knows(near[0]))
        {
            Pass(10, except: [near[0], neighbour]);
        }

        Said();
        Pass(230, except: [near[0], neighbour]);
        Assert.Empty(Said());
        Pass(30, except: [near[0], neighbour]);
        Assert.Equal((neighbour.Place, WordKind.Silent), Assert.Single(Said().Select(static word => (word.Id, word.Kind))));
    }

    // Others stand closer to it now, and go on asking its kernel.
    [Fact]
    public void NeighbourIsAway_OthersJoinBetween_IsAwayStill()
    {
        var away = near.Find(speaker => ring.Rank(speaker.Place) >= 6)!;
        PassAway(1000, away);
        Assert.True(Member(away)!.Away);
        List<Speaker> joined = [];
        while (RingOf(near.Concat(distant).Concat(joined).Where(speaker => speaker != away)).IsNear(away.Place))
        {
            joined.Add(new Speaker(100 + joined.Count));
            Hear(joined[^1].Say());
        }

        for (var i = 0; i < 100; i++)
        {
            Pass(10, except: away);
            Assert.True(Member(away)?.Away);
        }
    }

    // What it hears is summed up by its neighbours.
    [Fact]
    public void NodeIsLost_ItsNeighboursSeeTheSame_WhatTheDistantHearDoesNotMatter()
    {
        Pass(400, except: near[0]);
        var neighbour = distant.Find(speaker => RingWithout(near[0]).IsNear(speaker.Place))!;
        var all = membership.Digest ^ HashOf("n1");
        foreach (var speaker in near.Skip(1).Append(neighbour))
        {
            speaker.Digests = (0, all ^ speaker.Hash);
            Hear(speaker.Say(marks: HeartbeatMarks.Close));
        }

        Assert.True(membership.LossesAt(Ms(now)).Agreed);
        near[1].Digests = (0, all);
        Hear(near[1].Say(marks: HeartbeatMarks.Close));
        Assert.False(membership.LossesAt(Ms(now)).Agreed);
    }

    // It answers the frame that it was asked to prove itself by: it has had one.
    [Fact]
    public void NewcomerProvesItself_IsNotAnsweredOnceMore()
    {
        var newcomer = Enumerable.Range(100, 100).Select(static number => new Speaker(number)).First(speaker => !RingOf(near.Concat(distant).Append(speaker)).IsNear(speaker.Place));
        Hear(newcomer.Hello());
        Assert.Contains(newcomer.Mac, Answered());
        Hear(newcomer.Say());
        Assert.True(Knows(newcomer));
        Assert.DoesNotContain(newcomer.Mac, Answered());

        HashSet<MacAddress> Answered() => [.. targets[..membership.Targets(Ms(now), newcomersOnly: true, targets)].Select(static target => target.Mac)];
    }

    // Its answer would not come in.
    [Fact]
    public void NeighbourIsSilent_ItsClaimsAreAskedForWhenItIsHeardAgain_AtOnce()
    {
        near[0].Digests = (5, 0);
        Hear(near[0].Say(marks: HeartbeatMarks.Close));
        Assert.Equal(near[0].Mac, membership.TakeRequest(Ms(now))?.Mac);
        Pass(200, except: near[0]);
        for (var i = 0; i < 30; i++)
        {
            Pass(100, except: near[0]);
            Hear(near[1].Say(near[0].Word(WordKind.Heard, age: 10) with { ClaimDigest = 5 }));
            Assert.Null(membership.TakeRequest(Ms(now)));
        }

        Hear(near[0].Say(marks: HeartbeatMarks.Close));
        Assert.Equal(near[0].Mac, membership.TakeRequest(Ms(now))?.Mac);
    }

    // It is not this node that hears nothing.
    [Fact]
    public void EverybodyFallsSilent_OtherHostsAreHeard_TheNeighboursAreSaidToBeMissed()
    {
        for (var i = 0; i < 26; i++)
        {
            Pass(10, except: [.. near, .. distant]);
            membership.HearHost(MacAddress.Parse("52:54:00:00:00:fe"), IpAddress.Parse("192.168.96.1"), Ms(now));
        }

        Assert.Equal(near.Select(static speaker => speaker.Place).ToHashSet(), Said().Select(static word => word.Id).ToHashSet());
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

    // Three of the neighbours go on asking its kernel often.
    [Theory]
    [InlineData(0, 15, 18)]
    [InlineData(2, 15, 18)]
    [InlineData(3, 1, 3)]
    [InlineData(7, 1, 3)]
    public void NeighbourIsAway_CountsAsAliveNoMore_AndIsAskedOftenByThreeOfTheOthers(int rank, int least, int most)
    {
        var away = near.Find(speaker => ring.Rank(speaker.Place) == rank)!;
        PassAway(1000, away);
        Assert.Equal(Others - 1, membership.AliveCount);
        var before = Questions;
        PassAway(1000, away);
        Assert.InRange(Questions - before, least, most);
        Assert.True(Member(away)!.Away);
    }

    // It stands closer by now, and has asked seldom until then.
    [Fact]
    public void NeighbourIsAway_OneOfThoseThatAskItOftenIsGone_ThisNodeTakesItsPlace_AndAsksBeforeItJudges()
    {
        var away = near.Find(speaker => ring.Rank(speaker.Place) == 3)!;
        var between = near.Find(speaker => RingWithout(speaker).Rank(away.Place) == 1)!;
        PassAway(3000, away);
        for (var i = 0; i < 100; i++)
        {
            PassAway(10, away, between);
            Assert.True(Member(away)?.Away);
        }

        Assert.False(Knows(between));
        var before = Questions;
        PassAway(1000, away, between);
        Assert.InRange(Questions - before, 15, 18);
        Pass(360, except: [away, between]);
        Assert.False(Knows(away));
    }

    // The last answer that others had was later than this node's.
    [Fact]
    public void NeighbourIsAway_ThoseThatAskItsKernelMissIt_IsGoneAfterATenthOfASecond()
    {
        var away = near.Find(speaker => ring.Rank(speaker.Place) >= 3)!;
        Pass(210, except: away);
        membership.HearKernel(away.Mac, away.Address, Ms(now));
        Pass(400, except: away);
        Hear(near.Find(speaker => speaker != away)!.Hello(away.Word(WordKind.Silent, age: 610, kernelAge: 250)));
        Pass(110, except: away);
        Assert.False(Knows(away));
    }

    // It is not they who are missing.
    [Fact]
    public void EverybodyFallsSilent_NothingIsSaidOfThem_AndTheyAreGivenUpInTime()
    {
        Pass(400, except: [.. near, .. distant]);
        Assert.Empty(Said());
        Assert.Empty(Gossip());
        Assert.DoesNotContain(near, Knows);
    }

    // More had to be said than may be at once.
    [Fact]
    public void NeighbourIsHeardAgainBeforeThatItIsMissedCouldBeSaid_ItIsNot()
    {
        Pass(260, except: near[0]);
        Assert.True(membership.HasUrgent);
        Hear(near[0].Say(marks: HeartbeatMarks.Close));
        Assert.Empty(Said());
    }

    // What is said in the meantime is as old as it is then.
    [Fact]
    public void NeighbourIsMissed_SaidLater_TheAgeIsThatOfThen()
    {
        Pass(260, except: near[0]);
        var heardAt = now - 260;
        Pass(40, except: near[0]);
        Assert.Equal(Ms(now - heardAt), Assert.Single(Said()).Age);
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

    // A frame that was held up on its way came to one of them later than to all others: whoever has it misses the next as they do.
    [Fact]
    public void Neighbour_FallsSilent_AnotherHeardItALittleLater_IsGivenUpThatMuchLater()
    {
        Pass(260, except: near[0]);
        Hear(near[1].Say(near[0].Word(WordKind.Heard, age: 230)));
        Pass(110, except: near[0]);
        Assert.True(Knows(near[0]));
        Pass(20, except: near[0]);
        Assert.False(Knows(near[0]));
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
    public void PeersOfVersionsBefore_AreAllNear()
    {
        var old = ReadyNode();
        List<Speaker> all = [.. Enumerable.Range(2, Others).Select(static number => new Speaker(number) { Rings = false })];
        all.ForEach(speaker => old.Hear(speaker.Say(), Ms(0)));
        Assert.Equal(Others, old.NearCount);
        Assert.Equal(Others, old.Targets(Ms(0), newcomersOnly: false, targets));
        Assert.False(old.HasDistant);
    }

    // Others would take one that begins for one that is no longer there.
    [Fact]
    public void OneThatDoesNotServeYet_IsSaidToBeHeard()
    {
        var newcomer = new Speaker(99) { Serves = false };
        Hear(newcomer.Say());
        Assert.True(Member(newcomer)!.Away);
        Assert.Contains((newcomer.Place, WordKind.Heard), Enumerable.Range(0, 20).SelectMany(_ => Gossip()).Select(static word => (word.Id, word.Kind)));
    }

    [Fact]
    public void WhatIsKnown_GoesRoundWithinTwoSeconds()
    {
        var named = new HashSet<ulong>();
        for (var beat = 0; beat < 20; beat++)
        {
            named.UnionWith(Gossip().Select(static word => word.Id));
        }

        Assert.Equal(near.Concat(distant).Select(static speaker => speaker.Place).ToHashSet(), named);
    }
}
