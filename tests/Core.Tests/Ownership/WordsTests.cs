using LoadBalancer.Core.Heartbeats;
using LoadBalancer.Core.Ownership;
using static LoadBalancer.Core.Tests.Ownership.Members;

namespace LoadBalancer.Core.Tests.Ownership;

/// <summary>What a node of a large segment makes of others' words about those it keeps no company with.</summary>
public sealed class WordsTests : LargeSegment
{
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

    // What was held up on its way comes after what was said against it.
    [Fact]
    public void Distant_AnotherSaysThatItHeardIt_WhoMissesItIsHeardOnlyThen_Stays()
    {
        Hear(near[1].Hello(distant[0].Word(WordKind.Heard, age: 10)));
        Pass(20);
        Hear(near[0].Hello(distant[0].Word(WordKind.Silent, age: 250)));
        Pass(500);
        Assert.True(Knows(distant[0]));
    }

    // Whoever lost it a moment ago passes on that it did. Had it died since it was heard, nobody could know it yet.
    [Fact]
    public void Distant_AnotherHeardIt_SomebodyPassesOnThatItIsMissed_StaysUntilThatCanBeTrue()
    {
        Hear(near[1].Hello(distant[0].Word(WordKind.Heard, age: 10)));
        Pass(300);
        Hear(near[2].Say(distant[0].Word(WordKind.Silent, age: null)));
        Pass(150);
        Assert.True(Knows(distant[0]));
        Hear(near[2].Say(distant[0].Word(WordKind.Silent, age: null)));
        Pass(110);
        Assert.False(Knows(distant[0]));
    }

    // It misses everybody.
    [Fact]
    public void Distant_OneThatHearsNothingMissesIt_Stays()
    {
        Hear(near[0].Hello(distant[0].Word(WordKind.Silent, age: 250), SpeakerState.HearsNothing));
        Pass(200);
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
        Pass(140);
        Hear(near[1].Say(distant[0].Word(WordKind.Away, age: null)));
        Hear(near[0].Hello(distant[0].Word(WordKind.Silent, age: 500, kernelAge: 255)));
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

    // Its neighbours do, and the next two beyond them on either side: a few are enough.
    [Fact]
    public void Distant_WasHeardAMomentAgo_SomebodyMissesIt_ThisNodeContradictsIfItStandsCloseBy()
    {
        foreach (var missed in distant)
        {
            Hear(missed.Hello());
            Pass(50);
            Hear(near[0].Hello(missed.Word(WordKind.Silent, age: 250)));
            Assert.Equal(ring.Rank(missed.Place) < 12, membership.HasUrgent);
            Assert.Equal(ring.Rank(missed.Place) < 12 ? [(missed.Place, WordKind.Heard)] : [], Said().Select(static word => (word.Id, word.Kind)));
            Pass(500);
            Assert.True(Knows(missed));
        }
    }

    [Fact]
    public void SeveralMissANeighbour_ThisNodeContradictsOnceInATenthOfASecond()
    {
        Pass(20);
        Hear(near[1].Hello(near[0].Word(WordKind.Silent, age: 250)));
        Assert.Single(Said());
        Pass(20);
        Hear(near[2].Hello(near[0].Word(WordKind.Silent, age: 250)));
        Assert.Empty(Said());
        Pass(100);
        Hear(near[3].Hello(near[0].Word(WordKind.Silent, age: 250)));
        Assert.Single(Said());
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

        var last = distant[0].Word(WordKind.Silent, age: null);
        foreach (var sequence in new ulong[] { 2, last.Sequence - 1 })
        {
            Hear(near[0].Say(last with { Sequence = sequence }));
            Pass(200);
            Assert.True(Knows(distant[0]));
        }

        Hear(near[0].Say(distant[0].Word(WordKind.Silent, age: null)));
        Pass(200);
        Assert.False(Knows(distant[0]));
    }

    // Its speaker fell silent. Of those that ask its kernel, one has lost its question.
    [Fact]
    public void Distant_ItsKernelAnsweredOneAMomentAgoAndAnotherNot_IsAway()
    {
        Hear(near[0].Hello(distant[0].Word(WordKind.Away, age: 250, kernelAge: 5)));
        Pass(10);
        Hear(near[1].Hello(distant[0].Word(WordKind.Silent, age: 260)));
        Pass(150);
        Assert.True(Member(distant[0])!.Away);
    }

    // All that would have told of its death died with it, but one.
    [Fact]
    public void OneThatHasJustBecomeANeighbour_SomebodyMissesIt_IsGoneAfterATenthOfASecond()
    {
        Pass(400, except: near[0]);
        Assert.False(Knows(near[0]));
        var neighbour = distant.Find(speaker => RingWithout(near[0]).IsNear(speaker.Place))!;
        Hear(near[1].Hello(neighbour.Word(WordKind.Silent, age: 250)));
        Pass(110, except: [near[0], neighbour]);
        Assert.False(Knows(neighbour));
    }

    // It was met again by a frame that did not say so, and what would have was lost.
    [Fact]
    public void DistantDoesNotHearThisNode_IsAskedOnceASecondUntilItDoes()
    {
        Hear(distant[0].SayUnheard());
        Assert.Contains(distant[0].Mac, Told());
        Pass(900);
        Assert.DoesNotContain(distant[0].Mac, Told());
        Pass(100);
        Assert.Contains(distant[0].Mac, Told());
        Hear(distant[0].Say());
        Pass(1100);
        Assert.DoesNotContain(distant[0].Mac, Told());
    }

    // All its neighbours miss it: somebody else must tell them.
    [Fact]
    public void Distant_SomebodyMissesIt_SaysItself_TheNextFourBeyondItsNeighboursSaySo()
    {
        foreach (var missed in distant)
        {
            Hear(near[0].Hello(missed.Word(WordKind.Silent, age: 250)));
            Pass(20);
            Hear(missed.Hello());
            Assert.Equal(ring.Rank(missed.Place) < 12 ? [(missed.Place, WordKind.Heard)] : [], Said().Select(static word => (word.Id, word.Kind)));
        }

        Assert.Contains(distant, speaker => ring.Rank(speaker.Place) >= 12);
        Assert.Contains(distant, speaker => ring.Rank(speaker.Place) < 12);
    }

    // A later version may say more.
    [Fact]
    public void StatesThisVersionDoesNotKnow_AreLeftOut()
    {
        var word = distant[0].Word(WordKind.Heard, age: 10);
        Assert.False(membership.Hear(near[0].Say(word with { Sequence = 50, Flags = word.Flags | (SpeakerState)0x80 }), Ms(now)).Changed);
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

    // Its speaker hears nothing and its kernel does: it has a deputy, which may be somebody who only hears its hellos.
    [Fact]
    public void DistantSaysItHearsNothing_ItsNeighboursFindItAway_IsAwayAlthoughItsHellosComeIn_UntilItHears()
    {
        Hear(distant[0].Hello(SpeakerState.HearsNothing));
        Pass(20);
        Assert.False(Member(distant[0])!.Away);
        Hear(near[0].Hello(distant[0].Word(WordKind.Away, age: 5, kernelAge: 5)));
        Hear(distant[0].Hello(SpeakerState.HearsNothing));
        Pass(1500, except: distant[0]);
        Assert.True(Member(distant[0])!.Away);
        Assert.True(Member(distant[0])!.YieldsBlindly);
        Hear(distant[0].Hello());
        Assert.False(Member(distant[0])!.Away);
    }

    [Fact]
    public void NeighbourSaysItHearsNothing_ItsKernelDoes_IsSaidToBeAway_Once()
    {
        var told = new List<PeerWord>();
        for (var i = 0; i < 10; i++)
        {
            Hear(near[0].Say(SpeakerState.HearsNothing));
            Pass(50, except: near[0]);
            membership.HearKernel(near[0].Mac, near[0].Address, Ms(now));
            Pass(50, except: near[0]);
            told.AddRange(Said());
        }

        Assert.True(Member(near[0])!.Away);
        Assert.Equal((near[0].Place, WordKind.Away), Assert.Single(told.Select(static word => (word.Id, word.Kind))));
    }

    [Fact]
    public void DistantInterfaceIsReplacedByAnotherOfItsNode_ItsNeighboursSaySo_IsGoneAtOnce()
    {
        var successor = distant[0].On("br0");
        Hear(successor.Say());
        Pass(20);
        Hear(near[0].Hello(distant[0].Word(WordKind.Silent, age: 250)));
        Pass(10);
        Assert.Equal("br0", Assert.Single(membership.View(Ms(now), []).Peers, peer => peer.Node == distant[0].Node).Link);
    }

    [Fact]
    public void NeighboursInterfaceIsReplacedByAnotherOfItsNode_EverybodyIsTold()
    {
        var successor = near[0].On("br0");
        for (var i = 0; i < 30; i++)
        {
            Pass(10, except: near[0]);
            Hear(successor.Say());
        }

        Assert.Equal("br0", Assert.Single(membership.View(Ms(now), []).Peers, peer => peer.Node == near[0].Node).Link);
        Assert.Contains((near[0].Place, WordKind.Silent), Said().Select(static word => (word.Id, word.Kind)));
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
}
