using System.Text.Json.Nodes;
using LoadBalancer.LocalCluster.ApiServer.Json;
using LoadBalancer.LocalCluster.Client;
using LoadBalancer.LocalCluster.Isolation;
using LoadBalancer.LocalCluster.Monitoring;
using LoadBalancer.LocalCluster.Network;
using LoadBalancer.LocalCluster.Programs;
using LoadBalancer.LocalCluster.Workloads;
using LocalClusterOf = LoadBalancer.LocalCluster.Cluster;

namespace LoadBalancer.Cluster.Tests.Stack;

/// <summary>
/// The stack on the shared cluster: the manifests applied with kubectl, and in the pods' place Debian's Prometheus, Alertmanager
/// and node-exporter, run with the configuration and the arguments that the manifests hold. What Debian lacks is played:
/// Kubernetes service discovery and kube-state-metrics. There is no kubelet, so its two jobs are down.
/// </summary>
public sealed class MonitoringPods : IAsyncDisposable
{
    private const string Space = "monitoring";
    private readonly CancellationTokenSource _stop = new();
    private AppliedManifests? _applied;
    private Task? _started;
    private Task _playing = Task.CompletedTask;

    /// <summary>Starts it, once; what went wrong then is told every time.</summary>
    public Task StartAsync(LocalClusterOf cluster) => _started ??= StartOnceAsync(cluster);

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _playing.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (_applied is not null)
        {
            await _applied.DisposeAsync();
        }

        _stop.Dispose();
    }

    private async Task StartOnceAsync(LocalClusterOf cluster)
    {
        _applied = new AppliedManifests(cluster, "monitoring");
        _applied.Apply();
        string config = await ConfigurationAsync("prometheus", "prometheus-config");
        var scraping = new ScrapeConfig(await File.ReadAllTextAsync(Path.Combine(config, "prometheus.yml")), config);
        await File.WriteAllTextAsync(Path.Combine(config, "prometheus.yml"), scraping.Text);
        await WriteCredentialsAsync("prometheus");
        await StartPodsAsync(config);
        _playing = PlayAsync(new Discovery(AsServiceAccount("prometheus")), scraping.Requests, config, new StateMetrics(AsServiceAccount("kube-state-metrics")));
    }

    private async Task StartPodsAsync(string prometheusConfig)
    {
        IReadOnlyList<Node> nodes = _applied!.Cluster.Nodes;
        await StartWithDataAsync("prometheus", "prometheus", nodes[0], prometheusConfig, "/etc/prometheus", "/prometheus");
        await StartWithDataAsync("alertmanager", "prometheus-alertmanager", nodes[1],
            await ConfigurationAsync("alertmanager", "alertmanager-config"), "/etc/alertmanager", "/alertmanager");

        JsonObject state = await _applied!.TemplateAsync(Space, "deployments", "kube-state-metrics");
        await _applied!.AddAsync(Pod.Start("kube-state-metrics", nodes[2], state, ""), Space);

        JsonObject exporter = await _applied!.TemplateAsync(Space, "daemonsets", "node-exporter");
        JsonObject controller = await _applied!.TemplateAsync(LocalClusterOf.SystemNamespace, "deployments", "controller");
        JsonObject speaker = await _applied!.TemplateAsync(LocalClusterOf.SystemNamespace, "daemonsets", "speaker");
        foreach (Node node in nodes)
        {
            string[] command = [Program("prometheus-node-exporter"), .. Arguments(exporter).Select(argument => argument.Replace("/host/root/", "/", StringComparison.Ordinal).Replace("/host/root", "/", StringComparison.Ordinal))];
            await _applied!.AddAsync(Pod.OnHost($"node-exporter-{node.Name}", node, exporter, ProgramProcess.Start($"node-exporter-{node.Name}", node.Host, command, null)), Space);
            await _applied!.AddAsync(Pod.OnHost($"speaker-{node.Name}", node, speaker), LocalClusterOf.SystemNamespace);
        }

        foreach (Node node in nodes.Take(2))
        {
            await _applied!.AddAsync(Pod.OnHost($"controller-{node.Name}", node, controller), LocalClusterOf.SystemNamespace);
        }
    }

    /// <summary>
    /// Prometheus and Alertmanager: the container's arguments with the paths of this run, as the user the manifest says, on a data
    /// folder that belongs to root until the manifest's own first container has put it right.
    /// </summary>
    private async Task StartWithDataAsync(string name, string program, Node node, string config, string configPath, string dataPath)
    {
        JsonObject template = await _applied!.TemplateAsync(Space, "deployments", name);
        string data = Path.Combine(Pod.FolderOf(name), "data");

        // Another class of this cluster may have left it, as the user of the manifest.
        Tool.Run("rm", ["-rf", data]);
        Tool.Run("mkdir", ["-m", "0700", data]);
        bool mayChangeUser = Environment.GetEnvironmentVariable("LB_ORDINARY_USER") is null;
        if (mayChangeUser)
        {
            PrepareData(template, dataPath, data);
        }

        IEnumerable<string> arguments = Arguments(template).Select(argument =>
            argument.Replace($"={configPath}/", $"={config}/", StringComparison.Ordinal).Replace($"={dataPath}", $"={data}", StringComparison.Ordinal));
        JsonNode? context = template.Objects("spec", "containers").Single()["securityContext"];
        long user = context.Number("runAsUser") ?? template.Number("spec", "securityContext", "runAsUser")!.Value;
        string[] command = mayChangeUser
            ? ["setpriv", $"--reuid={user}", $"--regid={user}", "--clear-groups", "--no-new-privs", Program(program), .. arguments]
            : [Program(program), .. arguments];
        await _applied!.AddAsync(Pod.Run(name, node, template, command, mayChangeUser ? "setuid,+setgid" : null), Space);
    }

    private static void PrepareData(JsonObject template, string dataPath, string data)
    {
        if (template.Objects("spec", "initContainers").SingleOrDefault(container => container.Text("name") == "data-permissions") is { } container)
        {
            string capabilities = string.Concat(container.Strings("securityContext", "capabilities", "add").Select(name => $",+{name.ToLowerInvariant()}"));
            string[] command = [.. container.Strings("command").Select(word => word.Replace(dataPath, data, StringComparison.Ordinal))];
            Tool.Run("setpriv", [$"--bounding-set=-all{capabilities}", $"--inh-caps=-all{capabilities}", "--", .. command]);
        }
        else
        {
            // An emptyDir with fsGroup, which the kubelet sees to.
            Tool.Run("chown", [$"{template.Number("spec", "securityContext", "fsGroup")}", data]);
        }
    }

    /// <summary>Puts the files of a generated ConfigMap into a folder, as a volume of it.</summary>
    private async Task<string> ConfigurationAsync(string name, string configMap)
    {
        JsonObject volume = (await _applied!.TemplateAsync(Space, "deployments", name)).Objects("spec", "volumes").Single(v => v.Text("configMap", "name").StartsWith(configMap, StringComparison.Ordinal));
        JsonObject map = await _applied!.Cluster.Api.GetAsync($"/api/v1/namespaces/{Space}/configmaps/{volume.Text("configMap", "name")}");
        string folder = Directory.CreateDirectory(Path.Combine(Pod.FolderOf(name), "config")).FullName;
        foreach ((string file, JsonNode? text) in map.Map("data")!)
        {
            await File.WriteAllTextAsync(Path.Combine(folder, file), text.Text());
        }

        return folder;
    }

    /// <summary>Token and CA where a pod has them.</summary>
    private async Task WriteCredentialsAsync(string account)
    {
        JsonObject request = await _applied!.Cluster.Api.CreateAsync($"/api/v1/namespaces/{Space}/serviceaccounts/{account}/token", new JsonObject
        {
            ["apiVersion"] = "authentication.k8s.io/v1",
            ["kind"] = "TokenRequest",
            ["spec"] = new JsonObject(),
        });
        string folder = Directory.CreateDirectory("/run/secrets/kubernetes.io/serviceaccount").FullName;
        await File.WriteAllTextAsync(Path.Combine(folder, "token"), request.Text("status", "token"));
        await File.WriteAllTextAsync(Path.Combine(folder, "ca.crt"), _applied!.Cluster.Server.CaCertificatePem);
    }

    private KubeApi AsServiceAccount(string account)
    {
        string file = Path.Combine(PrivateRun.Folder, $"{account}.kubeconfig");
        return new KubeApi(new KubeconfigFile(_applied!.Cluster.Server.WriteKubeconfig(file, $"system:serviceaccount:{Space}:{account}")));
    }

    private async Task PlayAsync(Discovery discovery, IReadOnlyList<DiscoveryRequest> requests, string folder, StateMetrics state)
    {
        string metrics = Path.Combine(Pod.FolderOf("kube-state-metrics"), "metrics");
        while (true)
        {
            await discovery.WriteAsync(requests, folder);
            await File.WriteAllTextAsync(metrics + ".new", await state.RenderAsync());
            File.Move(metrics + ".new", metrics, overwrite: true);
            await Task.Delay(TimeSpan.FromSeconds(1), TimeProvider.System, _stop.Token);
        }
    }

    private static IEnumerable<string> Arguments(JsonObject template) => template.Objects("spec", "containers").Single().Strings("args");

    private static string Program(string name) =>
        Tool.Find(name) ?? throw new FileNotFoundException($"{name} is not installed ('make test' installs it from Debian's packages)");
}
