using LoadBalancer.LocalCluster;
using LoadBalancer.LocalCluster.Network;
using LoadBalancer.LocalCluster.Probes;

namespace LoadBalancer.Cluster.Tests.Outages;

/// <summary>The owner's interface gets another hardware address: an administrator's doing, or a bond's whose ports take turns.</summary>
public sealed class HardwareAddressTests(ClusterFixture fixture, ITestOutputHelper output) : ProgramTest(fixture, output)
{
    protected override bool LeavesTraces => true;

    private const string Other = "02:42:c0:a8:60:ee";

    [Fact]
    public async Task HardwareAddressOfTheOwner_Changes_ClientsAreToldAtOnce_AndItStaysTheOwner()
    {
        (_, string address, Node owner) = await CreateAnnouncedServiceAsync();
        Host host = owner.Host;
        await GetPageAsync(Cluster.Client, address);
        Assert.Equal(host.Mac, Cluster.Client.Neighbour(address));
        await using ArpProbe probe = ArpProbe.Start(Cluster.Client, address, TimeSpan.FromSeconds(10));
        TimeSpan changed = probe.Now;
        try
        {
            Change(host, Other);
            await Eventually.TrueAsync(() => Cluster.Client.Neighbour(address) == Other, Soon, $"{Other} in the client's cache", () => $"{probe.Story()}\n{Cluster.Programs.Tails()}");
            Figure($"{owner.Name} has another hardware address: announced after {probe.Answers.First(answer => answer.Mac == Other).At - changed:s\\.fff} s");
            Assert.StartsWith("hello", await GetPageAsync(Cluster.Client, address), StringComparison.Ordinal);
        }
        finally
        {
            Change(host, host.Mac);
        }

        await Eventually.TrueAsync(() => Cluster.Client.Neighbour(address) == host.Mac, Soon, $"{host.Mac} in the client's cache again", () => Cluster.Programs.Tails());
        Assert.Equal(owner, await OwnerOnWireAsync(address));
    }

    private static void Change(Host host, string mac) => host.Network.Ip($"link set eth0 address {mac}\n");
}
