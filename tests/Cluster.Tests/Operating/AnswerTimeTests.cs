using System.Globalization;
using System.Text.Json.Nodes;
using LoadBalancer.LocalCluster;
using LoadBalancer.LocalCluster.Client;
using LoadBalancer.LocalCluster.Programs;
using LoadBalancer.LocalCluster.Workloads;

namespace LoadBalancer.Cluster.Tests.Operating;

/// <summary>How long it takes from the start of <c>kubectl-lb</c> to its end, with few Services and with many.</summary>
public sealed class AnswerTimeTests(ClusterFixture fixture, ITestOutputHelper output) : OperatorTest(fixture, output)
{
    private const int Many = 3000;
    private const int Runs = 11;
    private const int Connections = 16;

    // The goal is 0.3 s on a machine that does nothing else; the figure is what counts.
    private static readonly TimeSpan Bound = TimeSpan.FromSeconds(5);

    protected override bool LeavesTraces => true;

    [Fact]
    public async Task StatusAndWhy_AnswerWithThreeServicesAndWithThreeThousand()
    {
        await ChangeConfigAsync("address-pools: [{name: large, protocol: layer2, addresses: [192.168.112.0/20]}]");
        await WaitForPoolAsync("192.168.112.");
        using var api = new KubeApi(new KubeconfigFile(Cluster.AdminKubeconfig), Connections);
        string stem = NewName("timed");
        await CreateAsync(api, stem, 0, 3);
        await MeasureAsync(stem, 3);
        await CreateAsync(api, stem, 3, Many);
        await MeasureAsync(stem, Many);
    }

    private async Task CreateAsync(KubeApi api, string stem, int first, int end)
    {
        await Parallel.ForEachAsync(Enumerable.Range(first, end - first), new ParallelOptions { MaxDegreeOfParallelism = Connections, CancellationToken = Cancel }, async (number, _) =>
            await api.CreateAsync(ServicesPath, ServiceObject.LoadBalancer($"{stem}-{number}", new JsonObject { ["selector"] = null, ["allocateLoadBalancerNodePorts"] = false })));
        await Eventually.TrueAsync(
            () => Enumerable.Range(0, end).All(number => Cluster.Addresses($"{stem}-{number}").Count > 0), TimeSpan.FromSeconds(120), $"{end} addresses", () => Cluster.Programs.Tails());
    }

    private async Task MeasureAsync(string stem, int services)
    {
        foreach ((string[] command, string told) in ((string[], string)[])[(["status"], "large"), (["why", $"{stem}-0"], $"{stem}-0")])
        {
            // A program may tell for a moment what was so when it was asked last.
            await Eventually.TrueAsync(() => Run(command).Text.Contains(told, StringComparison.Ordinal), Soon, $"{command[0]} to tell of {told}", () => Run(command).Text);
            TimeSpan[] times = [.. Enumerable.Range(1, Runs - 1).Select(_ => Run(command).Took).Order()];
            Figure(string.Create(CultureInfo.InvariantCulture,
                $"{(ProgramFile.IsNative(ProgramFile.FindPlugin()) ? "NativeAOT" : "not NativeAOT")} kubectl-lb {command[0]} with {services} Services: fastest {times[0].TotalMilliseconds:0} ms, p50 {times[times.Length / 2].TotalMilliseconds:0} ms, slowest {times[^1].TotalMilliseconds:0} ms"));
            Assert.InRange(times[times.Length / 2], TimeSpan.Zero, Bound);
        }
    }

    // Not by kubectl, which takes its own time to find a plugin.
    private (TimeSpan Took, string Text) Run(string[] arguments)
    {
        (int status, string text, string error, TimeSpan took) = Run(Cluster.AdminKubeconfig, ProgramFile.FindPlugin(), arguments);
        Assert.True(status is 0 or 1, $"{status}\n{text}{error}");
        return (took, text);
    }
}
