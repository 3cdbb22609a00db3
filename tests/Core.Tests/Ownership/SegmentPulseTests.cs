using LoadBalancer.Core.Addressing;
using LoadBalancer.Core.Heartbeats;
using LoadBalancer.Core.Ownership;
using LoadBalancer.Core.Tests.Heartbeats;
using static LoadBalancer.Core.Tests.Ownership.Members;

namespace LoadBalancer.Core.Tests.Ownership;

/// <summary>What a node says, on links that do not take every frame.</summary>
public sealed class SegmentPulseTests
{
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(100);

    private readonly SegmentMembership membership = new(
        new MembershipTimings(), new HeartbeatIdentity("n1", "eth0", [IpPrefix.Parse("192.168.96.11/20")], []), boot: 99, now: default);

    private readonly Talker n2 = new("n2", boot: 1000);
    private readonly List<byte[]> sent = [];
    private readonly SegmentPulse pulse;
    private int longest = int.MaxValue;

    public SegmentPulseTests() => pulse = new SegmentPulse(membership, 99, new SequenceCounter(), 16, default, frame =>
    {
        if (frame.Length > longest)
        {
            return false;
        }

        sent.Add(frame.ToArray());
        return true;
    });

    [Theory]
    [InlineData(1500)]
    [InlineData(1400)]
    [InlineData(576)]
    [InlineData(9000)]
    public void Claims_OfManyVips_FitTheLink(int mtu)
    {
        pulse.Mtu = mtu;
        longest = HeartbeatLayout.EthernetHeader + mtu;
        Claim(300);
        Beat(0);
        Beat(5000);

        Assert.Equal(300, VipsOf(sent).Count);
        Assert.False(membership.HasUnsentClaims);
        Assert.All(sent, frame => Assert.InRange(frame.Length, 0, Math.Min(longest, HeartbeatLayout.MaxFrame)));
    }

    // Peers that are lost one after the other would each be told to all.
    [Fact]
    public void SeveralThingsChangeInAMoment_AllAreToldOfThemTogether_AtOnceWhenItLeaves()
    {
        membership.Hear(n2.Say(), Ms(0));
        Beat(0);
        sent.Clear();
        pulse.TellAll();
        Assert.Equal(Ms(25), Beat(5));
        pulse.TellAll();
        Beat(24);
        Assert.Empty(sent);
        Beat(25);
        Assert.Single(sent);
        pulse.TellAll();
        Beat(30);
        Assert.Single(sent);
        membership.Leaving = true;
        pulse.TellAll();
        Beat(31);
        Assert.Equal([HeartbeatKind.Heartbeat, HeartbeatKind.Hello], sent.Skip(1).Select(static frame => (HeartbeatKind)frame[HeartbeatLayout.EthernetHeader + 5]));
    }

    // The link became smaller, and the pulse is told a moment later; or the queue was full.
    [Fact]
    public void Claims_TheKernelRefused_AreBroadcastAgain()
    {
        longest = 0;
        Claim(3);
        Beat(0);
        Assert.True(membership.HasUnsentClaims);

        longest = int.MaxValue;
        Beat(1000);
        Assert.Equal(3, VipsOf(sent).Count);
        Assert.False(membership.HasUnsentClaims);
    }

    [Fact]
    public void AllClaims_AskedForAgainAndAgain_ComeInShorterFrames_ThenInFullLengthAfterAPause()
    {
        Claim(300);
        Beat(0);
        Assert.Equal(HeartbeatLayout.MaxFrame, Longest(Dump(100)), 30d);
        for (var at = 200; at < 2000; at += 200)
        {
            Dump(at);
        }

        var shortened = Dump(2000);
        Assert.InRange(Longest(shortened), 0, HeartbeatLayout.EthernetHeader + 512);
        Assert.Equal(300, VipsOf(shortened).Count);

        Assert.Equal(HeartbeatLayout.MaxFrame, Longest(Dump(30_000)), 30d);
    }

    // The peer claims what never arrives here.
    [Fact]
    public void Request_ThatBringsNothing_IsRepeatedLessAndLess()
    {
        var requests = 0;
        for (var at = 0; at < 60_000; at += 50)
        {
            if (at % 100 == 0)
            {
                membership.Hear(n2.Say(h => h with { ClaimDigest = 5, Flags = SpeakerState.Ready | SpeakerState.Serving }), Ms(at));
            }

            membership.Advance(Ms(at));
            while (membership.TakeRequest(Ms(at)) is not null)
            {
                requests++;
            }
        }

        Assert.InRange(requests, 8, 24);
    }

    [Fact]
    public void Identity_WithMorePrefixesThanTheLinkTakes_LeavesOutThoseOfOtherLinks()
    {
        IpPrefix[] prefixes = [.. Enumerable.Range(1, 24).Select(i => IpPrefix.Parse($"fd00:96::{i}/64"))];
        var identity = new HeartbeatIdentity("n1", "eth0", prefixes[..20], prefixes, longest: 576);
        var frame = Frames.Encode(identity: identity);

        Assert.InRange(frame.Length, 500, HeartbeatLayout.EthernetHeader + 576);
        Assert.Equal(prefixes[..20], identity.Prefixes);
        Assert.Equal(prefixes[..identity.OtherPrefixes.Count], identity.OtherPrefixes);
    }

    private void Claim(int vips)
    {
        for (var i = 0; i < vips; i++)
        {
            membership.Claim(new Claim(IpAddress.Parse("192.168.100.0").Add((UInt128)i), "n1", 3, ClaimKind.Owner));
        }
    }

    // When the next is due.
    private TimeSpan Beat(int at)
    {
        membership.Advance(Ms(at));
        var next = pulse.Collect(Ms(at), Frames.Own, Interval);
        if (!pulse.Send(Frames.Key))
        {
            pulse.TakeBack();
        }

        return next;
    }

    private List<byte[]> Dump(int at)
    {
        membership.Hear(n2.Say(), Ms(at));
        membership.Hear(n2.Say(h => h with { Kind = HeartbeatKind.ClaimRequest }), Ms(at));
        sent.Clear();
        Beat(at);
        return [.. sent];
    }

    private static int Longest(List<byte[]> frames) => frames.Max(frame => frame.Length);
}
