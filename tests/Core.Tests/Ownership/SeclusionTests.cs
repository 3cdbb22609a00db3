using LoadBalancer.Core.Heartbeats;
using LoadBalancer.Core.Ownership;
using static LoadBalancer.Core.Tests.Ownership.Members;

namespace LoadBalancer.Core.Tests.Ownership;

/// <summary>A node of a large segment between which and its neighbours nothing passes, one way at least, while others hear both.</summary>
public sealed class SeclusionTests : LargeSegment
{
    private bool SaysItHearsNothing => (membership.StateAt(Ms(now)) & SpeakerState.HearsNothing) != 0;

    [Fact]
    public void NoNeighbourIsHeard_OthersHearThem_SaysThatItHearsNothing_AndStandsDownAfterHalfASecond()
    {
        PassSecluded(250);
        Assert.False(SaysItHearsNothing);
        PassSecluded(20);
        Assert.True(SaysItHearsNothing);
        Assert.False(View.MayAct);
        Assert.False(View.StandsDown);
        PassSecluded(270);
        Assert.True(View.StandsDown);
        PassSecluded(5000);
        Assert.True(View.StandsDown);
        Assert.False(View.MayServe);
        Assert.Empty(Said());
    }

    // They died all at once: that says nothing of this node.
    [Fact]
    public void NoNeighbourIsHeard_NobodyElseHearsThemEither_ThisNodeGoesOn()
    {
        for (var i = 0; i < 100; i++)
        {
            Pass(10, except: [.. near]);
            Hear(distant[i % distant.Count].Say());
            Assert.False(SaysItHearsNothing);
            Assert.False(View.StandsDown);
        }
    }

    [Fact]
    public void OneNeighbourIsHeard_ThisNodeGoesOn()
    {
        for (var i = 0; i < 60; i++)
        {
            Pass(10, except: [.. near.Skip(1)]);
            Vouch([.. near.Skip(1)]);
            Assert.False(SaysItHearsNothing);
        }
    }

    [Fact]
    public void NoNeighbourHearsThisNode_SaysThatItHearsNothing_WhenTheyWouldMissIt()
    {
        for (var passed = 0; passed < 500; passed += 10)
        {
            Assert.Equal(passed >= 250, SaysItHearsNothing);
            if (now % 100 == 0)
            {
                near.ForEach(speaker => Hear(speaker.SayUnheard()));
            }

            Pass(10, except: [.. near]);
        }
    }

    // They say so only when they have lost it, which is when they have had nothing of it for that long.
    [Fact]
    public void NoNeighbourHearsThisNode_ThatTheyHaveLostItSaysNothingNew()
    {
        var sent = 1ul;
        for (var passed = 0; passed < 310; passed += 10)
        {
            if (now % 100 == 0)
            {
                membership.MarkHeartbeats(sent++, Ms(now));
                near.ForEach(speaker => Hear(passed < 300 ? speaker.Say(marks: HeartbeatMarks.Close) : speaker.SayUnheard()));
            }

            Pass(10, except: [.. near]);
        }

        Assert.True(SaysItHearsNothing);
    }

    // What they took meanwhile, it must hear first.
    [Fact]
    public void MostNeighboursAreHeardAgain_ServesWhenAllAre()
    {
        PassSecluded(1000);
        Assert.True(View.StandsDown);
        Pass(100, except: [.. near.Skip(3)]);
        Vouch([.. near.Skip(3)]);
        Assert.True(SaysItHearsNothing);
        Pass(110);
        Assert.False(SaysItHearsNothing);
        Pass(100);
        Assert.False(View.StandsDown);
        Assert.True(View.MayServe);
        Assert.All(near, speaker => Assert.True(Knows(speaker)));
    }

    // This process stood still: what the neighbours said meanwhile may have been lost.
    [Fact]
    public void ThisNodeStoodStill_OthersHearItsNeighbours_HasTheTimeToHearThem()
    {
        now += 1000;
        Vouch([.. near]);
        Pass(10, except: [.. near]);
        Assert.False(SaysItHearsNothing);
        near.ForEach(speaker => Hear(speaker.Say(marks: HeartbeatMarks.Close)));
        Pass(400);
        Assert.False(SaysItHearsNothing);
    }

    // It lost them before others said that they hear them: those it keeps company with instead tell it so.
    [Fact]
    public void NeighboursWereLost_OthersHearThem_SaysThatItHearsNothing_AsLongAsTheyDo()
    {
        Pass(450, except: [.. near]);
        Assert.DoesNotContain(near, Knows);
        Assert.False(membership.IsSecluded);
        for (var i = 0; i < 40; i++)
        {
            Vouch([.. near]);
            Pass(100, except: [.. near]);
            Assert.True(membership.IsSecluded);
        }

        Pass(3100, except: [.. near]);
        Assert.False(membership.IsSecluded);
    }

    // They were never lost, and claim what they did not before.
    [Fact]
    public void NeighboursAreHeardAgain_TheirClaimsAreNotKnown_IsFencedUntilTheyAre()
    {
        PassSecluded(5000);
        near.ForEach(static speaker => speaker.Digests = (5, 0));
        Pass(300);
        Assert.False(SaysItHearsNothing);
        Assert.True(membership.Fenced);
        near.ForEach(static speaker => speaker.Digests = (0, 0));
        Pass(110);
        Assert.False(membership.Fenced);
    }

    // Its hellos come in. One neighbour may have lost its frames; two that miss it have not.
    [Theory]
    [InlineData(1, false)]
    [InlineData(2, true)]
    public void DistantSaysItHearsNothing_NeighboursMissIt_IsDeafWhenTwoDo(int neighbours, bool deaf)
    {
        near.Take(neighbours).ToList().ForEach(speaker => Hear(speaker.Hello(distant[0].Word(WordKind.Silent, age: 250))));
        Hear(distant[0].Hello());
        Assert.False(Member(distant[0])!.Deaf);
        Hear(distant[0].Hello(SpeakerState.HearsNothing));
        Pass(20);
        Assert.Equal(deaf, Member(distant[0])!.Deaf);
    }

    // Only its speaker hears nothing, as its neighbours found.
    [Fact]
    public void DistantSaysItHearsNothing_ItIsAwayForItsNeighbours_IsNotDeafThoughTwoMissedIt()
    {
        near.Take(2).ToList().ForEach(speaker => Hear(speaker.Hello(distant[0].Word(WordKind.Silent, age: 250))));
        Hear(distant[0].Hello(SpeakerState.HearsNothing));
        Hear(near[2].Hello(distant[0].Word(WordKind.Away, age: 5, kernelAge: 5)));
        Pass(20);
        Assert.False(Member(distant[0])!.Deaf);
        Assert.True(Member(distant[0])!.Away);
    }

    // Its neighbours do not hear it: they learn by others that it hears nothing.
    [Fact]
    public void DistantThatIsMissed_SaysThatItHearsNothing_ThoseNextToItsNeighboursPassItOn_Once()
    {
        foreach (var missed in distant)
        {
            Hear(near[0].Hello(missed.Word(WordKind.Silent, age: 250)));
            Hear(missed.Hello());
            Said();
            Hear(missed.Hello(SpeakerState.HearsNothing));
            Assert.Equal(ring.Rank(missed.Place) < 12 ? [(missed.Place, WordKind.Heard)] : [], Said().Select(static word => (word.Id, word.Kind)));
            Hear(missed.Hello(SpeakerState.HearsNothing));
            Assert.Empty(Said());
        }
    }

    // Others hear it, which does not help: it does not hear them.
    [Fact]
    public void NeighbourIsMissed_OthersHearItSayThatItHearsNothing_IsGivenUpInTime()
    {
        Pass(260, except: near[0]);
        Hear(near[1].Say(near[0].Word(WordKind.Heard, age: 10)));
        Pass(100, except: near[0]);
        Assert.True(Knows(near[0]));
        Hear(near[1].Say(near[0].Word(WordKind.Heard, age: 10) with { Sequence = 1000, Flags = SpeakerState.Ready | SpeakerState.Serving | SpeakerState.HearsNothing }));
        Pass(140, except: near[0]);
        Assert.False(Knows(near[0]));
    }

    private SegmentView View => membership.View(Ms(now), []);

    private void Vouch(params Speaker[] missed) => missed.ToList().ForEach(speaker => Hear(distant[0].Hello(speaker.Word(WordKind.Heard, age: 10))));

    // All others hear the neighbours; this node does not.
    private void PassSecluded(int milliseconds)
    {
        for (var end = now + milliseconds; now < end;)
        {
            Pass(10, except: [.. near]);
            if (now % 100 == 50)
            {
                Vouch([.. near]);
            }
        }
    }
}
