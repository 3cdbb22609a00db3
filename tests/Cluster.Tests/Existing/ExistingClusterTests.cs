using System.Diagnostics;
using System.Text.Json.Nodes;
using LoadBalancer.LocalCluster;
using LoadBalancer.LocalCluster.Client;
using LoadBalancer.LocalCluster.Programs;

namespace LoadBalancer.Cluster.Tests.Existing;

/// <summary>
/// Reads and writes on a cluster that is there already: <c>LB_TEST_EXISTING=1</c> and <c>KUBECONFIG</c>. Everything happens in a
/// namespace of its own and on Services of a class of their own, and is removed afterwards; nothing is announced.
/// </summary>
public sealed class ExistingClusterTests(ITestOutputHelper output) : IAsyncLifetime
{
    private const string Class = "loadbalancer.test/existing";
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);
    private readonly string _space = $"loadbalancer-test-{Guid.NewGuid():N}"[..26];
    private KubeApi? _api;
    private Process? _controller;

    /// <summary>Whether the run is about such a cluster, and only about it.</summary>
    internal static bool IsAsked => Environment.GetEnvironmentVariable("LB_TEST_EXISTING") == "1";

    private static string Kubeconfig => Environment.GetEnvironmentVariable("KUBECONFIG") is { Length: > 0 } path ? path : throw new InvalidOperationException("LB_TEST_EXISTING=1 needs KUBECONFIG");

    public ValueTask InitializeAsync() => ValueTask.CompletedTask;

    [Fact]
    public async Task Services_GetAddresses_KeepThemOverARestart_AndGiveThemBack()
    {
        Assert.SkipUnless(IsAsked, "for a cluster that is there already: LB_TEST_EXISTING=1 KUBECONFIG=…");
        _api = new KubeApi(new KubeconfigFile(Kubeconfig));
        await _api.CreateAsync("/api/v1/namespaces", Manifest.Parse($"{{apiVersion: v1, kind: Namespace, metadata: {{name: {_space}}}}}")[0]);
        await _api.CreateAsync($"/api/v1/namespaces/{_space}/configmaps", new JsonObject
        {
            ["metadata"] = new JsonObject { ["name"] = "config" },
            // TEST-NET-1 (RFC 5737): no network routes it.
            ["data"] = new JsonObject { ["config"] = "address-pools: [{name: test, protocol: layer2, addresses: [192.0.2.0/29]}]" },
        });
        _controller = StartController();
        for (int number = 0; number < 5; number++)
        {
            await _api.CreateAsync(Services, Service($"web-{number}"));
        }

        string[] given = await AddressesAsync(5);
        output.WriteLine($"given: {string.Join(", ", given)}");
        Assert.Equal(5, given.Distinct().Count());

        await EndAsync(_controller);
        _controller = StartController();
        await _api.CreateAsync(Services, Service("web-5"));
        string[] later = await AddressesAsync(6);
        Assert.Equal(given, later[..5]);

        await _api.MergeAsync($"{Services}/web-0", new JsonObject { ["spec"] = new JsonObject { ["type"] = "ClusterIP", ["loadBalancerClass"] = null, ["allocateLoadBalancerNodePorts"] = null } });
        await Eventually.GetAsync(
            async () => LocalCluster.Cluster.AddressesOf(await _api.GetAsync($"{Services}/web-0")).Count == 0 ? "" : null, Patience, "the address given back");
    }

    public async ValueTask DisposeAsync()
    {
        if (_controller is not null)
        {
            await EndAsync(_controller);
        }

        if (_api is not null)
        {
            await _api.DeleteAsync($"/api/v1/namespaces/{_space}");
            _api.Dispose();
        }
    }

    private string Services => $"/api/v1/namespaces/{_space}/services";

    private async Task<string[]> AddressesAsync(int count) => await Eventually.GetAsync(
        async () =>
        {
            JsonArray items = (await _api!.GetAsync(Services))["items"]!.AsArray();
            string[] addresses = [.. items.OrderBy(item => (string)item!["metadata"]!["name"]!, StringComparer.Ordinal).SelectMany(item => LocalCluster.Cluster.AddressesOf(item!.AsObject()))];
            return addresses.Length == count ? addresses : null;
        },
        Patience, $"{count} addresses");

    private Process StartController() => Process.Start(new ProcessStartInfo(
        ProgramFile.Find("controller"), ["--kubeconfig", Kubeconfig, "--namespace", _space, "--lb-class", Class, "--listen", "127.0.0.1:0"]))!;

    private static async Task EndAsync(Process controller)
    {
        controller.Kill();
        await controller.WaitForExitAsync(CancellationToken.None);
        controller.Dispose();
    }

    private static JsonObject Service(string name) => new()
    {
        ["metadata"] = new JsonObject { ["name"] = name },
        ["spec"] = new JsonObject { ["type"] = "LoadBalancer", ["loadBalancerClass"] = Class, ["ports"] = new JsonArray(new JsonObject { ["port"] = 80 }) },
    };
}
