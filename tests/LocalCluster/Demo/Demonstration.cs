using System.Globalization;
using System.Text.Json.Nodes;
using LoadBalancer.LocalCluster.Client;
using LoadBalancer.LocalCluster.Isolation;
using LoadBalancer.LocalCluster.Network;
using LoadBalancer.LocalCluster.Probes;
using LoadBalancer.LocalCluster.Programs;

namespace LoadBalancer.LocalCluster.Demo;

/// <summary>The user's whole day on one machine: install, pool, Service, curl — and then a node dies.</summary>
internal sealed class Demonstration : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);
    private readonly Screen _screen = new();
    private Cluster? _cluster;
    private string _address = "";
    private Node? _owner;

    private Cluster Here => _cluster!;

    /// <summary>Runs every step; one that does not do what it should throws.</summary>
    internal async Task RunAsync(bool keep, CancellationToken cancel)
    {
        _screen.Title("A Kubernetes cluster with a load balancer, inside namespaces of this machine");
        await BuildAsync().WaitAsync(cancel);
        await ExposeAsync().WaitAsync(cancel);
        await ReachAsync().WaitAsync(cancel);
        await LoseOwnerAsync().WaitAsync(cancel);
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
        await _screen.StepAsync("nginx in two pods", async () =>
            string.Join(", ", (await Here.DeployAsync("web", Here.Nodes.Take(2))).Select(pod => $"{pod.Name} {pod.Host.Address}")));
    }

    private async Task ExposeAsync()
    {
        await _screen.StepAsync("address pool set", async () =>
        {
            await Here.SetConfigAsync(
                $"""
                address-pools:
                - name: default
                  protocol: layer2
                  addresses: [{Lan.Pool}]
                """);
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
            await Here.Api.CreateAsync("/api/v1/namespaces/default/services", WebService());
            _address = await Here.WaitForAddressAsync("web");
            return $"has {_address} after {Milliseconds(TimeProvider.System.GetElapsedTime(start))}";
        });
        _screen.Quote("$ kubectl get service web", await GetServiceAsync());
        await _screen.StepAsync("a node announces it", async () =>
        {
            _owner = await OwnerByEventAsync();
            return $"Event nodeAssigned: {_owner.Name}";
        });
    }

    private async Task ReachAsync()
    {
        await CurlAsync();
        await _screen.StepAsync("the client's ARP entry", () =>
        {
            string? mac = Here.Client.Neighbour(_address);
            Node? node = Here.Nodes.FirstOrDefault(candidate => candidate.Host.Mac == mac);
            return node == _owner
                ? Task.FromResult($"{_address} is at {mac}, which is {node!.Name}")
                : throw new InvalidOperationException($"{_address} is at {mac ?? "nobody"} ({node?.Name}), but the Event names {_owner!.Name}");
        });
    }

    private async Task LoseOwnerAsync()
    {
        Node lost = _owner!;
        await using ConnectProbe probe = ConnectProbe.Start(Here.Client, _address);
        await Eventually.TrueAsync(() => probe.SucceededSince(default), Patience, $"a connection to {_address}");
        TimeSpan before = probe.Now, cut = before;
        await _screen.StepAsync($"{lost.Name} taken off the wire", () =>
        {
            lost.Host.Unplug();
            // An attempt begun before now may still have reached the lost node.
            cut = probe.Now;
            return Task.FromResult("its cable is pulled; the client goes on connecting every 10 ms");
        });
        await _screen.StepAsync("another node takes over", async () =>
        {
            await Eventually.TrueAsync(() => probe.SucceededSince(cut), Patience, "a connection elsewhere");
            string? mac = Here.Client.Neighbour(_address);
            _owner = Here.Nodes.FirstOrDefault(node => node != lost && node.Host.Mac == mac) ?? throw new InvalidOperationException($"{_address} is at {mac}, which is no node left");
            return $"{_owner.Name} ({mac}); unreachable for {Milliseconds(probe.LongestGap(before))}";
        });
        await CurlAsync();
        await _screen.StepAsync($"{lost.Name} back on the wire", async () =>
        {
            lost.Host.Plug();
            TimeSpan back = probe.Now;
            await Eventually.TrueAsync(() => probe.Now - back > TimeSpan.FromSeconds(2) && probe.SucceededSince(back), Patience, "connections");
            return $"{_owner!.Name} keeps the address";
        });
    }

    private async Task CurlAsync()
    {
        ToolResult curl = Here.Client.Network.Try("curl", ["--silent", "--show-error", "--include", "--max-time", "5", $"http://{_address}/"]);
        string[] lines = curl.Output.Replace("\r", "", StringComparison.Ordinal).Split('\n');
        if (curl.ExitCode != 0 || !lines[0].Contains(" 200 ", StringComparison.Ordinal) || !curl.Output.Contains("hello from web", StringComparison.Ordinal))
        {
            throw new ToolFailedException(curl);
        }

        _screen.Quote($"client$ curl -i http://{_address}/", $"{lines[0]}\n…\n{string.Join('\n', lines.SkipWhile(line => line.Length > 0).Skip(1))}");
        await Task.CompletedTask;
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
            string? message = await Here.LastEventAsync("web", "nodeAssigned");
            return message is null ? null : Here.Nodes.FirstOrDefault(node => message.StartsWith($"announcing from node \"{node.Name}\"", StringComparison.Ordinal));
        },
        Patience, "an Event nodeAssigned for web");

    private async Task<string> GetServiceAsync()
    {
        if (Tool.Find("kubectl") is { } kubectl)
        {
            ToolResult result = Tool.Try(kubectl, ["--kubeconfig", Here.AdminKubeconfig, "--cache-dir", $"{PrivateRun.Folder}/kubectl", "get", "service", "web"]);
            return result.ExitCode == 0 && result.Output.Contains(_address, StringComparison.Ordinal) ? result.Output : throw new ToolFailedException(result);
        }

        return ServerTable.Format(await Here.Api.GetTableAsync("/api/v1/namespaces/default/services/web"));
    }

    private static string Milliseconds(TimeSpan time) => string.Create(CultureInfo.InvariantCulture, $"{time.TotalMilliseconds:0} ms");

    private static JsonObject WebService() => Manifest.Parse(
        """
        apiVersion: v1
        kind: Service
        metadata:
          name: web
          namespace: default
        spec:
          type: LoadBalancer
          selector:
            app: web
          ports:
          - port: 80
            targetPort: 8080
        """)[0];
}
