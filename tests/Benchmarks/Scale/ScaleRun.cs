using System.Globalization;
using System.Text.Json.Nodes;
using LoadBalancer.Benchmarks.Idle;
using LoadBalancer.LocalCluster;
using LoadBalancer.LocalCluster.Client;
using LoadBalancer.LocalCluster.Isolation;
using LoadBalancer.LocalCluster.Probes;
using LoadBalancer.LocalCluster.Programs;
using LoadBalancer.LocalCluster.Workloads;

namespace LoadBalancer.Benchmarks.Scale;

/// <summary>
/// Many Services: memory of the programs, how long a Service that comes with many others waits for its address, and how long restarts take.
/// Three nodes, two controllers and three speakers on this machine, all on the same cores as the API server and the client that measures.
/// </summary>
internal sealed class ScaleRun : IAsyncDisposable
{
    private const string Config =
        """
        address-pools:
        - name: large
          protocol: layer2
          addresses: [192.168.100.0-192.168.100.255, 10.210.0.0/16]
        """;

    // The Service to which connections are held open, at an address on the client's own network: it has no route to the others.
    private const string Held = "held";
    private const string HeldAddress = "192.168.100.1";

    // Programs give memory back when there was calm for as long as half a minute.
    private static readonly TimeSpan MemoryIsReturned = TimeSpan.FromSeconds(35);

    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(5);
    private readonly Cluster cluster;
    private readonly KubeApi api;
    private readonly Burst burst;
    private readonly Dictionary<string, Footprint> before = new(StringComparer.Ordinal);
    private bool showsThreads;
    private int there;

    private ScaleRun(Cluster cluster)
    {
        this.cluster = cluster;
        api = new KubeApi(new KubeconfigFile(cluster.AdminKubeconfig), Burst.Connections);
        burst = new Burst(api, cluster.Services);
    }

    /// <param name="args">After <c>scale</c>: <c>small</c> for no more than 3,000 Services, <c>start</c> for none; <c>threads</c> to be told what each thread took.</param>
    public static int Run(string[] args)
    {
        if (Environment.GetEnvironmentVariable("KUBECONFIG") is { Length: > 0 } kubeconfig)
        {
            BurstsAtAsync(kubeconfig).GetAwaiter().GetResult();
            return 0;
        }

        if (PrivateRun.Enter(args) is { } status)
        {
            return status;
        }

        MeasureAsync(args).GetAwaiter().GetResult();
        return 0;
    }

    public async ValueTask DisposeAsync()
    {
        api.Dispose();
        await cluster.DisposeAsync();
    }

    /// <summary>The bursts alone, at a cluster that is there, whatever gives out its addresses: for figures side by side.</summary>
    private static async Task BurstsAtAsync(string kubeconfig)
    {
        using var api = new KubeApi(new KubeconfigFile(kubeconfig), Burst.Connections);
        using var watching = new KubeApi(new KubeconfigFile(kubeconfig), 1);
        using var stop = new CancellationTokenSource();
        var services = new Mirror(watching, "/api/v1/services", TimeProvider.System);
        var following = services.RunAsync(stop.Token);
        var burst = new Burst(api, services);
        var there = 0;
        foreach (var count in (int[])[50, 500, 1000, 3000])
        {
            Show(there, await burst.CreateAsync(there, count));
            there += count;
            await Task.Delay(TimeSpan.FromSeconds(10), TimeProvider.System);
        }

        await burst.DeleteAsync(0, there);
        await stop.CancelAsync();
        await following;
    }

    private static async Task MeasureAsync(string[] args)
    {
        await using var run = new ScaleRun(await Cluster.StartAsync()) { showsThreads = args.Contains("threads") };
        await run.StartAsync();
        if (args.Contains("start"))
        {
            return;
        }

        await run.AddAsync(500);
        await run.AddAsync(1000);
        await run.AddAsync(1500);
        await run.ShowMemoryAsync("3,000 Services");
        if (args.Contains("small"))
        {
            return;
        }

        await run.AddAsync(3000);
        await run.AddAsync(3000);
        await run.AddAsync(1000);
        await run.ShowMemoryAsync("10,000 Services");
        await run.RestartAsync();
        await run.ShowMemoryAsync("10,000 Services, after a restart");
    }

    private static void Show(int there, TimeSpan[] waits)
    {
        var (half, nearlyAll) = (waits[waits.Length / 2].TotalSeconds, waits[waits.Length * 99 / 100].TotalSeconds);
        var isTheGoals = waits.Length == 1000;
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"{waits.Length,6} Services at once, {there,5} there: create to address p50 {half:0.00} s{Goal.Beside(half, isTheGoals ? 0.2 : null)}, p99 {nearlyAll:0.00} s{Goal.Beside(nearlyAll, isTheGoals ? 0.6 : null)}, last {waits[^1].TotalSeconds:0.00} s"));
    }

    private async Task StartAsync()
    {
        Console.WriteLine($"Programs: {(ClusterPrograms.AreNative ? "NativeAOT" : "not NativeAOT, `make publish` first")}; API server: {cluster.Server.GetType().Name}");
        await cluster.SetConfigAsync(Config);
        await cluster.DeployAsync("web", cluster.Nodes.Take(1));
        await cluster.Programs.StartAllAsync();
        await cluster.Api.CreateAsync("/api/v1/namespaces/default/services", ServiceObject.LoadBalancer(Held, new JsonObject { ["loadBalancerIP"] = HeldAddress }));
        await cluster.WaitForAddressAsync(Held, within: Patience);
        await ShowMemoryAsync("at the start");
        _ = await burst.CreateAsync(100_000, 50);
        await burst.DeleteAsync(100_000, 50);
        await RestAsync();
    }

    private async Task AddAsync(int count)
    {
        var used = Used();
        var threads = showsThreads ? Threads() : null;
        var waits = await burst.CreateAsync(there, count);
        Show(there, waits);
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"         processor time a Service: {string.Join(", ", Used().Select(entry => $"{entry.Key} {(entry.Value - used[entry.Key]).TotalMicroseconds / count:0} µs"))}"));
        if (threads is not null)
        {
            Show(threads, count);
        }

        await burst.ServeAsync(there, count, cluster.Nodes[0].Name);
        there += count;
        await Eventually.GetAsync(async () => await OwnedAsync() == there + 1 ? "" : null, Patience, $"{there + 1} addresses announced");
        await RestAsync();
    }

    private Dictionary<ProgramProcess, ThreadCosts> Threads() => cluster.Programs.Running.Values.ToDictionary(static program => program, static program => ThreadCosts.Of(program.Id));

    private static void Show(Dictionary<ProgramProcess, ThreadCosts> before, int count)
    {
        foreach (var kind in before.GroupBy(static entry => Kind(entry.Key)))
        {
            var costs = kind.SelectMany(static entry => ThreadCosts.Of(entry.Key.Id).Since(entry.Value).ByName).GroupBy(static thread => thread.Key)
                .Select(thread => (Name: thread.Key, Each: thread.Sum(static cost => cost.Value.Processor.TotalMicroseconds) / kind.Count() / count)).OrderByDescending(static thread => thread.Each);
            Console.WriteLine($"         {kind.Key}: {string.Join(", ", costs.Take(6).Select(static thread => string.Create(CultureInfo.InvariantCulture, $"{thread.Name} {thread.Each:0} µs")))}");
        }
    }

    private Dictionary<string, TimeSpan> Used() => cluster.Programs.Running.Values
        .GroupBy(static program => Kind(program)).ToDictionary(static group => group.Key, static group => TimeSpan.FromTicks((long)group.Average(static program => program.ProcessorTime.Ticks)));

    private async Task<double> OwnedAsync()
    {
        var owned = 0.0;
        foreach (var node in cluster.Nodes)
        {
            owned += await OwnedByAsync(cluster.Programs.Speaker(node));
        }

        return owned;
    }

    private static async Task<double> OwnedByAsync(ProgramProcess speaker) => (await ClusterPrograms.FiguresAsync(speaker))
        .Where(static line => line.StartsWith("loadbalancer_speaker_vips_owned{", StringComparison.Ordinal))
        .Sum(static line => double.Parse(line[(line.LastIndexOf(' ') + 1)..], CultureInfo.InvariantCulture));

    /// <summary>Until what follows from the last change is over: announcements, Events, collections.</summary>
    private async Task RestAsync()
    {
        var quiet = 0;
        await Eventually.GetAsync(async () =>
        {
            var used = cluster.Programs.Running.Values.Select(static program => program.ProcessorTime).ToArray();
            await Task.Delay(TimeSpan.FromSeconds(1), TimeProvider.System);
            var busiest = cluster.Programs.Running.Values.Zip(used).Max(static pair => pair.First.ProcessorTime - pair.Second);
            quiet = busiest < TimeSpan.FromMilliseconds(100) ? quiet + 1 : 0;
            return quiet == 5 ? "" : null;
        }, Patience, "rest");
    }

    private async Task ShowMemoryAsync(string when)
    {
        await RestAsync();
        await Task.Delay(MemoryIsReturned, TimeProvider.System);
        foreach (var group in cluster.Programs.Running.Values.GroupBy(Kind))
        {
            var now = Footprint.Mean([.. group.Select(static program => Footprint.Of(program.Id))]);
            var first = before.TryAdd(group.Key, now);
            var each = first || there == 0 ? "" : string.Create(CultureInfo.InvariantCulture, $"; {(now.Anonymous - before[group.Key].Anonymous) * 1024 / there:0} bytes a Service");
            double? goal = (group.Key, there) switch { ("speaker", 0) => 32, ("speaker", 3000) => 42, ("controller", 0) => 30, ("controller", 3000) => 38, _ => null };
            Console.WriteLine($"{when}: {group.Key} {now}{Goal.Beside(now.Resident / 1024, goal)}{each}");
        }
    }

    private static string Kind(ProgramProcess program) => program.Name.Split('-')[0];

    private async Task RestartAsync()
    {
        await using var connections = await LongConnections.OpenAsync(cluster.Client, HeldAddress);
        foreach (var node in cluster.Nodes.Take(2))
        {
            await cluster.Programs.Controller(node).StopAsync();
            var started = TimeProvider.System.GetTimestamp();
            await ClusterPrograms.WaitUntilReadyAsync(cluster.Programs.StartController(node));
            var took = TimeProvider.System.GetElapsedTime(started).TotalSeconds;
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{there} Services, controller restarted: ready after {took:0.00} s{Goal.Beside(took, 2)}"));
        }

        foreach (var node in cluster.Nodes)
        {
            var owned = await OwnedByAsync(cluster.Programs.Speaker(node));
            await cluster.Programs.Speaker(node).StopAsync();
            var started = TimeProvider.System.GetTimestamp();
            var speaker = cluster.Programs.StartSpeaker(node);
            await Eventually.GetAsync(async () => await OwnedByAsync(speaker) == owned ? "" : null, Patience, "all addresses announced again");
            var took = TimeProvider.System.GetElapsedTime(started).TotalSeconds;
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{there} Services, speaker restarted: its {owned} announced after {took:0.00} s{Goal.Beside(took, 2)}"));
        }

        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"connections broken meanwhile: {connections.Broken} of 30; slowest answer {connections.Slowest.TotalSeconds:0.00} s"));
    }
}
