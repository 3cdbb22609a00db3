using LoadBalancer.LocalCluster;
using LoadBalancer.LocalCluster.Network;
using LoadBalancer.LocalCluster.Probes;

namespace LoadBalancer.Cluster.Tests.Outages;

public sealed class ApiServerOutageTests(ClusterFixture fixture, ITestOutputHelper output) : ProgramTest(fixture, output)
{
    private static readonly TimeSpan Outage = TimeSpan.FromSeconds(30);

    [Fact]
    public async Task ApiServerGoneFor30Seconds_VipsAnswer_ANodeLossFailsOver_AndAllCatchesUp()
    {
        (string name, string address, Node owner) = await CreateAnnouncedServiceAsync();
        Dictionary<string, int> processes = Cluster.Programs.Running.ToDictionary(entry => entry.Key, entry => entry.Value.Id);
        await using ArpProbe arp = ArpProbe.Start(Cluster.Client, address);
        await using ConnectProbe probe = ConnectProbe.Start(Cluster.Client, address);
        await Eventually.TrueAsync(() => probe.SucceededSince(default), Soon, "a connection");

        long down = TimeProvider.System.GetTimestamp();
        await StopServerAsync();
        TimeSpan stopped = arp.Now;
        await HoldsForAsync(TimeSpan.FromSeconds(10), () => arp.Macs(stopped).All(mac => mac == owner.Host.Mac), $"only {owner.Name} answers");
        TimeSpan silence = arp.LongestSilence(stopped);

        TimeSpan before = probe.Now;
        owner.Host.Unplug();
        TimeSpan cut = probe.Now;
        await Eventually.TrueAsync(() => probe.SucceededSince(cut), Soon, "a connection elsewhere, without the API server", () => Cluster.Programs.Tails());
        TimeSpan gap = probe.LongestGap(before);
        Node now = await OwnerOnWireAsync(address);
        await Eventually.TrueAsync(() => TimeProvider.System.GetElapsedTime(down) >= Outage, Outage + Soon, "the end of the outage");
        await StartServerAsync();
        owner.Host.Plug();

        string created = NewName();
        long up = TimeProvider.System.GetTimestamp();
        await CreateServiceAsync(created);
        await Cluster.WaitForAddressAsync(created, within: TimeSpan.FromSeconds(60));
        TimeSpan caughtUp = TimeProvider.System.GetElapsedTime(up);
        await Eventually.GetAsync(async () => await NodeInEventAsync(name) == now ? now : null, TimeSpan.FromSeconds(60), $"the Event about {now.Name}, late");

        Figure($"API server gone: longest ARP silence {silence.TotalMilliseconds:0} ms; node lost meanwhile: unreachable for {gap.TotalMilliseconds:0} ms, {owner.Name} to {now.Name}; back: a new Service has its address after {caughtUp.TotalSeconds:0.0} s");
        Assert.InRange(silence, TimeSpan.Zero, HardlyNoticed);
        Assert.InRange(gap, TimeSpan.Zero, FailedOver);
        Assert.Equal([address], Cluster.Addresses(name));
        Assert.Equal(processes, Cluster.Programs.Running.ToDictionary(entry => entry.Key, entry => entry.Value.Id));
        Assert.All(Cluster.Programs.Running.Values, program => Assert.False(program.HasExited, program.Name));
    }
}
