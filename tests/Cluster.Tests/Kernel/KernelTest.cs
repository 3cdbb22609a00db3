using System.Globalization;
using LoadBalancer.LocalCluster;
using LoadBalancer.LocalCluster.Isolation;
using LoadBalancer.LocalCluster.Network;
using LoadBalancer.LocalCluster.Probes;
using LoadBalancer.LocalCluster.Programs;

namespace LoadBalancer.Cluster.Tests.Kernel;

/// <summary>
/// A test on a cluster whose speakers have what the kernel's part needs. Where this machine allows no BPF programs, what follows is that every
/// answer comes from the process and that the speaker says so: <see cref="RequireKernelAsync"/> shows that, and the test is over.
/// </summary>
public abstract class KernelTest(ClusterFixture fixture, ITestOutputHelper output) : ProgramTest(fixture, output)
{
    /// <summary>How often the clients ask.</summary>
    protected static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(20);

    private const string Filter = "handle 0x4c42";

    protected override bool LeavesTraces => true;

    public override async ValueTask InitializeAsync()
    {
        await CloseClusterAsync();
        await base.InitializeAsync();
    }

    protected override void BeforeStart() => Cluster.Programs.UseKernel();

    /// <summary>Ends the test where no kernel may take part, after it was seen that this is so and that the processes answer.</summary>
    protected async Task RequireKernelAsync()
    {
        string[] states = await Task.WhenAll(Cluster.Nodes.Select(StateAsync));
        if (states.All(state => state == "active"))
        {
            return;
        }

        Assert.All(states, state => Assert.Contains(state, (string[])["not_permitted", "not_supported"]));
        Assert.False(CanLoad(), $"{string.Join(", ", states)}, and yet bpftool can load programs here:\n{Cluster.Programs.Tails()}");
        (_, string address, _) = await CreateAnnouncedServiceAsync();
        Assert.Skip($"no BPF programs on this machine ({states[0]}); {address} is answered by the processes");
    }

    /// <summary>An address whose owner's kernel answers for it.</summary>
    protected async Task<(string Address, Node Owner)> AnsweredByKernelAsync()
    {
        await RequireKernelAsync();
        (_, string address, Node owner) = await CreateAnnouncedServiceAsync();
        await AnswersFromKernelAsync(owner);
        return (address, owner);
    }

    /// <summary>The owner of such an address, and somebody who asks for the address all the time.</summary>
    protected async Task<(Node Owner, ArpProbe Probe)> AskedForAsync()
    {
        (string address, Node owner) = await AnsweredByKernelAsync();
        ArpProbe probe = ArpProbe.Start(Cluster.Client, address, Interval);
        await Eventually.TrueAsync(() => probe.Answers.Count(answer => answer.IsReply) > 10, Soon, "answers");
        return (owner, probe);
    }

    /// <summary>Starts a node's speaker and waits until it answers for what is its own.</summary>
    protected async Task StartedAsync(Node node, params string[] arguments)
    {
        ProgramProcess next = Cluster.Programs.StartSpeaker(node, arguments);
        await ClusterPrograms.WaitUntilReadyAsync(next);
        await Eventually.GetAsync(
            async () => (await ClusterPrograms.FiguresAsync(next)).FirstOrDefault(line => line == "loadbalancer_speaker_serving 1"), Soon, $"{next.Name} to serve", () => next.Tail());
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
