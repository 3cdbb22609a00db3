using System.Globalization;
using LoadBalancer.LocalCluster;
using LoadBalancer.LocalCluster.Isolation;
using LoadBalancer.LocalCluster.Network;
using LoadBalancer.LocalCluster.Programs;

namespace LoadBalancer.Cluster.Tests.Kernel;

/// <summary>
/// A test on a cluster whose speakers have what the kernel's part needs. Where this machine allows no BPF programs, what follows is that every
/// answer comes from the process and that the speaker says so: <see cref="IsHereAsync"/> shows that, and the test is over.
/// </summary>
public abstract class KernelTest(ClusterFixture fixture, ITestOutputHelper output) : ProgramTest(fixture, output)
{
    private const string Filter = "handle 0x4c42";

    protected override bool LeavesTraces => true;

    public override async ValueTask InitializeAsync()
    {
        await CloseClusterAsync();
        await base.InitializeAsync();
    }

    protected override void BeforeStart() => Cluster.Programs.UseKernel();

    /// <summary>Whether the kernel takes part on all nodes; false where it may not, which is seen to be so.</summary>
    protected async Task<bool> IsHereAsync()
    {
        string[] states = await Task.WhenAll(Cluster.Nodes.Select(StateAsync));
        if (states.All(state => state == "active"))
        {
            return true;
        }

        Assert.All(states, state => Assert.Contains(state, (string[])["not_permitted", "not_supported"]));
        Assert.False(CanLoad(), $"{string.Join(", ", states)}, and yet bpftool can load programs here:\n{Cluster.Programs.Tails()}");
        (_, string address, _) = await CreateAnnouncedServiceAsync();
        Figure($"no BPF programs on this machine ({states[0]}); {address} is answered by the processes");
        return false;
    }

    /// <summary>What the node's speaker says of the kernel's part.</summary>
    protected async Task<string> StateAsync(Node node) => await Eventually.GetAsync(
        async () => (await ClusterPrograms.FiguresAsync(Cluster.Programs.Speaker(node)))
            .FirstOrDefault(line => line.StartsWith("loadbalancer_speaker_kernel{part=\"answers\"", StringComparison.Ordinal) && line.EndsWith(" 1", StringComparison.Ordinal))
            ?.Split("state=\"")[1].Split('"')[0],
        Soon, $"the state of the kernel's part on {node.Name}", () => Cluster.Programs.Tails());

    /// <summary>The sum of a figure of a node's speaker over its links.</summary>
    protected async Task<double> SumAsync(Node node, string name) =>
        (await ClusterPrograms.FiguresAsync(Cluster.Programs.Speaker(node)))
        .Where(line => line.StartsWith($"{name}{{", StringComparison.Ordinal)).Sum(line => double.Parse(line[(line.LastIndexOf(' ') + 1)..], CultureInfo.InvariantCulture));

    /// <summary>How many programs of ours are at the ingress of a node's link.</summary>
    protected static int ProgramsAt(Node node) => FiltersAt(node).Split('\n').Count(line => line.Contains(Filter, StringComparison.Ordinal));

    /// <summary>What is at the ingress of a node's link.</summary>
    protected static string FiltersAt(Node node) => Tc(node, "filter show dev eth0 ingress");

    /// <summary>Runs tc on a node.</summary>
    protected static string Tc(Node node, string arguments)
    {
        ToolResult result = node.Host.Network.Try("tc", arguments.Split(' '));
        return result.Output + result.Errors;
    }

    /// <summary>Waits until the kernel of a node answers for its addresses.</summary>
    protected Task AnswersFromKernelAsync(Node node) => Eventually.GetAsync(
        async () => await SumAsync(node, "loadbalancer_speaker_kernel_answers_total") > 0 ? "answers" : null, Soon, $"the kernel of {node.Name} to answer", () => Cluster.Programs.Tails());

    private static bool CanLoad() =>
        Tool.Find("bpftool") is { } bpftool && Tool.Try(bpftool, ["feature", "probe", "kernel"]).Output.Contains("eBPF program_type sched_cls is available", StringComparison.Ordinal);
}
