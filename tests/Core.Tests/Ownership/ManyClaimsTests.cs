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
        Assert.InRange(Claimed(sent).Count, 1, Thousands - 1);
        sent.Clear();
        membership.Hear(n2.Say(), Ms(10));
        membership.Hear(n2.Say(h => h with { Kind = HeartbeatKind.ClaimRequest }), Ms(10));
        Beat(10);
        Assert.Equal(Thousands, Claimed(sent.Where(static frame => MacAddress.Read(frame) != MacAddress.Broadcast)).Count);
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

    private static HashSet<IpAddress> Claimed(IEnumerable<byte[]> frames)
    {
        HashSet<IpAddress> vips = [];
        foreach (var bytes in frames)
        {
            Assert.Equal(HeartbeatRefusal.None, HeartbeatDecoder.Decode(bytes, MacAddress.Read(bytes), Frames.Keys, out var frame));
            if (frame.Kind == HeartbeatKind.Claims)
            {
                foreach (var claim in frame.Claims.Read("n1"))
                {
                    vips.Add(claim.Vip);
                }
            }
        }

        return vips;
    }
}
