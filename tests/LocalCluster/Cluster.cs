using System.Net;
using System.Text.Json.Nodes;
using LoadBalancer.LocalCluster.ApiServer;
using LoadBalancer.LocalCluster.Client;
using LoadBalancer.LocalCluster.Isolation;
using LoadBalancer.LocalCluster.Network;
using LoadBalancer.LocalCluster.Programs;
using LoadBalancer.LocalCluster.Proxy;
using LoadBalancer.LocalCluster.Workloads;

namespace LoadBalancer.LocalCluster;

/// <summary>
/// A Kubernetes cluster on one machine: an API server, nodes and a client on a home network, a service proxy on each node, real
/// pods. It plays kubelet and, where the API server has none of its own, the EndpointSlice controller; our own programs run on it as they would in their pods.
/// </summary>
public sealed class Cluster : IAsyncDisposable
{
    /// <summary>The namespace of our programs.</summary>
    public const string SystemNamespace = "loadbalancer-system";

    /// <summary>The port of the API server.</summary>
    public const int ApiPort = 6443;

    private static readonly TimeSpan SyncTimeout = TimeSpan.FromSeconds(10);
    private readonly CancellationTokenSource _stop = new();
    private readonly List<(string Namespace, Pod Pod)> _pods = [];
    private readonly Lock _podsLock = new();
    private readonly List<Task> _tasks = [];
    private readonly Dictionary<string, Kubelet> _kubelets = new(StringComparer.Ordinal);
    private EndpointSlices? _slices;

    private Cluster(Func<Switch, IApiServer> server, int nodes, LanFamilies families)
    {
        Switch = new Switch(families);
        Server = server(Switch);
        Nodes = [.. Enumerable.Range(1, nodes).Select(number => new Node(Switch.Connect($"n{number}", Lan.Node(number)), number, nodes))];
        Client = Switch.Connect("client", Lan.Client);
        AdminKubeconfig = Server.WriteKubeconfig(Path.Combine(PrivateRun.Folder, "admin.kubeconfig"));
        Api = new KubeApi(new KubeconfigFile(AdminKubeconfig));
        Services = new Mirror(Api, "/api/v1/services", TimeProvider.System);
        Programs = new ClusterPrograms(this);
    }

    public IApiServer Server { get; }

    public Switch Switch { get; }

    public IReadOnlyList<Node> Nodes { get; }

    /// <summary>A host of the home network that is no node.</summary>
    public Host Client { get; }

    /// <summary>The API with every right.</summary>
    public KubeApi Api { get; }

    /// <summary>A kubeconfig with every right, reachable from every namespace of the run.</summary>
    public string AdminKubeconfig { get; }

    /// <summary>All Services, as the API server has them.</summary>
    public Mirror Services { get; }

    /// <summary>Our controllers and speakers.</summary>
    public ClusterPrograms Programs { get; }

    /// <summary>Builds the network, starts the API server and puts the nodes and our manifests into it.</summary>
    /// <param name="nodes">How many nodes.</param>
    /// <param name="families">Which addresses hosts, pods and Services have.</param>
    public static async Task<Cluster> StartAsync(int nodes = 3, LanFamilies families = LanFamilies.DualStack)
    {
        var cluster = new Cluster(ChooseServer, nodes, families);
        await cluster.Server.StartAsync();
        await cluster.CreateNodesAsync();
        await cluster.PublishApiServerAsync();
        await cluster.ApplyInstallationAsync(SystemNamespace);
        var slices = new Mirror(cluster.Api, "/apis/discovery.k8s.io/v1/endpointslices", TimeProvider.System);
        var proxy = new ServiceProxy(cluster.Nodes, cluster.Services, slices);
        var reported = new Mirror(cluster.Api, "/api/v1/pods", TimeProvider.System);
        cluster._slices = new EndpointSlices(cluster.Api, cluster.Services, reported, cluster.Pods, TimeProvider.System);
        cluster._tasks.AddRange([
            reported.RunAsync(cluster._stop.Token),
            cluster.Services.RunAsync(cluster._stop.Token), slices.RunAsync(cluster._stop.Token),
            proxy.RunAsync(cluster._stop.Token)]);
        if (!cluster.Server.KeepsEndpointSlices)
        {
            cluster._tasks.Add(cluster._slices.RunAsync(cluster._stop.Token));
        }

        return cluster;
    }

    /// <summary>Creates each object, or merges it over the one that is there.</summary>
    public async Task ApplyAsync(IEnumerable<JsonObject> objects)
    {
        foreach (JsonObject value in objects)
        {
            await Api.ApplyAsync(Manifest.Collection(value), value);
        }
    }

    /// <summary>Applies our manifests, in another namespace if asked to; its controller speaks for the same service account.</summary>
    public Task ApplyInstallationAsync(string space)
    {
        string text = File.ReadAllText(Path.Combine(ProgramFile.Root, "manifests/loadbalancer.yaml"));
        return ApplyAsync(space == SystemNamespace ? Manifest.Parse(text) : InNamespace(Manifest.Parse(text), space));
    }

    /// <summary>Applies the component that lets controllers mark lost nodes' pods, and starts a kubelet's part on every node.</summary>
    public async Task PrepareForNodeLossAsync()
    {
        string folder = Path.Combine(ProgramFile.Root, "manifests/loadbalancer/components/mark-lost-nodes");
        await ApplyAsync(Manifest.Parse(File.ReadAllText(Path.Combine(folder, "rbac.yaml"))));
        foreach (Node node in Nodes)
        {
            _kubelets.Add(node.Name, new Kubelet(node, new KubeconfigFile(AdminKubeconfig), Pods, TimeProvider.System));
        }
    }

    /// <summary>The kubelet's part on a node; there is one after <see cref="PrepareForNodeLossAsync"/>.</summary>
    public Kubelet Kubelet(Node node) => _kubelets[node.Name];

    /// <summary>Puts one pool into the pool ConfigMap, <c>default</c>, with the addresses of <see cref="Lan.Pool"/>.</summary>
    public Task SetDefaultPoolAsync() => SetConfigAsync(
        $"""
        address-pools:
        - name: default
          protocol: layer2
          addresses: [{Lan.Pool}]
        """);

    /// <summary>Puts a text into the pool ConfigMap; it need not be a valid one.</summary>
    public Task SetConfigAsync(string text, string space = SystemNamespace) => Api.ApplyAsync(
        $"/api/v1/namespaces/{space}/configmaps",
        new JsonObject
        {
            ["apiVersion"] = "v1",
            ["kind"] = "ConfigMap",
            ["metadata"] = new JsonObject { ["name"] = "config", ["namespace"] = space },
            ["data"] = new JsonObject { ["config"] = text },
        });

    /// <summary>Starts one pod on each of the given nodes, labelled <c>app=NAME</c>, whose page names it and its node.</summary>
    public async Task<IReadOnlyList<Pod>> DeployAsync(string name, IEnumerable<Node> nodes, string space = "default")
    {
        var started = new List<Pod>();
        foreach (Node node in nodes)
        {
            string podName = $"{name}-{node.Name}";
            started.Add(Pod.Start(podName, node, new Dictionary<string, string> { ["app"] = name }, $"hello from {podName} on {node.Name}\n"));
        }

        await Task.WhenAll(started.Select(pod => AddAsync(pod, space)));
        return started;
    }

    /// <summary>Reports a pod that runs, as its kubelet would.</summary>
    public async Task AddAsync(Pod pod, string space)
    {
        string collection = $"/api/v1/namespaces/{space}/pods";
        await Api.CreateAsync(collection, pod.ToObject(space));
        await Api.MergeAsync($"{collection}/{pod.Name}/status", pod.ToStatus());
        lock (_podsLock)
        {
            _pods.Add((space, pod));
        }

        _slices!.PodsChanged();
    }

    /// <summary>Ends a pod and takes it away.</summary>
    public async Task RemoveAsync(Pod pod, string space)
    {
        lock (_podsLock)
        {
            _pods.Remove((space, pod));
        }

        _slices!.PodsChanged();
        await Api.DeleteAsync($"/api/v1/namespaces/{space}/pods/{pod.Name}");
        await pod.DisposeAsync();
    }

    /// <summary>Says whether a pod is ready, as its readiness probe would.</summary>
    public Task SetReadyAsync(Pod pod, bool ready, string space = "default")
    {
        pod.Ready = ready;
        return ReportAsync(pod, space);
    }

    /// <summary>Tells the API server what has become of a pod.</summary>
    public async Task ReportAsync(Pod pod, string space = "default")
    {
        await Api.MergeAsync($"/api/v1/namespaces/{space}/pods/{pod.Name}/status", pod.ToStatus());
        _slices!.PodsChanged();
    }

    /// <summary>The node whose hardware address the client holds for an address, or null.</summary>
    public Node? NodeInClientsCache(string address) => Client.Neighbour(address) is { } mac ? Nodes.FirstOrDefault(node => node.Host.Mac == mac) : null;

    /// <summary>The load-balancer addresses of a Service, as the API server has them.</summary>
    public IReadOnlyList<string> Addresses(string name, string space = "default") => AddressesOf(Services[$"{space}/{name}"]);

    /// <summary>Waits until a Service has a load-balancer address.</summary>
    public async Task<string> WaitForAddressAsync(string name, string space = "default", TimeSpan? within = null) =>
        await Eventually.GetAsync(
            () => Task.FromResult(Addresses(name, space) is [{ } first, ..] ? first : null), within ?? SyncTimeout, $"an address for {space}/{name}", () => Programs.Tails());

    public static IReadOnlyList<string> AddressesOf(JsonObject? service) =>
        [.. (service?["status"]?["loadBalancer"]?["ingress"]?.AsArray() ?? []).Select(entry => (string?)entry!["ip"]).OfType<string>()];

    /// <summary>The message of the newest Event of a reason about a Service, or null.</summary>
    public async Task<string?> LastEventAsync(string service, string reason, string space = "default") =>
        (string?)(await EventsAsync(service, space)).LastOrDefault(entry => (string?)entry["reason"] == reason)?["message"];

    /// <summary>The Events about a Service, oldest first.</summary>
    public async Task<IReadOnlyList<JsonObject>> EventsAsync(string service, string space = "default") =>
        [.. (await Api.GetAsync($"/api/v1/namespaces/{space}/events"))["items"]!.AsArray().Select(entry => entry!.AsObject())
            .Where(entry => (string?)entry["involvedObject"]?["kind"] == "Service" && (string?)entry["involvedObject"]?["name"] == service)
            .OrderBy(TimeOf, StringComparer.Ordinal)];

    /// <summary>Fails if something the cluster itself runs has failed.</summary>
    public void ThrowIfBroken()
    {
        if (_tasks.FirstOrDefault(task => task.IsFaulted) is { } broken)
        {
            throw new InvalidOperationException("the local cluster itself is broken", broken.Exception);
        }
    }

    public async ValueTask DisposeAsync()
    {
        await Programs.DisposeAsync();
        foreach (Kubelet kubelet in _kubelets.Values)
        {
            await kubelet.DisposeAsync();
        }

        await _stop.CancelAsync();
        await Task.WhenAll(_tasks).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        foreach ((_, Pod pod) in Pods())
        {
            await pod.DisposeAsync();
        }

        Api.Dispose();
        await Server.DisposeAsync();
        Switch.Dispose();
        _stop.Dispose();
    }

    /// <summary>The namespaced roles again in another namespace, granted to the first installation's service accounts.</summary>
    private static IEnumerable<JsonObject> InNamespace(IEnumerable<JsonObject> objects, string space)
    {
        foreach (JsonObject value in objects)
        {
            JsonNode metadata = value["metadata"]!;
            if ((string?)value["kind"] == "Namespace")
            {
                metadata["name"] = space;
                yield return value;
            }
            else if ((string?)value["kind"] is "Role" or "RoleBinding")
            {
                metadata["namespace"] = space;
                yield return value;
            }
        }
    }

    private static string TimeOf(JsonObject entry) =>
        (string?)entry["lastTimestamp"] ?? (string?)entry["eventTime"] ?? (string?)entry["metadata"]!["creationTimestamp"] ?? "";

    private static IApiServer ChooseServer(Switch network)
    {
        IPAddress[] addresses = [.. network.AddressesOf(Lan.ApiServer).Select(IPAddress.Parse)];
        IPNetwork[] ranges = network.Families == LanFamilies.IPv6Only
            ? [IPNetwork.Parse(Lan.Services6)]
            : [IPNetwork.Parse(Lan.Services), IPNetwork.Parse(Lan.Services6)];
        return RealApiServerOptions.AssetsFromEnvironment is { } assets
            ? new RealApiServer(new RealApiServerOptions { AssetsFolder = assets, Addresses = addresses, Port = ApiPort, ServiceRanges = ranges })
            : new LocalApiServer(new LocalApiServerOptions { Addresses = addresses, Port = ApiPort, ServiceRanges = ranges, ForwardPort = network.ForwardAsync, LogFileOf = ProgramProcess.LogOf });
    }

    private IReadOnlyList<(string Namespace, Pod Pod)> Pods()
    {
        lock (_podsLock)
        {
            return [.. _pods];
        }
    }

    private JsonObject PodRanges(int node)
    {
        string[] ranges = Switch.Families == LanFamilies.IPv6Only ? [Lan.PodPrefix6(node)] : [Lan.PodPrefix(node), Lan.PodPrefix6(node)];
        return new JsonObject { ["podCIDR"] = ranges[0], ["podCIDRs"] = new JsonArray([.. ranges.Select(range => (JsonNode)range)]) };
    }

    /// <summary>The endpoint of the Service <c>kubernetes</c>, which kube-apiserver writes by itself.</summary>
    private async Task PublishApiServerAsync()
    {
        const string Slices = "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices";
        bool ipv6 = Switch.Families == LanFamilies.IPv6Only;
        if (await Api.FindAsync($"{Slices}/kubernetes") is null)
        {
            await Api.CreateAsync(Slices, new JsonObject
            {
                ["apiVersion"] = "discovery.k8s.io/v1",
                ["kind"] = "EndpointSlice",
                ["addressType"] = ipv6 ? "IPv6" : "IPv4",
                ["metadata"] = new JsonObject { ["name"] = "kubernetes", ["labels"] = new JsonObject { ["kubernetes.io/service-name"] = "kubernetes" } },
                ["endpoints"] = new JsonArray(new JsonObject { ["addresses"] = new JsonArray(ipv6 ? Lan.IPv6(Lan.ApiServer) : Lan.ApiServer), ["conditions"] = new JsonObject { ["ready"] = true } }),
                ["ports"] = new JsonArray(new JsonObject { ["name"] = "https", ["port"] = ApiPort, ["protocol"] = "TCP" }),
            });
        }
    }

    private async Task CreateNodesAsync()
    {
        foreach (Node node in Nodes)
        {
            await Api.CreateAsync("/api/v1/nodes", new JsonObject
            {
                ["apiVersion"] = "v1",
                ["kind"] = "Node",
                ["metadata"] = new JsonObject { ["name"] = node.Name, ["labels"] = new JsonObject { ["kubernetes.io/hostname"] = node.Name, ["kubernetes.io/os"] = "linux" } },
                ["spec"] = PodRanges(node.Number),
            });
            await Api.MergeAsync($"/api/v1/nodes/{node.Name}/status", new JsonObject
            {
                ["status"] = new JsonObject
                {
                    ["addresses"] = new JsonArray(
                    [
                        .. node.Host.Addresses.Select(address => new JsonObject { ["type"] = "InternalIP", ["address"] = address }),
                        new JsonObject { ["type"] = "Hostname", ["address"] = node.Name },
                    ]),
                    ["conditions"] = new JsonArray(new JsonObject { ["type"] = "Ready", ["status"] = "True", ["reason"] = "KubeletReady" }),
                    ["daemonEndpoints"] = new JsonObject { ["kubeletEndpoint"] = new JsonObject { ["Port"] = 10250 } },
                },
            });
        }
    }
}
