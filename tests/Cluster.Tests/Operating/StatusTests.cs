using System.Text.Json.Nodes;
using LoadBalancer.LocalCluster.ApiServer.Json;
using LoadBalancer.LocalCluster.Isolation;
using LoadBalancer.LocalCluster.Network;

namespace LoadBalancer.Cluster.Tests.Operating;

/// <summary><c>kubectl lb status</c> and <c>why</c> on a cluster that runs.</summary>
public sealed class StatusTests(ClusterFixture fixture, ITestOutputHelper output) : OperatorTest(fixture, output)
{
    [Fact]
    public async Task Status_ShowsWhoAnnouncesWhat_AsItIsOnTheWire()
    {
        (string name, string address, Node owner) = await CreateAnnouncedServiceAsync();

        (int status, string text, string error, TimeSpan took) = await WellAsync("status");
        Figure($"status took {took.TotalMilliseconds:0} ms\n{text}{error}");
        Assert.Equal(0, status);
        Assert.Matches($@"{address}\s+Announced\s+{owner.Name}\s+\S+\s+\S+\s+default/{name}", text);
        JsonObject report = JsonNode.Parse(Lb("status", "-o", "json").Out)!.AsObject();
        JsonObject row = report.Objects("addresses").Single(entry => entry.Text("address") == address);
        Assert.Equal((owner.Name, owner.Host.Mac.ToString()), (row.Strings("nodes").Single(), row.Text("mac")));
        Assert.Equal(["leader", "spare"], report.Objects("controllers").Select(entry => entry.Text("state")).Order());
        Assert.Equal(Cluster.Nodes.Select(node => node.Name), report.Objects("speakers").Select(entry => entry.Text("node")).Order());
        Assert.All(report.Objects("speakers"), speaker => Assert.Equal(2, speaker.Number("heardBy")));
    }

    [Fact]
    public async Task Why_TellsTheChainOfAServiceThatIsReached_AndOfOneThatWaits()
    {
        (string name, string address, Node owner) = await CreateAnnouncedServiceAsync();
        (int status, string text, string error, TimeSpan took) = await WellAsync("why", name);
        Figure($"why took {took.TotalMilliseconds:0} ms\n{text}{error}");
        Assert.Equal(0, status);
        Assert.Contains($"Well: Service default/{name} is reached at {address}, announced from {owner.Name}", text, StringComparison.Ordinal);
        Assert.Contains(owner.Host.Mac.ToString(), text, StringComparison.Ordinal);

        await Cluster.Api.MergeAsync($"/api/v1/namespaces/default/services/{name}", new JsonObject
        {
            ["metadata"] = new JsonObject { ["annotations"] = new JsonObject { ["metallb.io/address-pool"] = "nowhere" } },
        });
        await LocalCluster.Eventually.GetAsync(() => Task.FromResult(Lb("why", name) is { Status: 1, Out: var answer } && answer.Contains("[PoolUnknown]", StringComparison.Ordinal) ? answer : null), Soon, "the reason PoolUnknown");
    }

    [Fact]
    public void MissingRight_IsNamed_AndWhatCanBeReadIsShown()
    {
        string kubeconfig = Cluster.Server.WriteKubeconfig(Path.Combine(PrivateRun.Folder, "nobody.kubeconfig"), "system:serviceaccount:loadbalancer-system:controller");

        (int status, string text, string error, _) = LbAs(kubeconfig, "status");

        Figure(text + error);
        Assert.Equal(1, status);
        Assert.Contains("pods", text, StringComparison.Ordinal);
        Assert.Contains("loadbalancer-viewer", text, StringComparison.Ordinal);
    }

    [Fact]
    public void WrongUse_Is2()
    {
        Assert.Equal(2, Lb("why").Status);
        Assert.Equal(2, Lb("nonsense").Status);
        Assert.Equal(2, LbAs("/nowhere.kubeconfig", "status").Status);
    }

    // A program may tell for a moment what was so when it was asked last, and learns of what is so a moment later than the wire.
    private async Task<(int Status, string Out, string Error, TimeSpan Took)> WellAsync(params string[] arguments)
    {
        (int Status, string Out, string Error, TimeSpan Took) answer = Lb(arguments);
        await LocalCluster.Eventually.TrueAsync(() => answer.Status == 0 || (answer = Lb(arguments)).Status == 0, Soon, $"{arguments[0]} to find all well", () => answer.Out + answer.Error);
        return answer;
    }
}
