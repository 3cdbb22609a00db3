using LoadBalancer.LocalCluster;
using LoadBalancer.LocalCluster.Network;
using LoadBalancer.LocalCluster.Probes;
using LoadBalancer.LocalCluster.Programs;

namespace LoadBalancer.Cluster.Tests.Announcing;

public sealed class FailoverTests(ClusterFixture fixture, ITestOutputHelper output) : ProgramTest(fixture, output)
{
    [Fact]
    public async Task ThreeSpeakersOneVip_OneMacAnswers_AndTheEventNamesItsNode()
    {
        (string name, string address, Node owner) = await CreateAnnouncedServiceAsync();

        await using ArpProbe probe = ArpProbe.Start(Cluster.Client, address);
        await Eventually.TrueAsync(() => probe.Now > TimeSpan.FromSeconds(1), Soon, "a second");
        Assert.Equal([owner.Host.Mac], probe.Macs());
        Node? named = await Eventually.GetAsync(() => NodeInEventAsync(name), Soon, "an Event nodeAssigned");
        Assert.Equal(owner.Name, named.Name);
        Figure($"{address}: {probe.Answers.Count} answers in 1 s, all by {owner.Name}");
    }

    [Fact]
    public async Task OwnersCablePulled_FirstConnectElsewhere() =>
        await LoseNodeAsync(owner => owner.Host.Unplug(), "cable pulled");

    [Fact]
    public async Task OwnersSwitchPortDead_FirstConnectElsewhere() =>
        await LoseNodeAsync(owner => owner.Host.Block(), "switch port dead");

    [Fact]
    public async Task OwnersSpeakerTerminated_AnotherAnswersWithTheOwnersAddress()
    {
        (string name, string address, Node owner) = await CreateAnnouncedServiceAsync();
        await using ArpProbe arp = ArpProbe.Start(Cluster.Client, address);
        await Eventually.TrueAsync(() => arp.Answers.Count > 10, Soon, "answers");
        await Eventually.GetAsync(async () => await NodeInEventAsync(name) == owner ? owner : null, Soon, "the Event", () => Cluster.Programs.Tails());
        TimeSpan before = arp.Now;

        await Cluster.Programs.Speaker(owner).StopAsync();
        TimeSpan ended = arp.Now;
        await Eventually.TrueAsync(() => arp.Now > ended + TimeSpan.FromSeconds(1), Soon, "a second");

        Assert.Equal(0, Cluster.Programs.Speaker(owner).ExitCode);
        Assert.Equal([owner.Host.Mac], arp.Macs());
        TimeSpan silence = arp.LongestSilence(before);
        Figure($"speaker terminated: longest silence {silence.TotalMilliseconds:0} ms; {owner.Name} keeps the address");
        Assert.InRange(silence, TimeSpan.Zero, HardlyNoticed);
        Assert.Equal(owner, await NodeInEventAsync(name));
    }

    [Fact]
    public async Task OwnersSpeakerKilledAndStartedAgain_VipStaysAnswered_ByOneInTheEnd()
    {
        (_, string address, Node owner) = await CreateAnnouncedServiceAsync();
        await using ArpProbe arp = ArpProbe.Start(Cluster.Client, address);
        await Eventually.TrueAsync(() => arp.Answers.Count > 0, Soon, "an answer");
        TimeSpan before = arp.Now;

        await Cluster.Programs.Speaker(owner).KillAsync();
        await Eventually.TrueAsync(() => arp.Macs(before + TimeSpan.FromMilliseconds(50)).Count > 0, Soon, "an answer from another speaker");
        TimeSpan silence = arp.LongestSilence(before);
        await ClusterPrograms.WaitUntilReadyAsync(Cluster.Programs.StartSpeaker(owner));
        Node settled = await OwnerOnWireAsync(address);

        Figure($"speaker killed: longest silence {silence.TotalMilliseconds:0} ms; after its restart {settled.Name} answers (before: {owner.Name})");
        Assert.InRange(silence, TimeSpan.Zero, FailedOver);
        Assert.Contains("hello from web", await GetPageAsync(Cluster.Client, address), StringComparison.Ordinal);
    }

    [Fact]
    public async Task AllSpeakersRestarted_OneOwner_Again()
    {
        (_, string address, _) = await CreateAnnouncedServiceAsync();
        await Task.WhenAll(Cluster.Nodes.Select(node => Cluster.Programs.Speaker(node).KillAsync()));
        await Cluster.Programs.StartAllAsync();
        Node owner = await OwnerOnWireAsync(address);
        await HoldsOneOwnerAsync(address, owner);
    }

    [Fact]
    public async Task NodesThatCannotHearEachOther_KnowByTheirLeases_OneAnswers()
    {
        await Task.WhenAll(Cluster.Nodes.Select(node => Cluster.Programs.Speaker(node).StopAsync()));
        foreach (Node node in Cluster.Nodes)
        {
            node.Host.Isolate(true);
        }

        await Cluster.Programs.StartAllAsync();
        string name = NewName();
        await CreateServiceAsync(name);
        string address = await Cluster.WaitForAddressAsync(name);
        Node owner = await OwnerOnWireAsync(address, TimeSpan.FromSeconds(20));
        await HoldsOneOwnerAsync(address, owner);

        // What they learnt of each other this way shall not outlast the test.
        await Task.WhenAll(Cluster.Nodes.Select(node => Cluster.Programs.Speaker(node).StopAsync()));
    }

    [Fact]
    public async Task ServiceDeleted_NobodyAnswersAnyMore()
    {
        (string name, string address, _) = await CreateAnnouncedServiceAsync();
        await Cluster.Api.DeleteAsync(ServicePath(name));
        await using ArpProbe probe = ArpProbe.Start(Cluster.Client, address);
        await Eventually.TrueAsync(() => probe.LongestSilence(probe.Now - TimeSpan.FromSeconds(1)) >= TimeSpan.FromSeconds(1), Soon, "a second of silence");
    }

    private async Task LoseNodeAsync(Action<Node> fault, string what)
    {
        (string name, string address, Node owner) = await CreateAnnouncedServiceAsync();
        await using ConnectProbe probe = ConnectProbe.Start(Cluster.Client, address);
        await Eventually.TrueAsync(() => probe.Attempts.Count(attempt => attempt.Success) > 20, Soon, "connections");
        TimeSpan before = probe.Now;
        fault(owner);
        // An attempt begun before now may still have reached the lost node.
        TimeSpan cut = probe.Now;
        await Eventually.TrueAsync(() => probe.SucceededSince(cut), Soon, "a connection elsewhere", () => Cluster.Programs.Tails());
        TimeSpan gap = probe.LongestGap(before);
        await probe.StopAsync();

        Node now = await OwnerOnWireAsync(address);
        Figure($"{what}: longest time without a successful connect {gap.TotalMilliseconds:0} ms, {owner.Name} to {now.Name}");
        Assert.NotEqual(owner, now);
        Assert.InRange(gap, TimeSpan.Zero, FailedOver);
        await Eventually.GetAsync(async () => await NodeInEventAsync(name) == now ? now : null, Soon, $"an Event nodeAssigned that names {now.Name}");

        owner.Host.Plug();
        owner.Host.Unblock();
        Assert.Equal(now, await OwnerOnWireAsync(address));
    }

    private async Task HoldsOneOwnerAsync(string address, Node owner)
    {
        await using ArpProbe probe = ArpProbe.Start(Cluster.Client, address);
        await HoldsForAsync(TimeSpan.FromSeconds(2), () => probe.Macs().All(mac => mac == owner.Host.Mac), $"only {owner.Name} answers");
        Assert.NotEmpty(probe.Answers);
    }
}
