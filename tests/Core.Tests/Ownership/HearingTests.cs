using LoadBalancer.Core.Addressing;
using LoadBalancer.Core.Heartbeats;
using LoadBalancer.Core.Ownership;
using static LoadBalancer.Core.Tests.Ownership.Members;

namespace LoadBalancer.Core.Tests.Ownership;

/// <summary>Who hears: what this node makes of a silence, and of peers that speak and do not hear.</summary>
public sealed class HearingTests
{
    private static readonly MacAddress RouterMac = MacAddress.Parse("52:54:00:00:00:fe");
    private static readonly IpAddress Router = IpAddress.Parse("192.168.96.1");
    private static readonly MacAddress Kernel = MacAddress.Parse("52:54:00:00:00:02");
    private static readonly IpAddress KernelAddress = IpAddress.Parse("192.168.96.12");

    private readonly SegmentMembership membership = ReadyNode();

    private readonly Talker n2 = new("n2", boot: 1000);
    private readonly Talker n3 = new("n3", boot: 2000);
    private readonly List<CheckTarget> asked = [];
    private ulong sent;
    private ulong? heard;
    private bool routerAnswers = true;
    private bool kernelAnswers;

    [Fact]
    public void AllPeersFallSilent_TheWitnessAnswers_ThisNodeHearsAndActs()
    {
        Company(until: 6010);
        Run(6010, 6500);
        Assert.True(View(6500).MayAct);
        Assert.Equal(SpeakerState.None, membership.StateAt(Ms(6500)) & SpeakerState.HearsNothing);
        Assert.Empty(View(6500).Peers);
    }

    [Fact]
    public void AllPeersFallSilent_AndTheWitnessToo_TakesNothingAndStandsDownAfterHalfASecond()
    {
        Company(until: 6010);
        routerAnswers = false;
        Run(6010, 6270);
        Assert.Equal(SpeakerState.HearsNothing, membership.StateAt(Ms(6270)) & SpeakerState.HearsNothing);
        Assert.False(View(6270).MayAct);
        Assert.True(View(6270).MayServe);
        Run(6280, 6480);
        Assert.False(View(6480).StandsDown);
        Run(6490, 6510);
        Assert.True(View(6510).StandsDown);
        Assert.False(membership.Fenced);
    }

    // What one peer said last is a heartbeat older than what the other did: it is lost while the question to the witness is under way.
    [Fact]
    public void ThisNodeGoesDeaf_APeerIsLostBeforeTheWitnessIsMissed_TakesNothing()
    {
        for (var at = 0; at <= 6000; at += 10)
        {
            if (at % 100 == 0 && at < 6000)
            {
                membership.Hear(n3.Say(h => h with { HeardSequence = sent }), Ms(at), sent);
            }

            Company(at, at + 10);
        }

        routerAnswers = false;
        for (var at = 6010; at < 8000; at += 10)
        {
            Step(at);
            Assert.True(View(at).Peers.Count == 2 || !View(at).MayAct, $"may act at {at} ms");
        }

        Assert.Empty(View(8000).Peers);
    }

    // The frame that is counted is the one that was heard already.
    [Fact]
    public void ArrivalIsCountedAtTheNextLook_IsNotTakenForAnotherThatCameJustNow()
    {
        Company(until: 6010);
        routerAnswers = false;
        membership.Hear(n2.Say(h => h with { HeardSequence = sent }), Ms(6001), sent);
        membership.Advance(Ms(6100), arrivals: 1);
        membership.Advance(Ms(6200), arrivals: 1);
        Assert.True(View(6200).MayAct);
        membership.Advance(Ms(6201), arrivals: 1);
        Assert.False(View(6201).MayAct);
    }

    // Two nodes and nobody else on the wire: the one that is left must answer.
    [Fact]
    public void AllPeersFallSilent_AndNobodyEverWasAWitness_Acts()
    {
        routerAnswers = false;
        Company(until: 6010);
        Run(6010, 6800);
        Assert.True(View(6800).MayAct);
        Assert.False(View(6800).StandsDown);
    }

    [Fact]
    public void WitnessSilentForLong_IsNotMissed()
    {
        Company(until: 6010);
        routerAnswers = false;
        Company(from: 6010, until: 30_010);
        Run(30_010, 30_800);
        Assert.True(View(30_800).MayAct);
        Assert.False(View(30_800).StandsDown);
    }

    // A gateway that is restarted while no peer was there for long says nothing.
    [Fact]
    public void WitnessFallsSilent_LongAfterThePeersDid_NothingHappens()
    {
        Company(until: 6010);
        Run(6010, 20_000);
        routerAnswers = false;
        Run(20_000, 40_000);
        Assert.True(View(40_000).MayAct);
        Assert.False(View(40_000).StandsDown);
    }

    [Fact]
    public void StandsDown_AnyFrameComesIn_ListensAndThenActsAgain()
    {
        Company(until: 6010);
        routerAnswers = false;
        Run(6010, 8000);
        membership.NoteArrival(Ms(8000));
        routerAnswers = true;
        Run(8000, 8340);
        Assert.True(View(8340).StandsDown);
        Assert.True(membership.Fenced);
        Assert.False(View(8340).MayServe);
        Run(8350, 8500);
        Assert.False(View(8500).StandsDown);
        Assert.True(View(8500).MayAct);
    }

    // It is heard again for a moment, as a frame that a switch flooded: the witness is missed as before.
    [Fact]
    public void StandsDown_OneFrameAndThenNothing_GoesOnStandingDown()
    {
        Company(until: 6010);
        routerAnswers = false;
        Run(6010, 6590);
        Assert.True(View(6590).StandsDown);
        membership.NoteArrival(Ms(6595));
        for (var at = 6600; at < 8000; at += 10)
        {
            Step(at);
            Assert.True(View(at).StandsDown && membership.Fenced, $"does not stand down any more at {at} ms");
        }
    }

    // A port that was dead for a third of a second: what the peer said meanwhile was lost on the way, and so were the questions to its kernel.
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void LinkHearsAgain_JustBeforeThePeerWouldBeLost_ItIsGivenTheTimeToBeHeard(bool wasDeaf)
    {
        Company(until: 6010);
        routerAnswers = !wasDeaf;
        Run(6010, 6320);
        membership.NoteArrival(Ms(6325));
        Run(6330, 6440);
        Assert.Equal(wasDeaf ? 1 : 0, View(6440).Peers.Count);
        Run(6450, 6700);
        Assert.Empty(View(6700).Peers);
    }

    // A telephone that was a witness and is switched off; the router is there, and nobody else says anything.
    [Fact]
    public void WitnessAskedInTurnIsGone_AnotherAnswers_NeverSaysItHearsNothing()
    {
        membership.HearHost(MacAddress.Parse("52:54:00:00:00:77"), IpAddress.Parse("192.168.96.77"), Ms(0));
        Company(until: 6010);
        for (var at = 6010; at < 40_000; at += 10)
        {
            Step(at);
            Assert.Equal(SpeakerState.None, membership.StateAt(Ms(at)) & SpeakerState.HearsNothing);
        }
    }

    [Fact]
    public void AllWitnessesAreGone_LongAfterThePeers_SaysItHearsNothing()
    {
        Company(until: 6010);
        Run(6010, 20_000);
        routerAnswers = false;
        asked.Clear();
        Run(20_000, 40_000);
        Assert.Equal(SpeakerState.HearsNothing, membership.StateAt(Ms(40_000)) & SpeakerState.HearsNothing);
        Assert.InRange(asked.Count, 4, 9);
    }

    // Hosts that ask each other now and then show that the link hears, whoever does not answer.
    [Fact]
    public void PeersAndTheWitnessFallSilent_OthersAreHeard_Acts()
    {
        Company(until: 6010);
        routerAnswers = false;
        for (var at = 6010; at < 7500; at += 10)
        {
            if (at % 150 == 0)
            {
                membership.NoteArrival(Ms(at));
            }

            Step(at);
            Assert.True(at < 6500 || View(at).MayAct, $"may not act at {at} ms");
        }
    }

    // The gateway dies together with the peer; somebody else is heard for a while, and then nobody.
    [Fact]
    public void TheLastThatWasHeardFallsSilent_LongAfterThePeers_ActsAndStandsNotDown()
    {
        Company(until: 6010);
        routerAnswers = false;
        for (var at = 6010; at < 9500; at += 10)
        {
            if (at % 100 == 0 && at < 8000)
            {
                membership.NoteArrival(Ms(at));
            }

            Step(at);
            Assert.True(at < 6500 || View(at).MayAct, $"may not act at {at} ms");
            Assert.False(View(at).StandsDown);
        }
    }

    // A host that answers before its speaker is started is a witness until then. When it dies, nobody is left to be missed.
    [Fact]
    public void TheOnlyWitnessTurnedOutToBeThePeer_ThePeerDies_Acts()
    {
        membership.HearHost(Kernel, KernelAddress, Ms(0));
        membership.Hear(n3.Say(h => h with { Source = MacAddress.Parse("52:54:00:00:00:03") }), Ms(0));
        var targets = new CheckTarget[8];
        Assert.Equal(1, membership.Checks(Ms(0), targets));
        membership.HearKernel(Kernel, KernelAddress, Ms(1));
        for (var at = 10; at <= 3000; at += 10)
        {
            if (at is < 2000 && at % 100 == 0)
            {
                membership.Hear(n2.Say(h => h with { HeardSequence = sent + 1 }), Ms(at), sent);
            }

            Step(at);
            Assert.False(View(at).StandsDown);
        }

        Assert.True(View(3000).MayAct);
    }

    // Company that is there shows what it claims by itself: nothing has to be listened for.
    [Fact]
    public void FramesWaitedUnread_PeersAreAlive_ServesOn()
    {
        Company(until: 6010);
        for (var at = 6010; at < 6300; at += 10)
        {
            membership.Advance(Ms(at), behind: true);
        }

        membership.NoteArrival(Ms(6300));
        membership.Hear(n2.Say(h => h with { HeardSequence = sent }), Ms(6300), sent);
        Run(6310, 6320);
        Assert.True(View(6320).MayServe);
    }

    // It answered when it was last asked, of which its own word is older than the fault.
    [Fact]
    public void PeerGoesDeafRightAfterItsKernelAnswered_TheAnswerFromBeforeItsFreshEchoDoesNotCount()
    {
        kernelAnswers = true;
        Company(until: 6010);
        Deafened(true, true, from: 6010, until: 6400);
        Assert.Equal(0u, membership.Suspects);
        kernelAnswers = false;
        membership.Hear(n2.Say(h => h with { HeardSequence = sent }), Ms(6396), sent);
        heard = sent;
        Deafened(true, true, from: 6400, until: 6710);
        Assert.Equal(Bit("n2"), membership.Suspects);
    }

    [Fact]
    public void FramesArriveThatNobodyReads_TakesNothingButStandsNotDown()
    {
        Company(until: 6010);
        routerAnswers = false;
        for (var at = 6010; at < 9000; at += 10)
        {
            membership.Advance(Ms(at), behind: true);
        }

        Assert.False(View(9000).MayAct);
        Assert.False(View(9000).StandsDown);
        Assert.Equal(SpeakerState.HearsNothing, membership.StateAt(Ms(9000)) & SpeakerState.HearsNothing);
    }

    [Theory]
    [InlineData(true, true, true, true)]
    [InlineData(false, true, true, false)] // it does not say so
    [InlineData(true, false, true, false)] // its echo is fresh
    [InlineData(true, true, false, false)] // its kernel answers: its speaker is deaf, it is not
    public void PeerSaysItHearsNothing_WithAStaleEchoAndASilentKernel_IsDeaf(bool says, bool stale, bool silent, bool deaf)
    {
        kernelAnswers = !silent;
        Company(until: 6010);
        Deafened(says, stale, from: 6010, until: 6700);
        var peer = Assert.Single(View(6700).Peers);
        Assert.Equal(deaf, peer.Deaf);
        Assert.Equal(says && stale && !silent, peer.Away);
        Assert.Equal(deaf ? Bit("n2") : 0, membership.Suspects);
    }

    // It has shown which of the two does not hear.
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void PeerLooksDeaf_ForLong_TheWitnessIsAskedNoMoreThanUsual(bool answers)
    {
        Company(until: 6010);
        routerAnswers = answers;
        Deafened(true, true, from: 6010, until: 7010);
        asked.Clear();
        Deafened(true, true, from: 7010, until: 12_010);
        Assert.InRange(asked.Count(static target => target.Address == Router), 1, 6);
    }

    // Nodes that start are soon known to be peers; until then each is a host that was not met before.
    [Fact]
    public void ManyHostsAreMetAtOnce_AWitnessIsAskedAgainAfterAMoment()
    {
        membership.Hear(n2.Say(), Ms(0));
        for (var at = 0; at < 60; at += 10)
        {
            membership.HearHost(MacAddress.Parse($"52:54:00:00:01:0{at / 10}"), IpAddress.Parse($"192.168.96.1{at / 10}"), Ms(at));
            Step(at);
            Assert.Equal(at == 0 ? 1 : 0, asked.Count(target => target.Address != KernelAddress));
            asked.Clear();
        }

        Step(60);
        Assert.Single(asked, target => target.Address != KernelAddress);
    }

    // It had no time yet to hear this node, and to say so.
    [Fact]
    public void PeerIsMet_DoesNotHearThisNodeYet_ItsKernelIsAskedAfterTwoHeartbeats()
    {
        for (var at = 0; at < 400; at += 10)
        {
            if (at % 100 == 0)
            {
                membership.Hear(n2.Say(h => at == 0 ? h : h with { HeardBoot = 0, HeardSequence = 0 }), Ms(at), sent);
            }

            Step(at);
            Assert.Equal(at >= 200, asked.Exists(static target => target.Address == KernelAddress));
        }
    }

    // Perhaps it is this node that cannot be heard.
    [Fact]
    public void PeerLooksDeaf_NobodyAgrees_IsNotDeafButSuspected()
    {
        Company(until: 6010);
        routerAnswers = false;
        Deafened(true, true, from: 6010, until: 6700);
        Assert.False(Assert.Single(View(6700).Peers).Deaf);
        Assert.Equal(Bit("n2"), membership.Suspects);
    }

    // A port that was dead both ways for a moment: the first frame after it says so, and the kernel was asked in vain for as long as it was.
    [Fact]
    public void PeerSaysItHearsNothing_RightAfterASilence_IsNotDeafByTheQuestionsOfThatTime()
    {
        Company(until: 6010);
        heard = sent - 1;
        Run(6010, 6320);
        membership.Hear(n2.Say(h => h with { HeardSequence = heard.Value, Flags = h.Flags | SpeakerState.HearsNothing | SpeakerState.Serving }), Ms(6325), sent);
        for (var at = 6330; at <= 6420; at += 10)
        {
            Step(at);
            Assert.False(Assert.Single(View(at).Peers).Deaf);
            Assert.Equal(0u, membership.Suspects);
        }

        Deafened(true, true, from: 6430, until: 6800);
        Assert.True(Assert.Single(View(6800).Peers).Deaf);
    }

    [Fact]
    public void PeerLooksDeaf_AnotherPeerAgrees_IsDeafAndDoesNotCountForTheMajority()
    {
        routerAnswers = false;
        Company(until: 6010);
        Deafened(true, true, from: 6010, until: 6700, n3Suspects: Bit("n2"));
        var view = View(6700);
        Assert.True(view.Peers.Single(peer => peer.Node == "n2").Deaf);
        Assert.False(view.Peers.Single(peer => peer.Node == "n3").Deaf);
        Assert.True(view.Majority);
    }

    // It hears nobody and looks for many in turn, or its frames get lost: it is given up, and its kernel answers.
    [Fact]
    public void PeerThatHearsNothing_IsHeardTooSeldom_IsAwayAndYieldsBlindly()
    {
        kernelAnswers = true;
        Company(until: 6010);
        for (var at = 6010; at < 9000; at += 10)
        {
            if (at % 450 == 0)
            {
                membership.Hear(n2.Say(h => h with { HeardBoot = 0, HeardSequence = 0, Flags = h.Flags | SpeakerState.HearsNothing | SpeakerState.Serving }), Ms(at), sent);
            }

            Step(at);
            Assert.True(at < 7000 || View(at).Peers is [{ Away: true, YieldsBlindly: true }], $"yields at {at} ms");
        }
    }

    [Fact]
    public void DeafPeer_HearsAgain_IsFitAtOnce()
    {
        Company(until: 6010);
        Deafened(true, true, from: 6010, until: 6700);
        Assert.True(membership.Hear(n2.Say(h => h with { HeardSequence = sent }), Ms(6701), sent).Changed);
        Assert.False(Assert.Single(View(6701).Peers).Deaf);
        Assert.Equal(0u, Advanced(6710).Suspects);
    }

    // A path between two nodes that passes one way only must not cost an ARP request every 60 ms for as long as it lasts.
    [Fact]
    public void PeerWithAStaleEcho_ForLong_IsAskedTwiceASecond()
    {
        Company(until: 6010);
        Deafened(false, true, from: 6010, until: 8000);
        asked.Clear();
        Deafened(false, true, from: 8000, until: 12_000);
        Assert.InRange(asked.Count(target => target.Address == KernelAddress), 7, 9);
    }

    [Fact]
    public void AllIsWell_AWitnessIsAskedEveryFiveSeconds()
    {
        Company(until: 6010);
        asked.Clear();
        Company(from: 6010, until: 36_000);
        Assert.Equal(6, asked.Count);
        Assert.All(asked, target => Assert.Equal((RouterMac, Router, false), (target.Mac, target.Address, target.Broadcast)));
    }

    [Fact]
    public void Router_NotMetYet_IsAskedForByBroadcast()
    {
        membership.Gateways = [Router, IpAddress.Parse("10.0.0.1")];
        membership.Hear(n2.Say(), Ms(0));
        var targets = new CheckTarget[8];
        Assert.Equal(1, membership.Checks(Ms(1), targets));
        Assert.Equal(new CheckTarget(MacAddress.Broadcast, Router, Broadcast: true), targets[0]);
    }

    // Where nodes route each other's pods, each has all others as gateways: that would be a broadcast from each node for each other.
    [Fact]
    public void GatewayIsAPeer_IsNotAskedForByBroadcast()
    {
        membership.Gateways = [KernelAddress];
        membership.Hear(n2.Say(), Ms(0));
        Assert.Equal(0, membership.Checks(Ms(1), new CheckTarget[8]));
    }

    private static uint Bit(string node)
    {
        var hash = System.Security.Cryptography.SHA256.HashData(System.Text.Encoding.ASCII.GetBytes(node));
        return 1u << (int)(System.Buffers.Binary.BinaryPrimitives.ReadUInt64BigEndian(hash) % 24);
    }

    // n2 speaks and hears, the router has been met.
    private void Company(int from = 0, int until = 0)
    {
        for (var at = from; at < until; at += 10)
        {
            if (at == 0)
            {
                membership.HearHost(RouterMac, Router, Ms(0));
            }

            if (at % 100 == 0)
            {
                membership.Hear(n2.Say(h => h with { HeardSequence = sent }), Ms(at), sent);
            }

            Step(at);
        }
    }

    private void Deafened(bool says, bool stale, int from, int until, uint? n3Suspects = null)
    {
        heard ??= sent;
        for (var at = from; at < until; at += 10)
        {
            if (at % 100 == 0)
            {
                membership.Hear(n2.Say(h => h with
                {
                    HeardSequence = stale ? heard.Value : sent,
                    Flags = h.Flags | (says ? SpeakerState.HearsNothing : 0) | SpeakerState.Serving,
                }), Ms(at), sent);
            }

            if (n3Suspects is { } suspects && at % 100 == 0)
            {
                membership.Hear(n3.Say(h => h with { HeardSequence = sent, Suspects = suspects }), Ms(at), sent);
            }

            Step(at);
        }
    }

    private void Run(int from, int to)
    {
        for (var at = from; at <= to; at += 10)
        {
            Step(at);
        }
    }

    private void Step(int at)
    {
        membership.Advance(Ms(at));
        if (at % 100 == 0)
        {
            membership.MarkHeartbeats(sent, Ms(at));
            sent++;
        }

        var targets = new CheckTarget[8];
        var count = membership.Checks(Ms(at), targets);
        for (var i = 0; i < count; i++)
        {
            asked.Add(targets[i]);
            if (targets[i].Address == Router && routerAnswers)
            {
                membership.HearKernel(RouterMac, Router, Ms(at + 1));
            }
            else if (targets[i].Address == KernelAddress && kernelAnswers)
            {
                membership.HearKernel(Kernel, KernelAddress, Ms(at + 1));
            }
        }
    }

    private SegmentMembership Advanced(int at)
    {
        membership.Advance(Ms(at));
        return membership;
    }

    private SegmentView View(double at) => membership.View(Ms(at), []);
}
