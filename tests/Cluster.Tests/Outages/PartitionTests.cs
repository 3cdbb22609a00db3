using LoadBalancer.LocalCluster;
using LoadBalancer.LocalCluster.Network;
using LoadBalancer.LocalCluster.Probes;
using LoadBalancer.LocalCluster.Programs;

namespace LoadBalancer.Cluster.Tests.Outages;

/// <summary>
/// A network that falls apart has an owner in each part, but for a node that hears nothing at all any more; healed, it has one within a second.
/// The bounds leave room for a busy machine.
/// </summary>
public sealed class PartitionTests(ClusterFixture fixture, ITestOutputHelper output) : ProgramTest(fixture, output)
{
    private readonly Rounds _rounds = new();

    public override async ValueTask DisposeAsync()
    {
        GC.SuppressFinalize(this);
        Cluster.Switch.Join();
        await base.DisposeAsync();
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task TwoHalves_HealedAgain_TheLargerHalfsOwnerWithinASecond(bool ownerAlone)
    {
        for (int round = 0; round < Rounds.Count; round++)
        {
            (_, string address, Node owner) = await CreateAnnouncedServiceAsync();
            Node[] others = [.. Cluster.Nodes.Where(node => node != owner)];
            Node[] far = ownerAlone ? others : [others[0]];
            await using ArpProbe near = ArpProbe.Start(Cluster.Client, address);
            await Eventually.TrueAsync(() => near.Answers.Count > 10, Soon, "answers");
            Switch.Part(far.Select(node => node.Host));

            // A node alone that hears not even the router, which answered a moment ago, knows that it is the one that was cut off; one that
            // never asked the router does not. Either is well.
            Node? taker = ownerAlone
                ? await Eventually.GetAsync(
                    async () => await OwnersAsync(far, address) is [var only] ? only : null, Soon, "one owner in the far half", () => Cluster.Programs.Tails())
                : null;
            TimeSpan parted = near.Now;
            await Eventually.TrueAsync(() => near.Now > parted + TimeSpan.FromSeconds(2), Soon, "two seconds");
            Assert.Equal([owner.Host.Mac], near.Macs());

            Cluster.Switch.Join();
            TimeSpan healed = near.Now;
            await Eventually.TrueAsync(() => near.Now > healed + TimeSpan.FromSeconds(4), Soon, "four seconds");
            Node winner = taker ?? owner;
            TimeSpan settled = LastOfOthers(near, winner, healed);
            _rounds.Add("last answer of the other half", settled);
            Assert.InRange(settled, TimeSpan.Zero, FailedOver);
            Assert.Equal(winner, await OwnerOnWireAsync(address));
        }

        Figure($"two halves, the owner's the {(ownerAlone ? "smaller" : "larger")}, healed: {_rounds}");
    }

    // The hard form of a partition: no node hears any other, every client hears all.
    [Fact]
    public async Task NodesCutOffFromEachOther_HealedAgain_OneOwnerWithinASecond()
    {
        for (int round = 0; round < Rounds.Count; round++)
        {
            (_, string address, _) = await CreateAnnouncedServiceAsync();
            foreach (Node node in Cluster.Nodes)
            {
                node.Host.Isolate(true);
            }

            await using ArpProbe arp = ArpProbe.Start(Cluster.Client, address);
            await Eventually.TrueAsync(() => arp.Macs(arp.Now - TimeSpan.FromMilliseconds(300)).Count > 1, Soon, "a split view", () => Cluster.Programs.Tails());
            foreach (Node node in Cluster.Nodes)
            {
                node.Host.Isolate(false);
            }

            TimeSpan healed = arp.Now;
            await Eventually.TrueAsync(() => arp.Now > healed + TimeSpan.FromSeconds(4), Soon, "four seconds");
            TimeSpan settled = LastOfOthers(arp, await OwnerOnWireAsync(address), healed);
            _rounds.Add("last answer of another", settled);
            Assert.InRange(settled, TimeSpan.Zero, FailedOver);
        }

        Figure($"split view healed: {_rounds}");
    }

    /// <summary>How long after a moment another node than the winner answered for the last time; zero if none did.</summary>
    private static TimeSpan LastOfOthers(ArpProbe probe, Node winner, TimeSpan since) =>
        probe.Answers.Where(answer => answer.IsReply && answer.Mac != winner.Host.Mac && answer.At > since)
            .Select(answer => answer.At - since).DefaultIfEmpty().Max();

    /// <summary>Those of some nodes whose speakers say that they announce an address.</summary>
    private async Task<Node[]> OwnersAsync(IEnumerable<Node> nodes, string address)
    {
        var owners = new List<Node>();
        foreach (Node node in nodes)
        {
            if ((await ClusterPrograms.FiguresAsync(Cluster.Programs.Speaker(node))).Any(line => line.StartsWith("loadbalancer_speaker_vip_owned{", StringComparison.Ordinal)
                && line.Contains($"\"{address}\"", StringComparison.Ordinal) && line.EndsWith(" 1", StringComparison.Ordinal)))
            {
                owners.Add(node);
            }
        }

        return [.. owners];
    }
}
