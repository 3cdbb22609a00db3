using System.Text.Json.Nodes;
using LoadBalancer.LocalCluster;
using LoadBalancer.LocalCluster.Network;
using LoadBalancer.LocalCluster.Programs;
using LoadBalancer.LocalCluster.Workloads;

namespace LoadBalancer.Cluster.Tests.Outages;

/// <summary>A cluster of its own whose two controllers mark lost nodes' pods, with one pod of a Service on each node.</summary>
public abstract class NodeLossClusterTest(ClusterFixture fixture, ITestOutputHelper output, int nodes = 3) : OwnClusterTest(fixture, output, nodes)
{
    protected static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    /// <summary>The metrics of all controllers but those that are on nodes that are away.</summary>
    protected async Task<string[]> FiguresAsync(Node[] away) =>
        [.. (await Task.WhenAll(Cluster.Nodes.Take(2).Except(away).Select(node => ClusterPrograms.FiguresAsync(Cluster.Programs.Controller(node))))).SelectMany(lines => lines)];

    protected async Task StaysReadyAsync(Node node, TimeSpan time)
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

    protected async Task UntilAsync(Func<Task<bool>> condition, string what) =>
        await Eventually.GetAsync(async () => await condition() ? what : null, Patience, what, () => Cluster.Programs.Tails());

    protected async Task<string> StartAsync()
    {
        await Cluster.PrepareForNodeLossAsync();
        await Cluster.DeployAsync("web", Cluster.Nodes);
        await Cluster.SetDefaultPoolAsync();
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

    protected async Task<Node> LeaderAsync() => await Eventually.GetAsync(
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

    protected async Task<bool> IsReadyAsync(Node node)
    {
        JsonObject pod = await Cluster.Api.GetAsync($"/api/v1/namespaces/default/pods/web-{node.Name}");
        return pod["status"]?["conditions"]?.AsArray().Any(c => (string?)c!["type"] == "Ready" && (string?)c["status"] == "True") == true;
    }

    protected async Task<IReadOnlyList<string>> NodeEventsAsync(Node node) =>
        [.. (await Cluster.Api.GetAsync("/api/v1/namespaces/default/events"))["items"]!.AsArray()
            .Where(entry => (string?)entry!["involvedObject"]?["kind"] == "Node" && (string?)entry["involvedObject"]?["name"] == node.Name)
            .Select(entry => (string)entry!["reason"]!)];
}
