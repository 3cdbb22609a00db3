using System.Text.Json.Nodes;
using LoadBalancer.LocalCluster;
using LoadBalancer.LocalCluster.ApiServer.Json;
using LoadBalancer.LocalCluster.Network;
using LoadBalancer.LocalCluster.Probes;
using LoadBalancer.LocalCluster.Workloads;

namespace LoadBalancer.Cluster.Tests.Stack;

/// <summary>manifests/examples: Services whose pods are not there to serve. The pods' state is reported as a kubelet would.</summary>
public sealed class ExampleTests(ClusterFixture fixture, ITestOutputHelper output) : ProgramTest(fixture, output)
{
    private AppliedManifests? _applied;

    public override async ValueTask InitializeAsync()
    {
        await base.InitializeAsync();
        _applied = new AppliedManifests(Cluster, "examples");
        _applied.Apply();
    }

    public override async ValueTask DisposeAsync()
    {
        GC.SuppressFinalize(this);
        await _applied!.DisposeAsync();
        await base.DisposeAsync();
    }

    [Fact]
    public async Task Terminated_IsAnnouncedWhileItServes_NotAfterwards_AndAgainWithANewPod()
    {
        string address = await Cluster.WaitForAddressAsync("terminated");

        // kubectl made the Pod object; the run below takes its place, since a pod here is a process too.
        JsonObject manifest = await Cluster.Api.GetAsync("/api/v1/namespaces/default/pods/terminated");
        await Cluster.Api.DeleteAsync("/api/v1/namespaces/default/pods/terminated");
        Pod pod = await StartAsync("terminated", Cluster.Nodes[0], manifest);
        await OwnerOnWireAsync(address);
        Assert.Contains("hello from terminated", await GetPageAsync(Cluster.Client, address), StringComparison.Ordinal);

        pod.Terminated = true;
        await Cluster.ReportAsync(pod);
        await SilentAsync(address);
        await Eventually.GetAsync(() => Cluster.LastEventAsync("terminated", "NoServingEndpoint"), Soon, "an Event NoServingEndpoint");
        Assert.Equal([address], Cluster.Addresses("terminated"));

        await StartAsync("terminated-again", Cluster.Nodes[1], manifest);
        await OwnerOnWireAsync(address);
    }

    [Fact]
    public async Task Unavailable_IsNotAnnounced_UntilItsPodIsReady()
    {
        string address = await Cluster.WaitForAddressAsync("unavailable");
        JsonObject template = (await Cluster.Api.GetAsync("/apis/apps/v1/namespaces/default/deployments/unavailable"))["spec"].Map("template")!;
        Pod pod = await StartAsync("unavailable", Cluster.Nodes[2], template, ready: false);
        await SilentAsync(address);
        Assert.Null(await Cluster.LastEventAsync("unavailable", "nodeAssigned"));

        await Cluster.SetReadyAsync(pod, true);
        await OwnerOnWireAsync(address);
        Assert.Contains("hello from unavailable", await GetPageAsync(Cluster.Client, address), StringComparison.Ordinal);

        await Cluster.SetReadyAsync(pod, false);
        await SilentAsync(address);
    }

    private async Task<Pod> StartAsync(string name, Node node, JsonObject shape, bool ready = true)
    {
        var template = new JsonObject
        {
            ["metadata"] = new JsonObject { ["labels"] = shape["metadata"].Map("labels")!.DeepClone() },
            ["spec"] = shape["spec"]!.DeepClone(),
        };
        var pod = Pod.Start(name, node, template, $"hello from {name}\n");
        pod.Ready = ready;
        await _applied!.AddAsync(pod, "default");
        return pod;
    }

    /// <summary>Waits until nobody has answered for an address for a second.</summary>
    private async Task SilentAsync(string address)
    {
        await using ArpProbe probe = ArpProbe.Start(Cluster.Client, address);
        await Eventually.TrueAsync(() => probe.LongestSilence(probe.Now - TimeSpan.FromSeconds(1)) >= TimeSpan.FromSeconds(1), Soon, $"a second without an answer for {address}");
    }
}
