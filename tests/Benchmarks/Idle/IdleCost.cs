using System.Globalization;
using System.Text.Json.Nodes;
using LoadBalancer.LocalCluster;
using LoadBalancer.LocalCluster.Isolation;
using LoadBalancer.LocalCluster.Programs;
using LoadBalancer.LocalCluster.Workloads;

namespace LoadBalancer.Benchmarks.Idle;

/// <summary>
/// What a speaker costs while nothing happens: three nodes in namespaces on this machine, two controllers, with 3 Services, with 3,000, and with 20,000
/// ARP requests a second that concern nobody. Processor time is the scheduler's own count over half a minute, the mean of the three speakers.
/// </summary>
internal static class IdleCost
{
    private const int Few = 3;
    private const int Many = 3000;
    private const int RequestsPerSecond = 20_000;
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(5);

    // Announcements go on for 4.4 s, and Events are written after them; thousands of them take a while.
    private static readonly TimeSpan Calm = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan CalmAfterMany = TimeSpan.FromSeconds(60);

    /// <param name="args">After <c>idle</c>: <c>kernel</c> for the kernel's part, <c>threads</c> to be told what each thread took, and for how many seconds to measure.</param>
    public static int Run(string[] args)
    {
        if (PrivateRun.Enter(args) is { } status)
        {
            return status;
        }

        MeasureAsync(args).GetAwaiter().GetResult();
        return 0;
    }

    private static async Task MeasureAsync(string[] args)
    {
        var window = TimeSpan.FromSeconds(args.Select(static arg => int.TryParse(arg, CultureInfo.InvariantCulture, out var n) ? n : 0).FirstOrDefault(static n => n > 0, 30));
        var threads = args.Contains("threads");
        await using var cluster = await Cluster.StartAsync();
        if (args.Contains("kernel"))
        {
            cluster.Programs.UseKernel();
        }

        await cluster.SetConfigAsync("address-pools:\n- name: default\n  protocol: layer2\n  addresses: [192.168.97.0-192.168.109.255]\n");
        await cluster.DeployAsync("web", cluster.Nodes.Take(1));
        await cluster.Programs.StartAllAsync();
        Console.WriteLine($"A speaker's processor time, {(ClusterPrograms.AreNative ? "NativeAOT" : "not NativeAOT: `make publish` first")}, {(args.Contains("kernel") ? "with" : "without")} the kernel's part, over {window.TotalSeconds:0} s:");
        await CreateAsync(cluster, 0, Few);
        await ShowAsync(cluster, $"idle, {Few} Services", 0.4, window, threads);
        using (var requests = new ForeignRequests(cluster.Client, RequestsPerSecond))
        {
            await ShowAsync(cluster, $"{RequestsPerSecond:N0} foreign ARP requests/s", 0.5, window, threads);
            Console.WriteLine($"  ({requests.Sent} requests sent)");
        }

        await CreateAsync(cluster, Few, Many);
        await ShowAsync(cluster, $"idle, {Many:N0} Services", 0.5, window, threads);
    }

    /// <summary>Creates Services idle-FROM and so on, and waits until that many addresses are announced and all is calm.</summary>
    internal static async Task CreateAsync(Cluster cluster, int from, int to)
    {
        using var many = new SemaphoreSlim(16);
        await Task.WhenAll(Enumerable.Range(from, to - from).Select(async n =>
        {
            await many.WaitAsync();
            try
            {
                await cluster.Api.CreateAsync("/api/v1/namespaces/default/services", ServiceObject.LoadBalancer($"idle-{n}", new JsonObject { ["allocateLoadBalancerNodePorts"] = false }));
            }
            finally
            {
                many.Release();
            }
        }));
        await Eventually.TrueAsync(() => Owned(cluster) == to, Patience, $"{to} addresses announced", () => $"{Owned(cluster)}\n{cluster.Programs.Tails(5)}");
        await Task.Delay(to > Few ? CalmAfterMany : Calm, TimeProvider.System);
    }

    private static double Owned(Cluster cluster) => SumAsync(cluster, "loadbalancer_speaker_vips_owned{").GetAwaiter().GetResult();

    private static Task<double> DecisionsAsync(Cluster cluster) => SumAsync(cluster, "loadbalancer_speaker_decision_seconds_count");

    private static async Task<double> SumAsync(Cluster cluster, string figure)
    {
        var figures = await Task.WhenAll(cluster.Nodes.Select(node => ClusterPrograms.FiguresAsync(cluster.Programs.Speaker(node))));
        return figures.SelectMany(static lines => lines).Where(line => line.StartsWith(figure, StringComparison.Ordinal))
            .Sum(static line => double.Parse(line[(line.LastIndexOf(' ') + 1)..], CultureInfo.InvariantCulture));
    }

    private static async Task ShowAsync(Cluster cluster, string what, double goal, TimeSpan window, bool threads)
    {
        List<ProgramProcess> speakers = [.. cluster.Nodes.Select(cluster.Programs.Speaker)];
        var before = speakers.ConvertAll(static speaker => ThreadCosts.Of(speaker.Id));
        var decided = await DecisionsAsync(cluster);
        var began = TimeProvider.System.GetTimestamp();
        await Task.Delay(window, TimeProvider.System);
        var used = speakers.Select((speaker, n) => ThreadCosts.Of(speaker.Id).Since(before[n])).ToList();
        var took = TimeProvider.System.GetElapsedTime(began);
        var resident = speakers.Average(static speaker => speaker.ResidentMebibytes);
        var part = Percent(used.Average(static costs => costs.Sum.Processor.TotalSeconds), took);
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"  {what,-32} {part:0.00} % of a core{Goal.Beside(part, goal)}, {used.Average(static costs => costs.Sum.WakeUps) / took.TotalSeconds:0.0} wake-ups/s, {resident:0.0} MiB resident"));
        if (threads)
        {
            var decisions = (await DecisionsAsync(cluster) - decided) / used.Count / took.TotalSeconds;
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"      decisions        {decisions:0.00}/s"));
            foreach (var group in used.SelectMany(static costs => costs.ByName).GroupBy(static entry => entry.Key).OrderByDescending(static group => group.Sum(static entry => entry.Value.Processor.TotalSeconds)))
            {
                Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
                    $"      {group.Key,-16} {Percent(group.Sum(static entry => entry.Value.Processor.TotalSeconds) / used.Count, took):0.000} %, {group.Sum(static entry => entry.Value.WakeUps) / (double)used.Count / took.TotalSeconds:0.0}/s"));
            }
        }
    }

    private static double Percent(double seconds, TimeSpan of) => 100 * seconds / of.TotalSeconds;
}
