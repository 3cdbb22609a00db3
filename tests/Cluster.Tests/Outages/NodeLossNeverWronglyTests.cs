using LoadBalancer.LocalCluster;
using LoadBalancer.LocalCluster.Network;
using LoadBalancer.LocalCluster.Programs;
using LoadBalancer.Testing;

namespace LoadBalancer.Cluster.Tests.Outages;

/// <summary>On the wire, too, nothing is marked of a node whose kernel answers. The list with all cases is the simulation's; these are those in which kernels, clocks and processes matter.</summary>
public sealed class NodeLossNeverWronglyTests(ClusterFixture fixture, ITestOutputHelper output) : NodeLossClusterTest(fixture, output)
{
    private static readonly TimeSpan Enough = TimeSpan.FromSeconds(4);

    // One after the other on one cluster: a fault that left something behind would be seen by the next.
    [Fact]
    [Limit(240, "eight faults of some seconds each, one after the other")]
    public async Task EachFaultOfAPart_NothingIsMarked()
    {
        await StartAsync();
        Node node = Cluster.Nodes[2];
        ProgramProcess Speaker() => Cluster.Programs.Speaker(node);

        await HoldsAsync("its speaker is paused", node, () => Speaker().Pause());
        Speaker().Continue();

        await HoldsAsync("its speaker is upgraded", node, async () =>
        {
            await Speaker().StopAsync();
            Cluster.Programs.StartSpeaker(node);
        });

        string otherKey = Path.Combine(Path.GetTempPath(), $"other-key-{Environment.ProcessId}");
        await File.WriteAllTextAsync(otherKey, "another key than that of the others", Cancel);
        await HoldsAsync("its speaker has another key", node, async () =>
        {
            await Speaker().KillAsync();
            Cluster.Programs.StartSpeaker(node, "--heartbeat-key-file", otherKey);
        });
        File.Delete(otherKey);

        await HoldsAsync("its speaker is killed", node, () => Speaker().KillAsync());
        Cluster.Programs.StartSpeaker(node);
        await Cluster.Programs.WaitUntilReadyAsync();

        await HoldsAsync("a third of its frames is lost", node, () => node.Host.Lose(PortLoss.Both, 30));
        node.Host.LoseNothing();

        await HoldsAsync("its cable flaps", node, async () =>
        {
            for (int i = 0; i < 8; i++)
            {
                node.Host.Unplug();
                await PassAsync(TimeSpan.FromMilliseconds(150));
                node.Host.Plug();
                await PassAsync(TimeSpan.FromMilliseconds(350));
            }
        });

        await HoldsAsync("every core is busy", node, BusyAsync);

        await Cluster.Server.StopAsync();
        Speaker().Pause();
        await PassAsync(TimeSpan.FromSeconds(2));
        await Cluster.Server.StartAsync();
        await HoldsAsync("the API server was away, and its speaker is paused", node, static () => { });
        Speaker().Continue();

        string[] figures = await FiguresAsync([]);
        Assert.Equal(2, figures.Count(line => line == "loadbalancer_node_loss_pods_marked_total 0"));
        Assert.Equal(2, figures.Count(line => line == "loadbalancer_node_loss_false_alarms_total 0"));
        Figure($"losses stated meanwhile, as the controllers saw them: {string.Join(", ", figures.Where(line => line.StartsWith("loadbalancer_node_losses_total", StringComparison.Ordinal)))}");
    }

    private Task HoldsAsync(string fault, Node node, Action begin) => HoldsAsync(fault, node, () =>
    {
        begin();
        return Task.CompletedTask;
    });

    private async Task HoldsAsync(string fault, Node node, Func<Task> begin)
    {
        await begin();
        await StaysReadyAsync(node, Enough);
        Figure($"{fault}: not marked");
    }

    private static async Task BusyAsync()
    {
        long start = TimeProvider.System.GetTimestamp();
        Thread[] load = [.. Enumerable.Range(0, 2 * Environment.ProcessorCount).Select(_ => new Thread(() =>
        {
            while (TimeProvider.System.GetElapsedTime(start) < TimeSpan.FromSeconds(8))
            {
                Thread.SpinWait(1000);
            }
        }) { IsBackground = true })];
        Array.ForEach(load, static thread => thread.Start());
        await Eventually.TrueAsync(() => Array.TrueForAll(load, static thread => !thread.IsAlive), Patience, "the cores free again");
    }

    private static async Task PassAsync(TimeSpan time)
    {
        long start = TimeProvider.System.GetTimestamp();
        await Eventually.TrueAsync(() => TimeProvider.System.GetElapsedTime(start) >= time, Patience, "the time is over");
    }
}

/// <summary>Two nodes, and only what is between them is cut.</summary>
public sealed class NodeLossOfTwoTests(ClusterFixture fixture, ITestOutputHelper output) : NodeLossClusterTest(fixture, output, nodes: 2)
{
    // Each reaches the API server and the hosts of the segment, which answer it: each has a witness, and says of the other that it is lost.
    [Fact]
    public async Task TheirPathCut_BothReachTheApiServer_NeitherIsMarked()
    {
        await StartAsync();
        Node[] both = [.. Cluster.Nodes];
        Array.ForEach(both, node => node.Host.Isolate(true));
        await StaysReadyAsync(both[0], TimeSpan.FromSeconds(6));
        Assert.True(await IsReadyAsync(both[1]));
        Array.ForEach(both, node => node.Host.Isolate(false));
        string[] figures = await FiguresAsync([]);
        Assert.Equal(2, figures.Count(line => line == "loadbalancer_node_loss_pods_marked_total 0"));
        Figure($"two nodes, their path cut: {string.Join(", ", figures.Where(line => line.StartsWith("loadbalancer_node_loss_vetoes_total", StringComparison.Ordinal) && !line.EndsWith(" 0", StringComparison.Ordinal)))}");
    }
}
