using System.Diagnostics;
using System.Text.Json.Nodes;
using LoadBalancer.Cluster.Tests.Papers;
using LoadBalancer.LocalCluster;
using LoadBalancer.LocalCluster.ApiServer.Json;
using LoadBalancer.LocalCluster.Client;
using LoadBalancer.LocalCluster.Isolation;
using LoadBalancer.LocalCluster.Programs;

namespace LoadBalancer.Manifests.Tests.Migrating;

/// <summary>
/// The walk of docs/migrate.md with <c>kubectl lb</c>, typed as it stands there, at an API server with MetalLB's objects: those of a release, if
/// <c>METALLB_MANIFESTS</c> names its <c>metallb-native.yaml</c>, else what of them the walk touches. No program runs, neither MetalLB's nor
/// ours: that ours adopts the addresses it finds is tested where it runs (<c>ControllerLossTests</c>, <c>PlanAndMigrateTests</c>).
/// </summary>
public sealed class MigrateWalkTests
{
    private const string FromFile = "kubectl -n loadbalancer-system create configmap config --from-file=config=pools.yaml";
    private const string Services = "/api/v1/namespaces/default/services";
    private static readonly string[] Held = ["192.168.96.120", "192.168.96.101", "192.168.96.150"];

    private static readonly string Resources =
        """
        apiVersion: metallb.io/v1beta1
        kind: IPAddressPool
        metadata: {name: lan, namespace: metallb-system}
        spec:
          addresses: [192.168.96.100-192.168.96.150]
          avoidBuggyIPs: true
          serviceAllocation: {priority: 50, namespaces: [default], namespaceSelectors: [{matchLabels: {team: web}}]}
        ---
        apiVersion: metallb.io/v1beta1
        kind: IPAddressPool
        metadata: {name: by-hand, namespace: metallb-system}
        spec: {addresses: [192.168.97.0/28], autoAssign: false}
        ---
        apiVersion: metallb.io/v1beta1
        kind: L2Advertisement
        metadata: {name: all, namespace: metallb-system}
        spec: {ipAddressPools: [lan, by-hand], interfaces: [eth0], nodeSelectors: [{matchLabels: {kubernetes.io/os: linux}}]}
        """;

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task EveryCommandSucceeds_TheAddressesStay_AndThePoolsSayWhatTheyDid(bool real)
    {
        Assert.SkipWhen(Tool.Find("kubectl") is null, "kubectl is not installed");
        await using var server = await AskedApiServer.StartAsync(real, "the walk from MetalLB was not done at a kube-apiserver");
        Tool.Run("cp", ["-a", ProjectFiles.At("manifests"), server.Folder]);
        await InstallMetalLBAsync(server.Kubeconfig, server.Folder);
        foreach (var address in Held)
        {
            await HoldAsync(server.Admin, address);
        }

        foreach (var command in Commands())
        {
            // Nobody empties namespaces beside a kube-apiserver alone, and kubectl would wait for it.
            await TypeAsync(real ? command.Replace("delete namespace metallb-system", "delete namespace metallb-system --wait=false", StringComparison.Ordinal) : command, server.Kubeconfig, server.Folder);
        }

        foreach (var address in Held)
        {
            Assert.Equal(address, Assert.Single((await server.Admin.GetAsync($"{Services}/{NameOf(address)}")).Objects("status", "loadBalancer", "ingress")).Text("ip"));
        }

        var pools = (await server.Admin.GetAsync($"/api/v1/namespaces/{Manifests.Namespace}/configmaps/config")).Text("data", "config");
        Assert.All(
            ["name: lan", "192.168.96.100-192.168.96.150", "avoid-buggy-ips: true", "priority: 50", "auto-assign: false", "interfaces:", "kubernetes.io/os: linux"],
            said => Assert.Contains(said, pools, StringComparison.Ordinal));
        await Eventually.GetAsync(
            async () => (await server.Admin.GetAsync("/apis/apiextensions.k8s.io/v1/customresourcedefinitions")).Objects("items").Any(kind => kind.Text("spec", "group") == "metallb.io") ? null : "gone",
            TimeSpan.FromSeconds(30), "MetalLB's kinds to be gone");
    }

    // The page's blocks that need MetalLB, without the ConfigMap of old and without the way for who has not the plugin.
    private static IReadOnlyList<string> Commands()
    {
        string[] commands =
        [
            .. PageBlock.ReadAll(ProjectFiles.Read("docs", "migrate.md"))
                .Where(block => block.Needs is "a cluster with MetalLB" || (block.Needs is "a cluster with MetalLB 0.13 or newer" && block.Lines.Any(line => line.Contains("kubectl lb", StringComparison.Ordinal))))
                .SelectMany(block => block.Commands()).Where(command => !command.StartsWith("arping", StringComparison.Ordinal)),
        ];
        Assert.Contains(commands, command => command.Contains(FromFile, StringComparison.Ordinal));
        Assert.Contains(commands, command => command.StartsWith("kubectl lb migrate --from-cluster", StringComparison.Ordinal));
        return [.. commands.Select(command => command.Replace(FromFile, "kubectl apply -f configmap.yaml", StringComparison.Ordinal))];
    }

    private static string NameOf(string address) => $"held-{address.Split('.')[3]}";

    // As MetalLB left it.
    private static async Task HoldAsync(KubeApi admin, string address)
    {
        await admin.CreateAsync(Services, new JsonObject
        {
            ["apiVersion"] = "v1",
            ["kind"] = "Service",
            ["metadata"] = new JsonObject { ["name"] = NameOf(address) },
            ["spec"] = new JsonObject { ["type"] = "LoadBalancer", ["ports"] = new JsonArray(new JsonObject { ["port"] = 80 }) },
        });
        await admin.MergeAsync($"{Services}/{NameOf(address)}/status", new JsonObject
        {
            ["status"] = new JsonObject { ["loadBalancer"] = new JsonObject { ["ingress"] = new JsonArray(new JsonObject { ["ip"] = address }) } },
        });
    }

    private static async Task InstallMetalLBAsync(string kubeconfig, string folder)
    {
        var release = Environment.GetEnvironmentVariable("METALLB_MANIFESTS");
        Tool.Run("kubectl", ["--kubeconfig", kubeconfig, "apply", "-f", string.IsNullOrEmpty(release) ? ProjectFiles.At("tests", "Manifests.Tests", "Migrating", "metallb.yaml") : release]);

        // A release's webhook would be asked about each resource, and nobody runs it here.
        Tool.Run("kubectl", ["--kubeconfig", kubeconfig, "delete", "validatingwebhookconfiguration", "metallb-webhook-configuration", "--ignore-not-found"]);
        var file = Path.Combine(folder, "metallb-resources.yaml");
        await File.WriteAllTextAsync(file, Resources, TestContext.Current.CancellationToken);
        var last = "";
        await Eventually.TrueAsync(
            () =>
            {
                var result = Tool.Try("kubectl", ["--kubeconfig", kubeconfig, "--cache-dir", Path.Combine(folder, "cache"), "apply", "-f", file]);
                last = result.Errors;
                return result.ExitCode == 0;
            },
            TimeSpan.FromSeconds(30), "MetalLB's kinds to be served", () => last);
    }

    private static async Task TypeAsync(string command, string kubeconfig, string folder)
    {
        var start = new ProcessStartInfo("timeout", ["60", "sh", "-c", command]) { WorkingDirectory = folder, RedirectStandardError = true, RedirectStandardOutput = true };
        start.Environment["KUBECONFIG"] = kubeconfig;
        start.Environment["HOME"] = folder;
        start.Environment["PATH"] = $"{Path.GetDirectoryName(ProgramFile.FindPlugin())}:{Environment.GetEnvironmentVariable("PATH")}";
        using var process = Process.Start(start)!;
        var errors = process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        var output = await process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);
        Assert.True(process.ExitCode == 0, $"{command}\n{process.ExitCode}: {output}{await errors}");
    }
}
