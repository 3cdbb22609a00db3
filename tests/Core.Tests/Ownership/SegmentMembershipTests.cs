using LoadBalancer.Core.Heartbeats;
using LoadBalancer.Core.Ownership;
using static LoadBalancer.Core.Tests.Ownership.Members;

namespace LoadBalancer.Core.Tests.Ownership;

public sealed class SegmentMembershipTests
{
    private readonly SegmentMembership membership = ReadyNode();

    private readonly Talker n2 = new("n2", boot: 1000);
    private readonly Talker n3 = new("n3", boot: 2000);

    [Fact]
    public void Hear_PeerThatEchoesOurRun_IsAliveUntilItsFrameIsNoLongerGood()
    {
        Assert.Equal(new HearResult(HeartbeatRefusal.None, Changed: true, AnswerNow: true), membership.Hear(n2.Say(), Ms(0)));
        Assert.Equal(new HearResult(HeartbeatRefusal.None), membership.Hear(n2.Say(), Ms(100)));
        Run(100, 449);
        Assert.Equal(["n2"], Alive(449));
        Assert.True(membership.Advance(Ms(450)));
        Assert.Empty(Alive(450));
    }

    [Fact]
    public void Hear_FirstFrameWithoutEcho_IsUnconfirmedAndAsksForOne()
    {
        var result = membership.Hear(n2.Say(h => h with { HeardBoot = 0 }), Ms(0));
        Assert.Equal(new HearResult(HeartbeatRefusal.Unconfirmed, AnswerNow: true), result);
        Assert.Empty(Alive(0));

        var targets = new HeartbeatTarget[4];
        Assert.Equal(1, membership.Targets(Ms(0), newcomersOnly: true, targets));
        Assert.Equal((1000ul, 1ul), (targets[0].HeardBoot, targets[0].HeardSequence));
    }

    [Theory]
    [InlineData(5)] // the same frame again
    [InlineData(4)] // an older one
    public void Hear_SequenceNotAboveTheLast_IsReplayed(ulong sequence)
    {
        membership.Hear(n2.Say(h => h with { Sequence = 5 }), Ms(0));
        Assert.Equal(HeartbeatRefusal.Replayed, membership.Hear(n2.Say(h => h with { Sequence = sequence }), Ms(1)).Refusal);
    }

    // Frames of an earlier run, recorded while we ran already, echo numbers we had used before the present run was believed.
    [Fact]
    public void Hear_RecordingOfAnEarlierRun_IsNeverBelieved()
    {
        membership.Hear(n2.Say(), Ms(0), lastSent: 10);
        var recorded = n2.Say(h => h with { HeardSequence = 20 });
        var restarted = new Talker("n2", boot: 1001);
        Assert.Equal(HeartbeatRefusal.None, membership.Hear(restarted.Say(h => h with { HeardSequence = 25 }), Ms(50), lastSent: 30).Refusal);

        Assert.Equal(HeartbeatRefusal.Unconfirmed, membership.Hear(recorded, Ms(60), lastSent: 31).Refusal);
        Run(60, 2000);
        Assert.Equal(HeartbeatRefusal.Unconfirmed, membership.Hear(recorded, Ms(2000), lastSent: 50).Refusal);
        Assert.Empty(Alive(2000));
    }

    // The last number used before the present run was believed may have been heard by the former one; only what came after proves anything.
    [Theory]
    [InlineData(30, HeartbeatRefusal.Unconfirmed)]
    [InlineData(31, HeartbeatRefusal.None)]
    public void Hear_AnotherRun_IsBelievedForAnEchoAboveTheLastNumberOfTheConfirmation(ulong echoed, HeartbeatRefusal refusal)
    {
        membership.Hear(n2.Say(), Ms(0), lastSent: 10);
        membership.Hear(new Talker("n2", boot: 1001).Say(h => h with { HeardSequence = 25 }), Ms(50), lastSent: 30);
        var another = new Talker("n2", boot: 1002);
        Assert.Equal(refusal, membership.Hear(another.Say(h => h with { HeardSequence = echoed }), Ms(60), lastSent: 31).Refusal);
    }

    // The run's name is not a clock, so a clock set back does not matter.
    [Fact]
    public void Hear_RestartWithALowerRun_IsBelievedOnceItEchoesANewFrame()
    {
        membership.Hear(n2.Say(), Ms(0), lastSent: 10);
        var restarted = new Talker("n2", boot: 1);
        Assert.Equal(HeartbeatRefusal.Unconfirmed, membership.Hear(restarted.Say(h => h with { HeardBoot = 0 }), Ms(50), lastSent: 20).Refusal);
        Assert.Equal(HeartbeatRefusal.None, membership.Hear(restarted.Say(h => h with { HeardSequence = 21 }), Ms(51), lastSent: 21).Refusal);
        Assert.Equal(["n2"], Alive(51));
    }

    [Fact]
    public void Hear_OurOwnName_IsOurFrameOrANameUsedTwice()
    {
        Assert.Equal(HeartbeatRefusal.OwnFrame, membership.Hear(new Talker("n1", 99).Say(), Ms(0)).Refusal);
        Assert.Equal(HeartbeatRefusal.SameName, membership.Hear(new Talker("n1", 98).Say(), Ms(0)).Refusal);
    }

    [Fact]
    public void Hear_MorePeersThanTheMembershipTakes_IsRefused()
    {
        var small = new SegmentMembership(new MembershipTimings { MaxPeers = 1 }, membership.Identity, 99, default);
        small.Hear(n2.Say(), Ms(0));
        Assert.Equal(HeartbeatRefusal.TooManyPeers, small.Hear(n3.Say(), Ms(0)).Refusal);
    }

    [Fact]
    public void Hear_KnownPeer_AllocatesNothing()
    {
        membership.Hear(n2.Say(), Ms(0));
        var frames = Enumerable.Range(0, 50).Select(_ => n2.Say()).ToList();
        membership.Hear(frames[0], Ms(1));
        HeartbeatDecoder.Decode(frames[1], Heartbeats.Frames.Own, Heartbeats.Frames.Keys, out var frame);
        membership.Hear(frame, Ms(2), 1);
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 2; i < 50; i++)
        {
            HeartbeatDecoder.Decode(frames[i], Heartbeats.Frames.Own, Heartbeats.Frames.Keys, out frame);
            membership.Hear(frame, Ms(i), 1);
        }

        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    [Fact]
    public void Start_UntilItHasListened_IsNotReady()
    {
        Run(0, 599);
        Assert.Equal(SpeakerState.None, membership.StateAt(Ms(599)));
        Run(599, 600);
        Assert.Equal(SpeakerState.Ready, membership.StateAt(Ms(600)));
    }

    // Told first, acted upon later: nodes that start together must see each other ready before they decide.
    [Fact]
    public void Start_AfterItHasListened_SaysSoBeforeItWins()
    {
        Run(0, 600);
        Assert.Equal(Ms(700), membership.NextDeadline(Ms(600)));
        Run(600, 699);
        Assert.False(membership.View(Ms(699), []).MayAct);
        Assert.True(membership.Advance(Ms(700)));
        Assert.True(membership.View(Ms(700), []).MayAct);
    }

    [Fact]
    public void Advance_AfterAStallOfOurOwn_GivesThePeersTheLostTimeBack()
    {
        membership.Hear(n2.Say(), Ms(0));
        membership.Advance(Ms(50));
        Assert.True(membership.Advance(Ms(3000))); // holding from now on
        Assert.Equal(["n2"], Alive(3000));
        Assert.Equal(1, membership.Stalls);
        Run(3000, 3400);
        Assert.Empty(Alive(3400));
    }

    [Fact]
    public void Advance_StalledLongerThanOurFramesAreGood_HoldsBack()
    {
        membership.Hear(n2.Say(), Ms(0));
        membership.Advance(Ms(50));
        membership.Advance(Ms(500));
        Assert.True(membership.View(Ms(500), []).Self.Holding);
        Assert.False(membership.View(Ms(2501), []).Self.Holding);
    }

    [Fact]
    public void Losses_OfAPeerThatComesBack_AreTold()
    {
        membership.Hear(n2.Say(), Ms(0));
        Run(0, 400);
        membership.Hear(n2.Say(), Ms(400));
        var targets = new HeartbeatTarget[4];
        membership.Targets(Ms(400), false, targets);
        Assert.Equal(1, targets[0].Losses);
    }

    [Fact]
    public void Losses_OfAPeerThatLeft_AreNotCounted()
    {
        membership.Hear(n2.Say(h => h with { Flags = SpeakerState.Leaving }), Ms(0));
        Run(0, 400);
        membership.Hear(n2.Say(), Ms(400));
        var targets = new HeartbeatTarget[4];
        membership.Targets(Ms(400), false, targets);
        Assert.Equal(0, targets[0].Losses);
    }

    // Both fell silent in the same breath: this node was cut off, not they.
    [Fact]
    public void Losses_OfAllPeersAtOnce_AreNotCounted()
    {
        membership.Hear(n2.Say(), Ms(0));
        membership.Hear(n3.Say(), Ms(20));
        Run(0, 500);
        membership.Hear(n2.Say(), Ms(500));
        var targets = new HeartbeatTarget[4];
        membership.Targets(Ms(500), false, targets);
        Assert.Equal(0, targets[0].Losses);
    }

    [Fact]
    public void Hear_PeerLostUs_HoldsLongerEachTime()
    {
        membership.Hear(n2.Say(h => h with { Losses = 1 }), Ms(1000));
        Assert.True(Holding(2999));
        Assert.False(Holding(3000));
        membership.Hear(n2.Say(h => h with { Losses = 2 }), Ms(5000));
        Assert.True(Holding(8999));
        Assert.False(Holding(9000));

        bool Holding(double at) => membership.View(Ms(at), []).Self.Holding;
    }

    [Theory]
    [InlineData(0, 0)]
    [InlineData(1, 2)]
    [InlineData(2, 4)]
    [InlineData(5, 32)]
    [InlineData(6, 60)]
    [InlineData(255, 60)]
    public void HoldFor_Losses_DoublesUpToAMinute(int losses, int seconds) =>
        Assert.Equal(TimeSpan.FromSeconds(seconds), new MembershipTimings().HoldFor(losses));

    [Fact]
    public void SetCarrier_BackAgain_ListensAnew()
    {
        Run(0, 1000);
        membership.SetCarrier(false, Ms(1000));
        Run(1000, 5000);
        membership.SetCarrier(true, Ms(5000));
        Run(5000, 5650);
        Assert.False(membership.View(Ms(5650), []).MayAct);
        Run(5650, 5800);
        Assert.True(membership.View(Ms(5800), []).MayAct);
    }

    [Fact]
    public void View_NodeAliveByLease_CountsUnlessItWasEverHeard()
    {
        SegmentMember[] leases = [Of("n2") with { Source = MemberSource.Lease }, Of("n4") with { Source = MemberSource.Lease }];
        Run(0, 2900);
        Assert.Empty(membership.View(Ms(2900), leases).Peers);
        Assert.False(membership.View(Ms(2900), leases).MayAct);
        Assert.True(membership.View(Ms(2900), []).MayAct);

        // Given three seconds to be heard.
        Run(2900, 3000);
        Assert.Equal(["n2", "n4"], membership.View(Ms(3000), leases).Peers.Select(p => p.Node));
        Assert.True(membership.View(Ms(3000), leases).MayAct);
        membership.Hear(n2.Say(), Ms(3000));
        Run(3000, 4000);
        Assert.Equal(["n4"], membership.View(Ms(4000), leases).Peers.Select(p => p.Node));
    }

    [Fact]
    public void View_PeerThatDoesNotHearUs_SaysSo()
    {
        membership.Hear(n2.Say(), Ms(0));
        Assert.True(membership.Hear(n2.Say(h => h with { HeardBoot = 0 }), Ms(100)).Changed);
        Assert.False(membership.View(Ms(100), []).Peers[0].HearsUs);
    }

    // A peer's claims are waited for: that is no reason to look without a pause.
    [Fact]
    public void NextDeadline_ReadyForLongAndNotSureOfTheClaims_IsNotInThePast()
    {
        Run(0, 1000);
        membership.Hear(n2.Say(h => h with { Flags = SpeakerState.Ready | SpeakerState.Serving, ClaimDigest = 7 }), Ms(1000));
        membership.Advance(Ms(1010));
        Assert.False(membership.View(Ms(1010), []).MayAct);
        Assert.InRange(membership.NextDeadline(Ms(1010)), Ms(1011), Ms(10_000));
    }

    private void Run(int from, int to)
    {
        for (var at = from; at < to; at += 50)
        {
            membership.Advance(Ms(at));
            membership.Checks(Ms(at), new CheckTarget[4]);
        }

        membership.Advance(Ms(to));
    }

    private IEnumerable<string> Alive(double at) => membership.View(Ms(at), []).Peers.Select(p => p.Node);
}
