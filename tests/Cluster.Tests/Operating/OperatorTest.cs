using System.Diagnostics;
using System.Text.Json.Nodes;
using LoadBalancer.LocalCluster.ApiServer.Json;
using LoadBalancer.LocalCluster.Isolation;
using LoadBalancer.LocalCluster.Network;
using LoadBalancer.LocalCluster.Programs;
using LoadBalancer.LocalCluster.Workloads;
using LocalClusterOf = LoadBalancer.LocalCluster.Cluster;

namespace LoadBalancer.Cluster.Tests.Operating;

/// <summary>A test of <c>kubectl lb</c>: the built program as the plugin of the real kubectl, on a cluster whose programs are pods of it.</summary>
public abstract class OperatorTest(ClusterFixture fixture, ITestOutputHelper output) : ProgramTest(fixture, output)
{
    private readonly List<Pod> _pods = [];

    public override async ValueTask InitializeAsync()
    {
        await base.InitializeAsync();
        foreach (var node in Cluster.Nodes)
        {
            await AddPodAsync("speaker", "daemonsets", node);
        }

        foreach (var node in ControllerNodes)
        {
            await AddPodAsync("controller", "deployments", node);
        }
    }

    public override async ValueTask DisposeAsync()
    {
        foreach (Pod pod in _pods)
        {
            await Cluster.RemoveAsync(pod, LocalClusterOf.SystemNamespace);
            await Cluster.Api.DeleteAsync($"/api/v1/namespaces/{LocalClusterOf.SystemNamespace}/pods/{pod.Name}?gracePeriodSeconds=0");
        }

        GC.SuppressFinalize(this);
        await base.DisposeAsync();
    }

    /// <summary>Runs <c>kubectl lb …</c> as somebody.</summary>
    protected internal static (int Status, string Out, string Error, TimeSpan Took) LbAs(string kubeconfig, params string[] arguments) => Run(kubeconfig, "kubectl", ["lb", .. arguments]);

    /// <summary>As the administrator, on a host of the LAN, as root or without root's rights on its links.</summary>
    protected (int Status, string Out, string Error, TimeSpan Took) LbOn(Host host, bool asRoot, params string[] arguments) => Run(
        Cluster.AdminKubeconfig, "nsenter",
        [$"--net={host.Network.Path}", "--", .. asRoot ? (string[])[] : ["setpriv", "--bounding-set=-net_raw", "--inh-caps=-net_raw", "--"], Tool.Find("kubectl") ?? "kubectl", "lb", .. arguments]);

    /// <summary>Runs a program as somebody, with kubectl-lb where kubectl finds it.</summary>
    private protected static (int Status, string Out, string Error, TimeSpan Took) Run(string kubeconfig, string program, string[] words)
    {
        Assert.SkipWhen(Tool.Find("kubectl") is null, "kubectl is not installed");
        string plugin = ProgramFile.FindPlugin();
        var start = new ProcessStartInfo(program, words);
        start.Environment["KUBECONFIG"] = kubeconfig;
        start.Environment["PATH"] = $"{Path.GetDirectoryName(plugin)}:{Environment.GetEnvironmentVariable("PATH")}";
        start.RedirectStandardOutput = start.RedirectStandardError = true;
        long begun = TimeProvider.System.GetTimestamp();
        using Process process = Process.Start(start)!;
        Task<string> error = process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        string text = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return (process.ExitCode, text, error.Result, TimeProvider.System.GetElapsedTime(begun));
    }

    /// <summary>As the administrator.</summary>
    protected (int Status, string Out, string Error, TimeSpan Took) Lb(params string[] arguments) => LbAs(Cluster.AdminKubeconfig, arguments);

    private async Task AddPodAsync(string program, string plural, LocalCluster.Network.Node node)
    {
        JsonObject template = (await Cluster.Api.GetAsync($"/apis/apps/v1/namespaces/{LocalClusterOf.SystemNamespace}/{plural}/{program}"))["spec"].Map("template")!.DeepClone().AsObject();
        Pod pod = Pod.OnHost($"{program}-{node.Name}", node, template);
        await Cluster.AddAsync(pod, LocalClusterOf.SystemNamespace);
        _pods.Add(pod);
    }
}
