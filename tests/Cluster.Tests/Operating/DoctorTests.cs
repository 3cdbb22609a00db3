using System.Text.Json.Nodes;
using LoadBalancer.LocalCluster;
using LoadBalancer.LocalCluster.ApiServer.Json;
using LoadBalancer.LocalCluster.Network;

namespace LoadBalancer.Cluster.Tests.Operating;

/// <summary><c>kubectl lb doctor</c> on a cluster that runs, and on its wire.</summary>
public sealed class DoctorTests(ClusterFixture fixture, ITestOutputHelper output) : OperatorTest(fixture, output)
{
    private const string StrangersAddress = "192.168.96.66";
    private const string DualStackConfig = $"address-pools: [{{name: default, protocol: layer2, addresses: [{Lan.Pool}, '{Lan.Pool6}']}}]";

    // The speakers remember the stranger for a while.
    protected override bool LeavesTraces => true;

    [Fact]
    public async Task Wire_AskedByRawFrames_SaysWhoAnswersForEachFamilyAndHowFast_AndThatAStrangerDoesToo()
    {
        (string address, string address6, Node owner) = await CreateOfBothFamiliesAsync();

        JsonObject[] rows = await RowsAsync(asRoot: true, address, address6);
        Assert.All(rows, row =>
        {
            Assert.Equal(("wire", owner.Host.Mac, "eth0"), (row.Text("how"), row.Text("expected"), row.Strings("links").Single()));
            JsonObject answer = Assert.Single(row.Objects("answers"));
            Assert.Equal(owner.Host.Mac, answer.Text("mac"));
            Assert.InRange((double)answer["milliseconds"]!, 0, 400);
        });

        Host stranger = Cluster.Switch.Hosts.FirstOrDefault(host => host.Name == "stranger") ?? Cluster.Switch.Connect("stranger", StrangersAddress);
        stranger.AddAddress(address);
        stranger.AddAddress(address6);
        try
        {
            (int status, string text, string error, _) = LbOn(Cluster.Client, asRoot: true, "doctor", "--here");
            Figure(text + error);
            Assert.Equal(1, status);
            Assert.Matches($"2 answer for {address}: .*{stranger.Mac}", text);
            Assert.Matches($"2 answer for {address6}: .*{stranger.Mac}", text);
        }
        finally
        {
            stranger.RemoveAddress(address);
            stranger.RemoveAddress(address6);
        }
    }

    [Fact]
    public async Task Wire_AskedWithoutRootsRights_SaysOneThatAnswersForEachFamily()
    {
        (string address, string address6, Node owner) = await CreateOfBothFamiliesAsync();
        Cluster.Client.ForgetNeighbours();

        Assert.All(await RowsAsync(asRoot: false, address, address6), row =>
        {
            Assert.Equal("neighbours", row.Text("how"));
            Assert.Equal(owner.Host.Mac, Assert.Single(row.Objects("answers")).Text("mac"));
        });
    }

    private async Task<JsonObject[]> RowsAsync(bool asRoot, params string[] addresses)
    {
        string said = "";
        return await Eventually.GetAsync(
            () =>
            {
                (_, string text, string error, TimeSpan took) = LbOn(Cluster.Client, asRoot, "doctor", "--here", "-o", "json");
                said = $"took {took.TotalMilliseconds:0} ms\n{text}{error}";
                JsonObject[] rows = [.. (JsonNode.Parse(text)?.Objects("here") ?? []).Where(row => addresses.Contains(row.Text("address")))];
                return Task.FromResult(rows.Length == addresses.Length && rows.All(row => row["expected"] is not null && row.Objects("answers").Count() == 1) ? rows : null);
            },
            Soon, "an answer for each address", () => said);
    }

    private async Task<(string Address, string Address6, Node Owner)> CreateOfBothFamiliesAsync()
    {
        await ChangeConfigAsync(DualStackConfig);
        string name = NewName();
        await CreateServiceAsync(name, new JsonObject { ["ipFamilyPolicy"] = "RequireDualStack" });
        IReadOnlyList<string> addresses = await Eventually.GetAsync(
            () => Task.FromResult(Cluster.Addresses(name) is { Count: 2 } both ? both : null), 3 * Soon, $"two addresses of {name}", () => Cluster.Programs.Tails());
        string address = addresses.First(ip => !Lan.IsIPv6(ip));
        return (address, addresses.First(Lan.IsIPv6), await OwnerOnWireAsync(address));
    }
}
