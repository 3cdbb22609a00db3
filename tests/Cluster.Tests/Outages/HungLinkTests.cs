using LoadBalancer.LocalCluster;
using LoadBalancer.LocalCluster.Isolation;
using LoadBalancer.LocalCluster.Network;
using LoadBalancer.LocalCluster.Probes;

namespace LoadBalancer.Cluster.Tests.Outages;

/// <summary>A speaker whose link is deaf and dumb, while its other threads go on as if nothing were, is away: another answers for it.</summary>
public sealed class HungLinkTests(ClusterFixture fixture, ITestOutputHelper output) : ProgramTest(fixture, output)
{
    [Fact]
    public async Task LinkThreadOfTheOwnerHangs_AnotherAnswersForIt_UntilItGoesOn()
    {
        (_, string address, Node owner) = await CreateAnnouncedServiceAsync();
        await using LongConnections connections = await LongConnections.OpenAsync(Cluster.Client, address, 10);
        await using ArpProbe arp = ArpProbe.Start(Cluster.Client, address);
        await Eventually.TrueAsync(() => arp.Answers.Count > 10, Soon, "answers");
        TimeSpan before = arp.Now;
        using (await FrozenThread.FreezeAsync(Cluster.Programs.Speaker(owner).Id, "link eth0"))
        {
            TimeSpan hung = arp.Now;
            await Eventually.TrueAsync(() => arp.Now > hung + TimeSpan.FromSeconds(5), Soon, "five seconds");
        }

        await Eventually.TrueAsync(() => arp.Now > before + TimeSpan.FromSeconds(7), Soon, "two more seconds");
        TimeSpan silence = arp.LongestSilence(before);
        Figure($"link thread of {owner.Name} hung for 5 s: longest silence {silence.TotalMilliseconds:0} ms, {connections.Broken} of 10 connections broken; answered: {arp.Story()}");
        Assert.InRange(silence, TimeSpan.Zero, FailedOver);

        Assert.Equal([owner.Host.Mac], arp.Macs());
        Assert.Equal(0, connections.Broken);
    }
}
