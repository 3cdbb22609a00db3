using LoadBalancer.Core.Addressing;
using LoadBalancer.Core.Conflicts;

namespace LoadBalancer.Core.Tests.Conflicts;

public sealed class KnownStationsTests
{
    private static readonly MacAddress Mac = MacAddress.Parse("52:54:00:00:00:aa");
    private readonly KnownStations stations = new();

    [Fact]
    public void Mac_OfNobodyKnown_IsAStrangers() => Assert.Equal(StationKind.Stranger, stations.Judge(Mac, out _));

    [Fact]
    public void Mac_OfAnyLinkOfThisNode_IsOwn_EvenIfAPeerWasSaidToHaveIt()
    {
        stations.SetPeer(Mac, "n2", TimeSpan.Zero);
        stations.SetOwn([Mac]);
        Assert.Equal(StationKind.Own, stations.Judge(Mac, out _));
    }

    [Fact]
    public void Peer_NotHeardOf_IsRememberedForTenMinutes()
    {
        stations.SetPeer(Mac, "n2", TimeSpan.Zero);
        stations.Advance(TimeSpan.FromMinutes(10));
        Assert.Equal(StationKind.Peer, stations.Judge(Mac, out var node));
        Assert.Equal("n2", node);

        stations.Advance(TimeSpan.FromMinutes(10.1));
        Assert.Equal(StationKind.Stranger, stations.Judge(Mac, out _));
    }
}
