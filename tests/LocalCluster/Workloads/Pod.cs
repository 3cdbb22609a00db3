using System.Diagnostics;
using System.Text.Json.Nodes;
using LoadBalancer.LocalCluster.ApiServer.Json;
using LoadBalancer.LocalCluster.Isolation;
using LoadBalancer.LocalCluster.Network;
using LoadBalancer.LocalCluster.Programs;

namespace LoadBalancer.LocalCluster.Workloads;

/// <summary>A pod: real processes in a network of their own behind a node, or on the node's network, and the object a kubelet would report.</summary>
public sealed class Pod : IAsyncDisposable
{
    /// <summary>The port nginx listens on.</summary>
    public const int Port = 8080;

    private readonly JsonObject _template;
    private readonly Func<ValueTask> _stop;

    private Pod(string name, Node node, Host host, JsonObject template, Func<ValueTask> stop)
    {
        Name = name;
        Node = node;
        Host = host;
        _template = template;
        _stop = stop;
        Labels = template.Map("metadata", "labels")?.ToDictionary(label => label.Key, label => label.Value.Text(), StringComparer.Ordinal) ?? [];
    }

    public string Name { get; }

    public Node Node { get; }

    public Host Host { get; }

    public IReadOnlyDictionary<string, string> Labels { get; }

    /// <summary>Whether it counts as ready; unready pods get no traffic.</summary>
    public bool Ready { get; set; } = true;

    /// <summary>Whether its containers have ended, not to be started again: no endpoint of any Service.</summary>
    public bool Terminated { get; set; }

    /// <summary>Starts nginx with <paramref name="page"/> as its only page.</summary>
    public static Pod Start(string name, Node node, IReadOnlyDictionary<string, string> labels, string page) => Start(name, node, Template(labels), page);

    /// <summary>Starts nginx with one page, in place of the program a pod template names.</summary>
    /// <param name="name">The pod's name.</param>
    /// <param name="node">Its node.</param>
    /// <param name="template">The template; its port must be 8080.</param>
    /// <param name="page">The page.</param>
    public static Pod Start(string name, Node node, JsonObject template, string page)
    {
        File.WriteAllText(Path.Combine(FolderOf(name), "index.html"), page);
        return StartNginx(name, node, template, Server(FolderOf(name), name));
    }

    /// <summary>Starts nginx with a server block of the caller's.</summary>
    public static Pod StartNginx(string name, Node node, JsonObject template, string server)
    {
        Host host = node.AddPodNetwork(name);
        string folder = FolderOf(name);
        File.WriteAllText(Path.Combine(folder, "nginx.conf"), Configuration(folder, server));
        ProcessStartInfo start = Tool.Describe("nsenter", [$"--net={host.Network.Path}", "--", Tool.Find("nginx") ?? "nginx", "-p", folder, "-c", $"{folder}/nginx.conf", "-e", $"{folder}/error.log"]);
        Process process = Process.Start(start)!;
        return new Pod(name, node, host, template, async () =>
        {
            Native.Signal(process.Id, Native.SignalTerminate);
            await process.WaitForExitAsync();
            process.Dispose();
            host.Dispose();
        });
    }

    /// <summary>Runs a program in a pod's network.</summary>
    /// <param name="name">The pod's name.</param>
    /// <param name="node">Its node.</param>
    /// <param name="template">The template it is of.</param>
    /// <param name="command">The executable and its arguments.</param>
    /// <param name="capability">What it keeps of root's rights, as <see cref="ProgramProcess.Start"/> takes it.</param>
    public static Pod Run(string name, Node node, JsonObject template, IEnumerable<string> command, string? capability = null)
    {
        Host host = node.AddPodNetwork(name);
        ProgramProcess process = ProgramProcess.Start(name, host, command, capability);
        return new Pod(name, node, host, template, async () =>
        {
            await process.DisposeAsync();
            host.Dispose();
        });
    }

    /// <summary>A pod on the node's own network, of a program that runs there.</summary>
    public static Pod OnHost(string name, Node node, JsonObject template, ProgramProcess? process = null) =>
        new(name, node, node.Host, template, () => process?.DisposeAsync() ?? ValueTask.CompletedTask);

    /// <summary>Where a pod's files are.</summary>
    public static string FolderOf(string name) => Directory.CreateDirectory(Path.Combine(PrivateRun.Folder, "pods", name)).FullName;

    /// <summary>The number behind a Service's <c>targetPort</c>: what the template calls so, else 8080, where nginx serves whatever it is called.</summary>
    public long PortFor(JsonNode? targetPort) => _template.Objects("spec", "containers").SelectMany(container => container.Objects("ports"))
        .FirstOrDefault(port => port.Text("name") == targetPort.Text() || (port.Number("containerPort") is { } number && number == targetPort.Number()))
        .Number("containerPort") ?? Port;

    /// <summary>The Pod object as a kubelet reports it.</summary>
    internal JsonObject ToObject(string space)
    {
        var metadata = new JsonObject { ["name"] = Name, ["namespace"] = space };
        metadata.Put("labels", _template.Map("metadata", "labels")?.DeepClone());
        metadata.Put("annotations", _template.Map("metadata", "annotations")?.DeepClone());
        JsonObject spec = _template.Map("spec")!.DeepClone().AsObject();
        spec["nodeName"] = Node.Name;
        return new JsonObject { ["apiVersion"] = "v1", ["kind"] = "Pod", ["metadata"] = metadata, ["spec"] = spec };
    }

    /// <summary>Its status as a kubelet reports it.</summary>
    internal JsonObject ToStatus() => new()
    {
        ["status"] = new JsonObject
        {
            ["phase"] = Terminated ? "Succeeded" : "Running",
            ["hostIP"] = Node.Host.Address,
            ["podIP"] = Host.Address,
            ["podIPs"] = new JsonArray([.. Host.Addresses.Select(address => new JsonObject { ["ip"] = address })]),
            ["conditions"] = new JsonArray(new JsonObject { ["type"] = "Ready", ["status"] = Ready && !Terminated ? "True" : "False" }),
        },
    };

    public ValueTask DisposeAsync() => _stop();

    private static JsonObject Template(IReadOnlyDictionary<string, string> labels) => new()
    {
        ["metadata"] = new JsonObject { ["labels"] = new JsonObject(labels.Select(label => KeyValuePair.Create(label.Key, (JsonNode?)label.Value))) },
        ["spec"] = new JsonObject
        {
            ["containers"] = new JsonArray(new JsonObject
            {
                ["name"] = "nginx",
                ["image"] = "nginx",
                ["ports"] = new JsonArray(new JsonObject { ["containerPort"] = Port, ["name"] = "http" }),
            }),
        },
    };

    // One process: the master's change of groups is refused in a user namespace.
    private static string Configuration(string folder, string server) =>
        $$"""
        user root root;
        daemon off;
        master_process off;
        pid {{folder}}/nginx.pid;
        worker_rlimit_nofile 16384;
        events { worker_connections 8192; }
        http {
            access_log off;
            client_body_temp_path {{folder}}/body;
            proxy_temp_path {{folder}}/proxy;
            fastcgi_temp_path {{folder}}/fastcgi;
            uwsgi_temp_path {{folder}}/uwsgi;
            scgi_temp_path {{folder}}/scgi;
            keepalive_timeout 600;
            keepalive_requests 1000000;
            {{server}}
        }
        """;

    private static string Server(string folder, string name) =>
        $$"""
        server {
            listen {{Port}};
            listen [::]:{{Port}};
            root {{folder}};
            add_header X-Pod {{name}} always;
            add_header X-Client $remote_addr always;
        }
        """;
}
