using System.Diagnostics;
using System.Text.Json.Nodes;
using LoadBalancer.LocalCluster.Isolation;
using LoadBalancer.LocalCluster.Network;

namespace LoadBalancer.LocalCluster.Workloads;

/// <summary>A pod that serves a page with nginx, in a network of its own behind its node.</summary>
public sealed class Pod : IAsyncDisposable
{
    /// <summary>The port nginx listens on.</summary>
    public const int Port = 8080;

    private readonly Process _process;

    private Pod(string name, Node node, Host host, IReadOnlyDictionary<string, string> labels, Process process)
    {
        Name = name;
        Node = node;
        Host = host;
        Labels = labels;
        _process = process;
    }

    public string Name { get; }

    public Node Node { get; }

    public Host Host { get; }

    public IReadOnlyDictionary<string, string> Labels { get; }

    /// <summary>Whether it counts as ready; unready pods get no traffic.</summary>
    public bool Ready { get; set; } = true;

    /// <summary>Starts nginx with <paramref name="page"/> as its only page.</summary>
    public static Pod Start(string name, Node node, IReadOnlyDictionary<string, string> labels, string page)
    {
        Host host = node.AddPodNetwork(name);
        string folder = Path.Combine(PrivateRun.Folder, "pods", name);
        Directory.CreateDirectory(folder);
        File.WriteAllText(Path.Combine(folder, "index.html"), page);
        File.WriteAllText(Path.Combine(folder, "nginx.conf"), Configuration(folder, name));
        ProcessStartInfo start = Tool.Describe("nsenter", [$"--net={host.Network.Path}", "--", Tool.Find("nginx") ?? "nginx", "-p", folder, "-c", $"{folder}/nginx.conf", "-e", $"{folder}/error.log"]);
        return new Pod(name, node, host, labels, Process.Start(start)!);
    }

    /// <summary>The Pod object as a kubelet reports it.</summary>
    internal JsonObject ToObject(string space) => new()
    {
        ["apiVersion"] = "v1",
        ["kind"] = "Pod",
        ["metadata"] = new JsonObject { ["name"] = Name, ["namespace"] = space, ["labels"] = ToJson(Labels) },
        ["spec"] = new JsonObject
        {
            ["nodeName"] = Node.Name,
            ["containers"] = new JsonArray(new JsonObject
            {
                ["name"] = "nginx",
                ["image"] = "nginx",
                ["ports"] = new JsonArray(new JsonObject { ["containerPort"] = Port, ["name"] = "http" }),
            }),
        },
    };

    /// <summary>Its status as a kubelet reports it.</summary>
    internal JsonObject ToStatus() => new()
    {
        ["status"] = new JsonObject
        {
            ["phase"] = "Running",
            ["hostIP"] = Node.Host.Address,
            ["podIP"] = Host.Address,
            ["podIPs"] = new JsonArray([.. Host.Addresses.Select(address => new JsonObject { ["ip"] = address })]),
            ["conditions"] = new JsonArray(new JsonObject { ["type"] = "Ready", ["status"] = Ready ? "True" : "False" }),
        },
    };

    internal static JsonObject ToJson(IReadOnlyDictionary<string, string> labels) =>
        new(labels.Select(label => KeyValuePair.Create(label.Key, (JsonNode?)label.Value)));

    public async ValueTask DisposeAsync()
    {
        Native.Signal(_process.Id, Native.SignalTerminate);
        await _process.WaitForExitAsync();
        _process.Dispose();
        Host.Dispose();
    }

    // One process: the master's change of groups is refused in a user namespace.
    private static string Configuration(string folder, string name) =>
        $$"""
        user root root;
        daemon off;
        master_process off;
        pid {{folder}}/nginx.pid;
        events { worker_connections 512; }
        http {
            access_log off;
            client_body_temp_path {{folder}}/body;
            proxy_temp_path {{folder}}/proxy;
            fastcgi_temp_path {{folder}}/fastcgi;
            uwsgi_temp_path {{folder}}/uwsgi;
            scgi_temp_path {{folder}}/scgi;
            keepalive_timeout 600;
            keepalive_requests 1000000;
            server {
                listen {{Port}};
                listen [::]:{{Port}};
                root {{folder}};
                add_header X-Pod {{name}} always;
                add_header X-Client $remote_addr always;
            }
        }
        """;
}
