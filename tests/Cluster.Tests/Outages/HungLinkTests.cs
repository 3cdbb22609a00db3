using LoadBalancer.LocalCluster;
using LoadBalancer.LocalCluster.Isolation;
using LoadBalancer.LocalCluster.Network;
using LoadBalancer.LocalCluster.Probes;

namespace LoadBalancer.Cluster.Tests.Outages;

/// <summary>A speaker whose heartbeats are fine but whose link is deaf and dumb must not keep an address.</summary>
public sealed class HungLinkTests(ClusterFixture fixture, ITestOutputHelper output) : ProgramTest(fixture, output)
{
    // The next in line asks an owner every ten seconds, and three times before it doubts it.
    private static readonly TimeSpan Noticed = TimeSpan.FromSeconds(30);

    [Fact]
    public async Task LinkThreadOfTheOwnerHangs_TheAddressMoves_AndStaysWhenItGoesOn()
    {
        (_, string address, Node owner) = await CreateAnnouncedServiceAsync();
        await using ArpProbe arp = ArpProbe.Start(Cluster.Client, address);
        await Eventually.TrueAsync(() => arp.Answers.Count > 10, Soon, "answers");

        TimeSpan hung;
        using (await FrozenThread.FreezeAsync(Cluster.Programs.Speaker(owner).Id, "link eth0"))
        {
            hung = arp.Now;
            await Eventually.TrueAsync(
                () => arp.Macs(hung).Any(mac => mac != owner.Host.Mac), Noticed, "another that answers", () => Cluster.Programs.Tails());
        }

        TimeSpan taken = arp.Answers.First(answer => answer.Reply && answer.Mac != owner.Host.Mac).At - hung;
        Node now = await OwnerOnWireAsync(address);
        Figure($"link thread of {owner.Name} hung: answered by {now.Name} after {taken.TotalSeconds:0.0} s");
        Assert.NotEqual(owner, now);
        await HoldsForAsync(TimeSpan.FromSeconds(2), () => arp.Macs(arp.Now - TimeSpan.FromMilliseconds(300)).All(mac => mac == now.Host.Mac), $"only {now.Name} answers");
    }
}
