using LoadBalancer.Core.Addressing;
using LoadBalancer.Core.Heartbeats;
using LoadBalancer.Core.Ownership;
using LoadBalancer.Core.Tests.Heartbeats;
using static LoadBalancer.Core.Tests.Ownership.Members;

namespace LoadBalancer.Core.Tests.Ownership;

/// <summary>A peer's interface without an address, such as a VLAN that a pool names: its node's kernel is asked for another of its addresses.</summary>
public sealed class AddresslessPeerTests
{
    private static readonly MembershipTimings Timings = new();
    private readonly SegmentMembership membership = new(Timings, new HeartbeatIdentity("n1", "eth1", [], []), 99, TimeSpan.Zero);
    private readonly List<CheckTarget> asks = [];

    [Theory]
    [InlineData("192.168.96.12/20", "192.168.96.12")]
    [InlineData("fd00:96::12/64 192.168.96.12/20", "192.168.96.12")]
    public void SilentSpeaker_WhoseKernelAnswersForAnotherOfItsAddresses_IsAwayNotGone(string others, string asked)
    {
        Hear(others);
        Silence(answers: true);
        Assert.All(asks, ask => Assert.Equal(IpAddress.Parse(asked), ask.Address));
        Assert.True(Assert.Single(membership.View(Ms(600), []).Peers).Away);
        Assert.NotEmpty(asks);
    }

    [Fact]
    public void SilentSpeaker_WhoseKernelDoesNotAnswer_IsGone()
    {
        Hear("192.168.96.12/20");
        Silence(answers: false);
        Assert.NotEmpty(asks);
        Assert.Empty(membership.View(Ms(600), []).Peers);
    }

    [Theory]
    [InlineData("")]
    [InlineData("fd00:96::12/64")]
    public void SilentSpeaker_WithoutAnAddressToAskFor_IsGone(string others)
    {
        Hear(others);
        Silence(answers: true);
        Assert.Empty(asks);
        Assert.Empty(membership.View(Ms(600), []).Peers);
    }

    private void Hear(string others)
    {
        var identity = new HeartbeatIdentity("n2", "eth1", [], [.. others.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(IpPrefix.Parse)]);
        membership.Hear(Frames.Encode(Frames.Header with { Boot = 7, Sequence = 1, HeardBoot = 99, HeardSequence = 1, Flags = SpeakerState.Ready | SpeakerState.Serving }, identity), Ms(0));
    }

    private void Silence(bool answers)
    {
        var targets = new CheckTarget[4];
        for (var at = 50; at <= 600; at += 50)
        {
            membership.Advance(Ms(at));
            foreach (var ask in targets.Take(membership.Checks(Ms(at), targets)).ToList())
            {
                asks.Add(ask);
                if (answers)
                {
                    membership.HearKernel(ask.Mac, ask.Address, Ms(at));
                }
            }
        }
    }
}
