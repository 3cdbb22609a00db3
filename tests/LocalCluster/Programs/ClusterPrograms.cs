using System.Globalization;
using LoadBalancer.LocalCluster.Isolation;
using LoadBalancer.LocalCluster.Network;

namespace LoadBalancer.LocalCluster.Programs;

/// <summary>Our programs on a cluster: controllers and speakers as processes on its nodes, with the rights of their service accounts.</summary>
public sealed class ClusterPrograms : IAsyncDisposable
{
    private const int ControllerPort = 7472;
    private const int SpeakerPort = 7473;
    private static readonly TimeSpan ReadyTimeout = TimeSpan.FromSeconds(60);
    private static int _clusters;
    private readonly Cluster _cluster;
    private readonly HashSet<string> _kubeconfigs = new(StringComparer.Ordinal);
    private string? _pins;
    private readonly Dictionary<string, ProgramProcess> _running = new(StringComparer.Ordinal);

    internal ClusterPrograms(Cluster cluster) => _cluster = cluster;

    /// <summary>Those that were started and not taken away, by name.</summary>
    public IReadOnlyDictionary<string, ProgramProcess> Running => _running;

    /// <summary>Whether both programs are NativeAOT ones, as users run them.</summary>
    public static bool AreNative => ProgramFile.IsNative(ProgramFile.Find("controller")) && ProgramFile.IsNative(ProgramFile.Find("speaker"));

    /// <summary>The controller on a node; at most one a node.</summary>
    public ProgramProcess Controller(Node node) => _running[$"controller-{node.Name}"];

    /// <summary>The speaker on a node.</summary>
    public ProgramProcess Speaker(Node node) => _running[$"speaker-{node.Name}"];

    /// <summary>Starts a controller on a node, in place of one that has ended.</summary>
    public ProgramProcess StartController(Node node, params string[] arguments) =>
        Start("controller", node, ControllerPort, null, arguments);

    /// <summary>Starts the speaker on a node, in place of one that has ended.</summary>
    public ProgramProcess StartSpeaker(Node node, params string[] arguments) =>
        Start("speaker", node, SpeakerPort, _pins is null ? "net_raw" : "net_raw,+bpf,+net_admin",
            ["--node-name", node.Name, .. _pins is null ? (string[])[] : ["--kernel-pins", $"{_pins}-{node.Name}"], .. arguments]);

    /// <summary>Speakers that are started from now on have what the kernel's part needs: the capabilities, and a folder of a BPF file system.</summary>
    public void UseKernel()
    {
        string folder = Path.Combine(PrivateRun.Folder, "bpf");
        if (!Directory.Exists(folder))
        {
            Directory.CreateDirectory(folder);
            Tool.Try("mount", ["-t", "bpf", "bpf", folder]);
        }

        _pins = Path.Combine(folder, $"of{Interlocked.Increment(ref _clusters)}");
    }

    /// <summary>Two controllers and a speaker on every node: what the manifests ask for. Those already running stay.</summary>
    public void StartAll()
    {
        foreach (Node node in _cluster.Nodes.Take(2).Where(node => !IsRunning($"controller-{node.Name}")))
        {
            StartController(node);
        }

        foreach (Node node in _cluster.Nodes.Where(node => !IsRunning($"speaker-{node.Name}")))
        {
            StartSpeaker(node);
        }
    }

    /// <summary><see cref="StartAll"/>, and waits until they are ready, which takes a valid pool ConfigMap.</summary>
    public async Task StartAllAsync()
    {
        StartAll();
        await WaitUntilReadyAsync();
    }

    /// <summary>Takes one that has ended out of the list, so that nothing expects it back.</summary>
    public void Forget(ProgramProcess program) => _running.Remove(program.Name);

    /// <summary>Asks every program to end, waits until it has, and forgets it.</summary>
    public async Task StopAllAsync()
    {
        await Task.WhenAll(_running.Values.Where(program => !program.HasExited).Select(program => program.StopAsync()));
        await DisposeAsync();
    }

    /// <summary>Waits until every speaker, and at least one controller, answers /readyz with 200.</summary>
    public async Task WaitUntilReadyAsync(TimeSpan? within = null)
    {
        foreach (ProgramProcess program in _running.Values.Where(program => !program.HasExited))
        {
            await WaitUntilReadyAsync(program, within);
        }
    }

    /// <summary>Waits until every kubelet's port has answered every controller that marks lost nodes' pods: only then is its silence believed.</summary>
    public async Task WaitUntilKubeletsReachedAsync(TimeSpan? within = null)
    {
        string reached = string.Create(CultureInfo.InvariantCulture, $"loadbalancer_node_loss_kubelets_reached {_cluster.Nodes.Sum(node => node.Host.Addresses.Count)}");
        foreach (ProgramProcess controller in _cluster.Nodes.Take(2).Select(Controller))
        {
            await Eventually.GetAsync(
                async () => (await FiguresAsync(controller)).FirstOrDefault(line => line == reached), within ?? ReadyTimeout, $"the kubelets reached by {controller.Name}", () => controller.Tail());
        }
    }

    /// <summary>Waits until a program answers /readyz with 200.</summary>
    public static async Task WaitUntilReadyAsync(ProgramProcess program, TimeSpan? within = null)
    {
        string last = "no answer";
        await Eventually.GetAsync(
            async () =>
            {
                if (program.HasExited)
                {
                    throw new InvalidOperationException($"{program.Name} has ended\n{program.Tail()}");
                }

                (bool ready, last) = await GetAsync(program, "readyz");
                return ready ? "ready" : null;
            },
            within ?? ReadyTimeout, $"{program.Name} ready", () => $"{last}\n{program.Tail()}");
    }

    /// <summary>What a program answers over HTTP, on its own node.</summary>
    public static async Task<(bool Success, string Body)> GetAsync(ProgramProcess program, string path)
    {
        int port = program.Name.StartsWith("controller", StringComparison.Ordinal) ? ControllerPort : SpeakerPort;
        using HttpClient http = program.Host.Http(TimeSpan.FromSeconds(2));
        try
        {
            using HttpResponseMessage response = await http.GetAsync(new Uri($"http://{Lan.UrlHost(LoopbackOf(program.Host))}:{port}/{path}"));
            return (response.IsSuccessStatusCode, await response.Content.ReadAsStringAsync());
        }
        catch (Exception absent) when (absent is HttpRequestException or OperationCanceledException or IOException)
        {
            return (false, absent.Message);
        }
    }

    /// <summary>The lines of a program's metrics; none if it does not answer.</summary>
    public static async Task<string[]> FiguresAsync(ProgramProcess program) =>
        await GetAsync(program, "metrics") is (true, var body) ? body.Split('\n') : [];

    /// <summary>The last lines of every program: what a failed test shows.</summary>
    public string Tails(int lines = 25) => string.Join('\n', _running.Values.Select(program => program.Tail(lines)));

    /// <summary>Kills every program and forgets it.</summary>
    public async ValueTask DisposeAsync()
    {
        foreach (ProgramProcess program in _running.Values)
        {
            await program.DisposeAsync();
        }

        _running.Clear();
    }

    private static string LoopbackOf(Host host) => Lan.IsIPv6(host.Address) ? "::1" : "127.0.0.1";

    private bool IsRunning(string name) => _running.TryGetValue(name, out ProgramProcess? program) && !program.HasExited;

    private ProgramProcess Start(string program, Node node, int port, string? capability, string[] arguments)
    {
        string name = $"{program}-{node.Name}";
        if (IsRunning(name))
        {
            throw new InvalidOperationException($"{name} is running already");
        }

        string kubeconfig = Path.Combine(PrivateRun.Folder, $"{program}.kubeconfig");
        if (_kubeconfigs.Add(kubeconfig))
        {
            _cluster.Server.WriteKubeconfig(kubeconfig, $"system:serviceaccount:{Cluster.SystemNamespace}:{program}");
        }

        string[] command = [ProgramFile.Find(program), "--kubeconfig", kubeconfig, "--listen", $":{port}", .. arguments];
        return _running[name] = ProgramProcess.Start(name, node.Host, command, capability);
    }
}
