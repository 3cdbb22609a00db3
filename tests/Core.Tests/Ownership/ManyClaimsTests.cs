using LoadBalancer.Core.Addressing;
using LoadBalancer.Core.Heartbeats;
using LoadBalancer.Core.Ownership;
using LoadBalancer.Core.Tests.Heartbeats;
using static LoadBalancer.Core.Tests.Ownership.Members;

namespace LoadBalancer.Core.Tests.Ownership;

/// <summary>More claims than a node broadcasts at once, and than arrive at once.</summary>
public sealed class ManyClaimsTests
{
    private const int Thousands = 3000;

    private readonly SegmentMembership membership = ReadyNode();
    private readonly Talker n2 = new("n2", boot: 1000);
    private readonly List<byte[]> sent = [];
    private readonly SegmentPulse pulse;

    public ManyClaimsTests() => pulse = new SegmentPulse(membership, 99, new SequenceCounter(), 16, default, frame =>
    {
        sent.Add(frame.ToArray());
        return true;
    });

    [Fact]
    public void WhoAsks_IsToldAlsoWhatWasNotBroadcastYet()
    {
        ClaimThousands();
        Beat(0);
        Assert.InRange(VipsOf(sent).Count, 1, Thousands - 1);
        sent.Clear();
        membership.Hear(n2.Say(), Ms(10));
        membership.Hear(n2.Say(h => h with { Kind = HeartbeatKind.ClaimRequest }), Ms(10));
        Beat(10);
        Assert.Equal(Thousands, VipsOf(sent.Where(static frame => MacAddress.Read(frame) != MacAddress.Broadcast)).Count);
    }

    [Fact]
    public void MoreIsToBeBroadcast_EachFrameSaysSo_UntilTheLastOfThem()
    {
        ClaimThousands();
        for (var at = 0; at < 2000; at += 50)
        {
            Beat(at);
        }

        var said = sent.ConvertAll(static frame => Heard(frame));
        var last = said.FindLastIndex(static message => message.Kind == HeartbeatKind.Claims);
        Assert.InRange(last, 20, said.Count - 2);
        Assert.All(said[..last], static message => Assert.True(message.Tells));
        Assert.All(said[last..], static message => Assert.False(message.Tells));
    }

    [Fact]
    public void PeerGoesOnTelling_WhoServesWaits()
    {
        Run(0, 700);
        membership.Serving = true;
        Assert.False(membership.Hear(Telling(), Ms(710)).AnswerNow && membership.TakeRequest(Ms(710)) is not null);
        Run(710, 720);
        Assert.Null(membership.TakeRequest(Ms(720)));
        Assert.True(membership.View(Ms(720), []).MayServe);
        membership.Hear(Telling(HeartbeatMarks.None), Ms(730));
        Assert.NotNull(membership.TakeRequest(Ms(730)));
    }

    [Fact]
    public void PeerGoesOnTelling_WhoDoesNotServeYetAsks_AndWaitsForAll()
    {
        Run(0, 700);
        membership.Hear(Telling(), Ms(710));
        Run(710, 720);
        Assert.NotNull(membership.TakeRequest(Ms(720)));
        Assert.False(membership.View(Ms(720), []).MayServe);
    }

    // Of thirty frames some are lost each time: what one sending lacks another has.
    [Fact]
    public void FramesOfAllClaimsAreLost_TwoSendingsMakeItWhole()
    {
        var claims = Enumerable.Range(0, Thousands).Select(static i => new Claim(VipOf(i), "n2", 3, ClaimKind.Owner)).ToList();
        var all = new ClaimSet();
        claims.ForEach(claim => all.Set(claim));
        var known = new PeerClaims { Digest = all.Digest };
        var stale = new Claim(VipOf(Thousands), "n2", 3, ClaimKind.Owner);
        known.Known.Set(stale);
        foreach (var lost in (int[])[5, 7])
        {
            var chunks = claims.Chunk(80).ToList();
            for (var i = 0; i < chunks.Count; i++)
            {
                n2.Header = n2.Header with { ClaimDigest = all.Digest };
                var frame = n2.Claims(chunks[i], i == 0 ? ClaimCodec.First : i == chunks.Count - 1 ? ClaimCodec.Last : (byte)0);
                if (i != lost)
                {
                    Take(known, frame);
                }
            }

            Assert.Equal(lost == 5 ? stale : null, known.Known[stale.Vip]);
        }

        Assert.True(known.AreKnown);
    }

    // The last frame of all claims is lost, so that more of them is waited for; meanwhile the peer stands in for another and stops, which is not heard.
    [Fact]
    public void WhatIsBroadcastWhileAllClaimsAreOnTheirWay_IsNoneOfThem_TheNextSendingEndsWhatWasReleasedUnheard()
    {
        Claim[] own = [Owned(0), Owned(1)];
        var deputys = new Claim(VipOf(2), "n3", 3, ClaimKind.Deputy);
        var known = new PeerClaims { Digest = DigestOf(own) };
        Take(known, Telling(own[..1], ClaimCodec.First, of: own));
        Take(known, Telling(own[1..], flags: 0, of: own));
        Assert.True(known.AreKnown);
        Take(known, Telling([deputys], flags: 0, of: [.. own, deputys]));
        Assert.Equal(deputys, known.Known[deputys.Vip]);
        Take(known, Telling(own[..1], ClaimCodec.First, of: own));
        Take(known, Telling(own[1..], ClaimCodec.Last, of: own));
        Assert.Null(known.Known[deputys.Vip]);
        Assert.True(known.AreKnown);
    }

    // It was told to be released by a frame of that digest; later it is claimed again, and the second release is not heard.
    [Fact]
    public void ReleasedWhileAllClaimsAreOnTheirWay_IsNoneOfThem()
    {
        Claim[] own = [Owned(0), Owned(1)];
        var further = Owned(2);
        var known = new PeerClaims { Digest = DigestOf(own) };
        Take(known, Telling(own[..1], ClaimCodec.First, of: own));
        Take(known, Telling([further with { Kind = ClaimKind.Released }], flags: 0, of: own));
        Take(known, Telling([further], flags: 0, of: [.. own, further]));
        Take(known, Telling(own[..1], ClaimCodec.First, of: own));
        Take(known, Telling(own[1..], ClaimCodec.Last, of: own));
        Assert.Null(known.Known[further.Vip]);
        Assert.True(known.AreKnown);
    }

    private static Claim Owned(int number) => new(VipOf(number), "n2", 3, ClaimKind.Owner);

    private static ulong DigestOf(IEnumerable<Claim> claims)
    {
        var all = new ClaimSet();
        foreach (var claim in claims)
        {
            all.Set(claim);
        }

        return all.Digest;
    }

    private byte[] Telling(Claim[] claims, byte flags, Claim[] of)
    {
        n2.Header = n2.Header with { ClaimDigest = DigestOf(of) };
        return n2.Claims(claims, flags);
    }

    private static IpAddress VipOf(int number) => IpAddress.Parse("192.168.97.0").Add((UInt128)number);

    private void ClaimThousands()
    {
        for (var i = 0; i < Thousands; i++)
        {
            membership.Claim(new Claim(VipOf(i), "n1", 3, ClaimKind.Owner));
        }
    }

    private byte[] Telling(HeartbeatMarks marks = HeartbeatMarks.Tells) =>
        n2.Say(h => h with { Kind = HeartbeatKind.Heartbeat, Flags = SpeakerState.Ready | SpeakerState.Serving, ClaimDigest = 7, Marks = marks });

    private void Run(int from, int to)
    {
        for (var at = from; at <= to; at += 10)
        {
            membership.Advance(Ms(at));
        }
    }

    private void Beat(int at)
    {
        membership.Advance(Ms(at));
        pulse.Collect(Ms(at), Frames.Own, TimeSpan.FromMilliseconds(100));
        pulse.Send(Frames.Key);
    }

    private static void Take(PeerClaims claims, byte[] bytes)
    {
        Assert.Equal(HeartbeatRefusal.None, HeartbeatDecoder.Decode(bytes, Frames.Own, Frames.Keys, out var frame));
        claims.Take(frame, new Peer(frame, 0), "n1"u8, "n1", new ClaimChanges());
    }

    private static (HeartbeatKind Kind, bool Tells) Heard(byte[] bytes)
    {
        Assert.Equal(HeartbeatRefusal.None, HeartbeatDecoder.Decode(bytes, MacAddress.Read(bytes), Frames.Keys, out var frame));
        return (frame.Kind, (frame.Marks & HeartbeatMarks.Tells) != 0);
    }
}
