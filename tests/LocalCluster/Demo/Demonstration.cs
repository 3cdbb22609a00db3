using System.Globalization;
using LoadBalancer.LocalCluster.Client;
using LoadBalancer.LocalCluster.Isolation;
using LoadBalancer.LocalCluster.Network;
using LoadBalancer.LocalCluster.Probes;
using LoadBalancer.LocalCluster.Programs;
using LoadBalancer.LocalCluster.Workloads;

namespace LoadBalancer.LocalCluster.Demo;

/// <summary>The user's whole day on one machine: install, pool, Service, curl — and then a node dies.</summary>
internal sealed class Demonstration : IAsyncDisposable
{
    private const string Service = "web";
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    // A node that is back within 10 s of its loss was not dead: where its pods were marked, that is a false alarm.
    private static readonly TimeSpan NodeLost = TimeSpan.FromSeconds(12);
    private static readonly TimeSpan NodeLostInShort = TimeSpan.FromSeconds(3);
    private readonly Screen _screen = new();
    private Cluster? _cluster;
    private string _address = "";

    private Cluster Here => _cluster!;

    /// <summary>Runs every step; one that does not do what it should throws.</summary>
    /// <param name="brief">Whether a node is lost for 3 s only, both times, in place of 12.</param>
    /// <param name="keep">Whether the cluster is kept until it is cancelled.</param>
    /// <param name="cancel">Ends it.</param>
    internal async Task RunAsync(bool brief, bool keep, CancellationToken cancel)
    {
        _screen.Title("A Kubernetes cluster with a load balancer, inside namespaces of this machine");
        await BuildAsync().WaitAsync(cancel);
        await ExposeAsync().WaitAsync(cancel);
        await ReachAsync().WaitAsync(cancel);
        FaultFigures usual = await LoseANodeAsync(brief, marked: false).WaitAsync(cancel);
        _screen.Title("The same again, with --mark-lost-nodes (docs/node-loss.md)");
        await SwitchMarkingOnAsync().WaitAsync(cancel);
        FaultFigures marked = await LoseANodeAsync(brief, marked: true).WaitAsync(cancel);
        _screen.Title($"A node lost for {Away(brief).TotalSeconds:0} s, as the client saw it");
        Screen.Line($"as Kubernetes has it    {Describe(usual)}");
        Screen.Line($"with --mark-lost-nodes  {Describe(marked)}");
        Screen.Line();
        if (keep)
        {
            await KeepAsync(cancel);
        }
    }

    /// <summary>The last lines of our programs, for a step that failed.</summary>
    internal string Tails() => _cluster?.Programs.Tails() ?? "";

    public async ValueTask DisposeAsync()
    {
        if (_cluster is { } cluster)
        {
            _cluster = null;
            await _screen.StepAsync("taken down", async () =>
            {
                await cluster.DisposeAsync();
                return Tool.Run("ip netns list").Trim() is "" ? "no namespace, no process left" : throw new InvalidOperationException("namespaces are left");
            });
        }
    }

    private async Task BuildAsync()
    {
        await _screen.StepAsync("API server, three nodes, a client on one switch", async () =>
        {
            _cluster = await Cluster.StartAsync();
            return $"nodes {string.Join(", ", Here.Nodes.Select(node => $"{node.Name} {node.Host.Address}"))}";
        });
        await _screen.StepAsync("manifests/loadbalancer.yaml applied", async () =>
            $"namespace {Cluster.SystemNamespace}, {(await Here.Api.GetAsync("/apis/rbac.authorization.k8s.io/v1/clusterroles"))["items"]!.AsArray().Count(role => ((string)role!["metadata"]!["name"]!).StartsWith(Cluster.SystemNamespace, StringComparison.Ordinal))} cluster roles");
        await _screen.StepAsync("two controllers and three speakers started", () =>
        {
            Here.Programs.StartAll();
            return Task.FromResult("with the rights of their service accounts");
        });
        await _screen.StepAsync("nginx in three pods, one on each node", async () =>
            string.Join(", ", (await Here.DeployAsync(Service, Here.Nodes)).Select(pod => $"{pod.Name} {pod.Host.Address}")));
    }

    private async Task ExposeAsync()
    {
        await _screen.StepAsync("address pool set", async () =>
        {
            await Here.SetDefaultPoolAsync();
            return Lan.Pool;
        });
        await _screen.StepAsync("controllers and speakers ready", async () =>
        {
            await Here.Programs.WaitUntilReadyAsync();
            return string.Join(", ", Here.Programs.Running.Keys.Order(StringComparer.Ordinal));
        });
        await _screen.StepAsync("Service web, type LoadBalancer", async () =>
        {
            long start = TimeProvider.System.GetTimestamp();
            await Here.Api.CreateAsync("/api/v1/namespaces/default/services", ServiceObject.LoadBalancer(Service));
            _address = await Here.WaitForAddressAsync(Service, within: Patience);
            return $"has {_address} after {Milliseconds(TimeProvider.System.GetElapsedTime(start))}";
        });
        _screen.Quote("$ kubectl get service web", await GetServiceAsync());
        await _screen.StepAsync("a node announces it", async () => $"Event nodeAssigned: {(await OwnerByEventAsync()).Name}");
    }

    private async Task ReachAsync()
    {
        // The proxies learn of a Service when everybody does: the first connections may be refused, here as in any cluster.
        string page = await Eventually.GetAsync(
            () => Task.FromResult(TryCurl(out string seen) ? seen : null), Patience, $"a page from {_address}", () => TryCurl(out string seen) ? seen : $"{seen}\n{Here.Programs.Tails()}");
        _screen.Quote($"client$ curl -i http://{_address}/", page);
        await _screen.StepAsync("the client's ARP entry", async () =>
        {
            Node node = await Eventually.GetAsync(
                async () => Here.NodeInClientsCache(_address) is { } held && await OwnerByEventAsync() == held ? held : null,
                Patience, "the Event names the node that the client holds", () => $"{_address} at {Here.Client.Neighbour(_address) ?? "nobody"}");
            return $"{_address} is at {node.Host.Mac}, which is {node.Name}";
        });
    }

    private async Task<FaultFigures> LoseANodeAsync(bool brief, bool marked) =>
        await new NodeLoss(Here, _screen, Service, _address, Away(brief), marked).RunAsync();

    /// <summary>What applying the component does: its rights are there, and the controllers are others, with the argument.</summary>
    private async Task SwitchMarkingOnAsync()
    {
        await _screen.StepAsync("component mark-lost-nodes applied", async () =>
        {
            await Here.PrepareForNodeLossAsync();
            foreach (Node node in Here.Nodes.Take(2))
            {
                await Here.Programs.Controller(node).StopAsync();
                Here.Programs.StartController(node, "--mark-lost-nodes", "true");
            }

            await Here.Programs.WaitUntilReadyAsync();
            return "its rights, and both controllers anew";
        });
        await _screen.StepAsync("kubelets reached by both controllers", async () =>
        {
            await Here.Programs.WaitUntilKubeletsReachedAsync();
            return $"TCP {Kubelet.Port} of {Here.Nodes.Count} nodes; only then is its silence a sign";
        });
    }

    private static TimeSpan Away(bool brief) => brief ? NodeLostInShort : NodeLost;

    private static string Describe(FaultFigures figures)
    {
        string last = figures.LastFailure is { } moment ? $"last failure after {Milliseconds(moment)}" : "no failure";
        return $"first answer after {Milliseconds(figures.FirstSuccess!.Value)}, {last}; {figures.Failed} of {figures.Attempts} requests failed";
    }

    /// <summary>The status line and the page, or what went wrong.</summary>
    private bool TryCurl(out string seen)
    {
        ToolResult curl = Here.Client.Network.Try("curl", ["--silent", "--show-error", "--include", "--max-time", "5", $"http://{_address}/"]);
        string[] lines = curl.Output.Replace("\r", "", StringComparison.Ordinal).Split('\n');
        bool served = curl.ExitCode == 0 && lines[0].Contains(" 200 ", StringComparison.Ordinal) && curl.Output.Contains($"hello from {Service}", StringComparison.Ordinal);
        seen = served ? $"{lines[0]}\n…\n{string.Join('\n', lines.SkipWhile(line => line.Length > 0).Skip(1))}" : $"{curl.Errors.Trim()} {curl.Output}";
        return served;
    }

    private async Task KeepAsync(CancellationToken cancel)
    {
        if (HostRelay.Join() is not { } outside)
        {
            throw new InvalidOperationException("the way to the machine's loopback is missing");
        }

        Directory.CreateDirectory(Path.Combine(ProgramFile.Root, "artifacts"));
        string file = Here.Server.WriteKubeconfig(Path.Combine(ProgramFile.Root, "artifacts/demo.kubeconfig"), "admin", outside.Endpoint);
        string user = Environment.GetEnvironmentVariable("LB_ORDINARY_USER") is null ? "" : "--user --preserve-credentials ";
        _screen.Title("It goes on running. Ctrl-C ends it.");
        Screen.Line($"export KUBECONFIG={file}");
        Screen.Line("kubectl get services,nodes,events");
        Screen.Line();
        Screen.Line("From the client on the home network:");
        Screen.Line($"nsenter --target {outside.Process} {user}--mount --net ip netns exec client curl http://{_address}/");
        Screen.Line();
        await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, cancel).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        File.Delete(file);
    }

    private async Task<Node> OwnerByEventAsync() => await Eventually.GetAsync(
        async () =>
        {
            string? message = await Here.LastEventAsync(Service, "nodeAssigned");
            return message is null ? null : Here.Nodes.FirstOrDefault(node => message.StartsWith($"announcing from node \"{node.Name}\"", StringComparison.Ordinal));
        },
        Patience, $"an Event nodeAssigned for {Service}");

    private async Task<string> GetServiceAsync()
    {
        if (Tool.Find("kubectl") is { } kubectl)
        {
            ToolResult result = Tool.Try(kubectl, ["--kubeconfig", Here.AdminKubeconfig, "--cache-dir", $"{PrivateRun.Folder}/kubectl", "get", "service", Service]);
            return result.ExitCode == 0 && result.Output.Contains(_address, StringComparison.Ordinal) ? result.Output : throw new ToolFailedException(result);
        }

        return ServerTable.Format(await Here.Api.GetTableAsync($"/api/v1/namespaces/default/services/{Service}"));
    }

    private static string Milliseconds(TimeSpan time) => string.Create(CultureInfo.InvariantCulture, $"{time.TotalMilliseconds:0} ms");
}
