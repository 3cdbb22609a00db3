using LoadBalancer.Core.Addressing;
using LoadBalancer.Core.Conflicts;

namespace LoadBalancer.Core.Tests.Conflicts;

public sealed class KnownStationsTests
{
    private static readonly MacAddress Mac = MacAddress.Parse("52:54:00:00:00:aa");
    private readonly KnownStations stations = new();

    [Fact]
    public void Mac_OfNobodyKnown_IsAStrangers() => Assert.True(stations.IsStranger(Mac));

    [Fact]
    public void Mac_OfAnyLinkOfThisNode_IsNoStrangers()
    {
        stations.SetOwn([Mac]);
        Assert.False(stations.IsStranger(Mac));
    }

    [Fact]
    public void Peer_NotHeardOf_IsRememberedForTenMinutes()
    {
        stations.SetPeer(Mac, TimeSpan.Zero);
        stations.Advance(TimeSpan.FromMinutes(10));
        Assert.False(stations.IsStranger(Mac));

        stations.Advance(TimeSpan.FromMinutes(10.1));
        Assert.True(stations.IsStranger(Mac));
    }

    [Fact]
    public void All_IsAnotherSet_AfterEachChange_AndTheSameOtherwise()
    {
        var other = MacAddress.Parse("52:54:00:00:00:bb");
        stations.SetOwn([Mac]);
        stations.SetPeer(other, TimeSpan.Zero);
        var before = stations.All;
        Assert.Equal([Mac, other], before.OrderBy(static mac => mac.Value));

        stations.SetOwn([Mac]);
        stations.SetPeer(other, TimeSpan.FromMinutes(1));
        stations.Advance(TimeSpan.FromMinutes(2));
        Assert.Same(before, stations.All);

        stations.Advance(TimeSpan.FromMinutes(12));
        Assert.Equal([Mac], stations.All);
        Assert.Equal(2, before.Count);
    }
}
