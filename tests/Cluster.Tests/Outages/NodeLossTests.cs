using System.Text.Json.Nodes;
using LoadBalancer.LocalCluster;
using LoadBalancer.LocalCluster.Network;
using LoadBalancer.LocalCluster.Probes;
using LoadBalancer.LocalCluster.Programs;
using LoadBalancer.LocalCluster.Workloads;

namespace LoadBalancer.Cluster.Tests.Outages;

/// <summary>
/// With <c>--mark-lost-nodes</c> the whole service answers again when a node is gone, and nothing is marked when only a part of it is. The
/// kubelets' part and that of the EndpointSlice controller are played; with a real API server its own controllers are not running.
/// </summary>
public sealed class NodeLossTests(ClusterFixture fixture, ITestOutputHelper output) : OwnClusterTest(fixture, output)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    // A second is what is promised on a quiet machine; without it a third of the connections fails for as long as the node is away.
    private static readonly TimeSpan WholeServiceBound = TimeSpan.FromSeconds(4);
    private static readonly TimeSpan Away = TimeSpan.FromSeconds(12);

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task NodeLost_TheWholeServiceAnswersSoon_AndItsPodsAreReadyAgainWhenItIsBack(bool withTheLeader)
    {
        string address = await StartAsync();
        Node leader = await LeaderAsync();
        Node lost = withTheLeader ? leader : Cluster.Nodes.Last(node => node != leader);
        await using ConnectProbe probe = ConnectProbe.StartRequests(Cluster.Client, address, TimeSpan.FromMilliseconds(20));
        await Eventually.TrueAsync(() => probe.SucceededSince(TimeSpan.Zero), Patience, "a page");
        TimeSpan cut = probe.Now;
        lost.Host.Unplug();
        await Eventually.TrueAsync(() => probe.Now - cut >= Away, Patience, "the end of the fault");
        ConnectAttempt[] attempts = [.. probe.Attempts.Where(attempt => attempt.Started >= cut)];
        TimeSpan last = attempts.Where(attempt => !attempt.Success).Select(attempt => attempt.Started - cut).DefaultIfEmpty().Max();
        Figure($"node lost{(withTheLeader ? " with the leading controller" : "")}: last failed connection begun {last.TotalMilliseconds:0} ms after, {attempts.Count(a => !a.Success)} of {attempts.Length} failed");
        Assert.False(await IsReadyAsync(lost));
        Assert.InRange(last, TimeSpan.Zero, WholeServiceBound);
        Assert.Contains("NodeLost", await NodeEventsAsync(lost));
        string[] figures = await FiguresAsync(withTheLeader ? [lost] : []);
        Assert.Contains("loadbalancer_node_losses_total 1", figures);
        Assert.Contains("loadbalancer_node_loss_pods_marked_total 1", figures);
        Assert.Contains("loadbalancer_node_loss_marked_seconds_count 1", figures);
        Assert.Contains("loadbalancer_node_loss_false_alarms_total 0", figures);
        Assert.Contains("loadbalancer_node_loss_vetoes_total{reason=\"KubeletAnswers\"} 0", figures);

        lost.Host.Plug();
        await UntilAsync(() => IsReadyAsync(lost), "the pod ready again");
        await UntilAsync(async () => (await NodeEventsAsync(lost)).Contains("NodeReturned"), "the return told");
    }

    [Fact]
    public async Task SpeakerKilled_NodeAlive_NothingIsMarked()
    {
        await StartAsync();
        Node node = Cluster.Nodes[2];
        await Cluster.Programs.Speaker(node).KillAsync();
        await StaysReadyAsync(node, TimeSpan.FromSeconds(5));
    }

    [Fact]
    public async Task TwoOfThreeNodesLost_NoneIsMarked()
    {
        await StartAsync();
        Node leader = await LeaderAsync();
        Node[] lost = [.. Cluster.Nodes.Where(node => node != leader)];
        Array.ForEach(lost, node => node.Host.Unplug());
        await StaysReadyAsync(lost[0], TimeSpan.FromSeconds(6));
        Assert.True(await IsReadyAsync(lost[1]));
        string[] figures = await FiguresAsync(lost);
        Assert.Contains("loadbalancer_node_loss_pods_marked_total 0", figures);
        Assert.Contains(figures, line => line.StartsWith("loadbalancer_node_loss_vetoed{", StringComparison.Ordinal) && !line.EndsWith(" 0", StringComparison.Ordinal));
        Array.ForEach(lost, node => node.Host.Plug());
    }

    /// <summary>The metrics of all controllers but those that are on nodes that are away.</summary>
    private async Task<string[]> FiguresAsync(Node[] away) =>
        [.. (await Task.WhenAll(Cluster.Nodes.Take(2).Except(away).Select(node => ClusterPrograms.FiguresAsync(Cluster.Programs.Controller(node))))).SelectMany(lines => lines)];

    private async Task StaysReadyAsync(Node node, TimeSpan time)
    {
        long start = TimeProvider.System.GetTimestamp();
        await UntilAsync(
            async () =>
            {
                Assert.True(await IsReadyAsync(node), $"the pod on {node.Name} was marked\n{Cluster.Programs.Tails()}");
                return TimeProvider.System.GetElapsedTime(start) >= time;
            },
            "the time is over");
    }

    private async Task UntilAsync(Func<Task<bool>> condition, string what) =>
        await Eventually.GetAsync(async () => await condition() ? what : null, Patience, what, () => Cluster.Programs.Tails());

    private async Task<string> StartAsync()
    {
        await Cluster.PrepareForNodeLossAsync();
        await Cluster.DeployAsync("web", Cluster.Nodes);
        await Cluster.SetConfigAsync(
            $"""
            address-pools:
            - name: default
              protocol: layer2
              addresses: [{Lan.Pool}]
            """);
        foreach (Node node in Cluster.Nodes.Take(2))
        {
            Cluster.Programs.StartController(node, "--mark-lost-nodes", "true");
        }

        await Cluster.Programs.StartAllAsync();
        await Cluster.Api.CreateAsync("/api/v1/namespaces/default/services", ServiceObject.LoadBalancer("web"));
        string address = await Cluster.WaitForAddressAsync("web", within: Patience);
        foreach (Node node in Cluster.Nodes)
        {
            await UntilAsync(() => IsReadyAsync(node), $"the pod on {node.Name} ready");
        }

        await Cluster.Programs.WaitUntilKubeletsReachedAsync();
        return address;
    }

    private async Task<Node> LeaderAsync() => await Eventually.GetAsync(
        async () =>
        {
            foreach (Node node in Cluster.Nodes.Take(2))
            {
                if ((await ClusterPrograms.FiguresAsync(Cluster.Programs.Controller(node))).Contains("loadbalancer_leader 1"))
                {
                    return node;
                }
            }

            return null;
        },
        Patience, "a leader");

    private async Task<bool> IsReadyAsync(Node node)
    {
        JsonObject pod = await Cluster.Api.GetAsync($"/api/v1/namespaces/default/pods/web-{node.Name}");
        return pod["status"]?["conditions"]?.AsArray().Any(c => (string?)c!["type"] == "Ready" && (string?)c["status"] == "True") == true;
    }

    private async Task<IReadOnlyList<string>> NodeEventsAsync(Node node) =>
        [.. (await Cluster.Api.GetAsync("/api/v1/namespaces/default/events"))["items"]!.AsArray()
            .Where(entry => (string?)entry!["involvedObject"]?["kind"] == "Node" && (string?)entry["involvedObject"]?["name"] == node.Name)
            .Select(entry => (string)entry!["reason"]!)];
}
