using System.Security.Cryptography;
using System.Text.Json.Nodes;
using LoadBalancer.LocalCluster;
using LoadBalancer.LocalCluster.Network;
using LoadBalancer.LocalCluster.Probes;

namespace LoadBalancer.Cluster.Tests.Announcing;

public sealed class HeartbeatKeyTests(ClusterFixture fixture, ITestOutputHelper output) : ProgramTest(fixture, output)
{
    private const string SecretPath = $"/api/v1/namespaces/{LocalCluster.Cluster.SystemNamespace}/secrets/heartbeat-key";

    [Fact]
    public async Task Secret_Absent_IsMadeByTheController()
    {
        JsonObject secret = await Eventually.GetAsync(() => Cluster.Api.FindAsync(SecretPath), Soon, "the Secret");
        Assert.InRange(Convert.FromBase64String((string)secret["data"]!["key"]!).Length, 32, 64);
    }

    [Fact]
    public async Task KeyChanged_WithoutARestart_OneOwnerAllTheTimeAndFailoverStillWorks()
    {
        (_, string address, Node owner) = await CreateAnnouncedServiceAsync();
        int[] processes = [.. Cluster.Nodes.Select(node => Cluster.Programs.Speaker(node).Id)];
        await using (ArpProbe probe = ArpProbe.Start(Cluster.Client, address))
        {
            await Eventually.TrueAsync(() => probe.Answers.Count > 0, Soon, "an answer");
            // The former one stays beside it: a speaker that starts while the others still sign with it must understand them.
            string former = (string)(await Cluster.Api.GetAsync(SecretPath))["data"]!["key"]!;
            string next = Convert.ToBase64String(RandomNumberGenerator.GetBytes(32));
            await Cluster.Api.MergeAsync(SecretPath, new JsonObject { ["data"] = new JsonObject { ["key"] = next, ["previous-key"] = former } });
            await HoldsForAsync(TimeSpan.FromSeconds(4), () => probe.Macs().All(mac => mac == owner.Host.Mac), $"only {owner.Name} answers");
            Figure($"key changed: longest silence {probe.LongestSilence().TotalMilliseconds:0} ms, one owner");
            Assert.InRange(probe.LongestSilence(), TimeSpan.Zero, HardlyNoticed);
        }

        owner.Host.Unplug();
        Node now = await OwnerOnWireAsync(address);
        Assert.NotEqual(owner, now);
        Assert.Equal(processes, Cluster.Nodes.Select(node => Cluster.Programs.Speaker(node).Id));
        Assert.All(Cluster.Nodes, node => Assert.False(Cluster.Programs.Speaker(node).HasExited));
    }
}
