using LoadBalancer.Core.Heartbeats;
using LoadBalancer.Core.Packets;

namespace LoadBalancer.Speaker.Tests.Simulation;

/// <summary>What interfaces do: they shrink, change their hardware address, and take each other's place.</summary>
public sealed class WireScenarios
{
    // Claims of hundreds of VIPs fill frames; the kernel refuses those above its MTU.
    [Fact]
    public void MtuOfOneNodeIs1400_ItsClaimsArriveAllTheSame()
    {
        var cluster = new SimulatedCluster(seed: 1, nodes: 2, vips: 200, mtu: 1400).Settle();
        var requests = 0;
        var keys = new HeartbeatKeys(HeartbeatKey.From(System.Text.Encoding.ASCII.GetBytes(SimulatedCluster.Key)));
        cluster.Wire.Tap = (_, frame) => requests += IsClaimRequest(frame) ? 1 : 0;
        cluster.Run(5000);
        Assert.InRange(requests, 0, 5);
        cluster.OwnerOf(cluster.Vip).KillSpeaker();
        cluster.Run(3000);
        Assert.Equal(0, cluster.Watch.MovesOf(cluster.Vip));

        bool IsClaimRequest(byte[] frame) => HeartbeatDecoder.Decode(frame, default, keys, out var decoded) == HeartbeatRefusal.None
            && decoded.Kind == HeartbeatKind.ClaimRequest;
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void OwnersHardwareAddressChanges_ClientsLearnItAtOnce(int nodes)
    {
        var cluster = new SimulatedCluster(seed: 1, nodes).Settle();
        var owner = cluster.OwnerOf(cluster.Vip);
        owner.Port.Mac = Core.Addressing.MacAddress.Parse("52:54:00:00:09:01");
        owner.LinksChanged();
        cluster.Run(1500);
        Assert.Equal(cluster.OwnerOf(cluster.Vip).Port.Mac, cluster.Client.Cached(cluster.Vip)!.Value.Mac);
        cluster.Run(10_000);
        Assert.Equal(cluster.OwnerOf(cluster.Vip).Port.Mac, cluster.Client.Cached(cluster.Vip)!.Value.Mac);
        Assert.InRange(cluster.Watch.LongestSilence.TotalMilliseconds, 0, 1000);
        Assert.InRange(cluster.Watch.LongestConflict.TotalMilliseconds, 0, 1000);
    }

    // eth0 becomes a port of br0, which has its addresses from then on: what eth0 claimed is not the node's word any more.
    [Theory]
    [InlineData(2)]
    [InlineData(3)]
    public void InterfaceReplacedByAnotherWithTheSameAddress_WhoOwnsLaterAndDies_HasASuccessor(int nodes)
    {
        var cluster = new SimulatedCluster(seed: 1, nodes).Settle();
        var first = cluster.OwnerOf(cluster.Vip);
        first.Port.Name = "br0";
        first.Port.Index += 10;
        first.LinksChanged();
        cluster.Run(5000);
        Assert.Single(cluster.Answers(cluster.Vip));
        if (cluster.OwnerOf(cluster.Vip) == first)
        {
            first.PowerOff();
            cluster.Run(2000);
            first.PowerOn();
            cluster.Run(3000);
        }

        cluster.Watch.Reset();
        cluster.OwnerOf(cluster.Vip).PowerOff();
        cluster.Run(3000);
        Assert.InRange(cluster.Watch.LongestSilence.TotalMilliseconds, 0, 500);
    }

    // Paused with a table full of VIPs, and announcements due: another has them by the time it goes on.
    [Theory]
    [InlineData(2)]
    [InlineData(3)]
    public void SpeakerStoppedWhileAnnouncing_GoesOn_AnnouncesNothingBeforeItMayAnswer(int nodes)
    {
        var cluster = new SimulatedCluster(seed: 1, nodes).Settle();
        var former = cluster.OwnerOf(cluster.Vip);
        former.PowerOff();
        cluster.Run(400);
        var announcing = cluster.OwnerOf(cluster.Vip);
        announcing.Speaker!.Stop();
        cluster.Run(4000);
        var announced = new List<TimeSpan>();
        cluster.Wire.Tap = (port, frame) =>
        {
            if (port == cluster.Client.Ports[0] && ArpPacket.Read(frame, out var packet) == DropReason.None && packet.IsGratuitous
                && packet.EthernetSource == announcing.Port.Mac && !announcing.Speaker!.Answers(cluster.Vip).Any())
            {
                announced.Add(cluster.Now);
            }
        };
        announcing.Speaker.Continue();
        cluster.Run(3000);
        Assert.Empty(announced);
    }

    // The interface goes and comes back: the node was one of three, and is not the larger part while it hears nobody.
    [Fact]
    public void InterfaceRecreatedWhileAlone_TakesNothingFromTheOthers()
    {
        var cluster = new SimulatedCluster(seed: 1, nodes: 3, vips: 3).Settle();
        var alone = cluster.Nodes.First(node => node != cluster.OwnerOf(cluster.Vip));
        alone.Port.Deaf = alone.Port.Mute = true;
        alone.Port.Present = false;
        alone.LinksChanged();
        cluster.Run(1000);
        alone.Port.Present = true;
        alone.Port.Index += 10;
        alone.LinksChanged();
        cluster.Run(5000);
        cluster.Watch.Reset();
        alone.Port.Deaf = alone.Port.Mute = false;
        cluster.Run(5000);
        Assert.All(cluster.Vips, vip => Assert.Equal(0, cluster.Watch.MovesOf(vip)));
    }
}
