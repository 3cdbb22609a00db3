using System.Net;
using System.Text.Json.Nodes;
using LoadBalancer.Kubernetes.Client;
using LoadBalancer.Kubernetes.ListWatch;
using LoadBalancer.Kubernetes.Resources;
using LoadBalancer.LocalCluster;
using LoadBalancer.LocalCluster.ApiServer;
using LoadBalancer.LocalCluster.Client;
using Microsoft.Extensions.Logging.Abstractions;

namespace LoadBalancer.Cluster.Tests.ApiServer;

/// <summary>Kubernetes 1.20, whose EndpointSlices are v1beta1 and which drops what it does not know, as the programs' own client sees it.</summary>
public sealed class OldServerTests
{
    private const string Slices = "/apis/discovery.k8s.io/v1beta1/namespaces/default/endpointslices";
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(15);

    [Fact]
    public async Task EndpointSlices_OfAServerWithoutV1_AreFoundByDiscovery_AndFollowed()
    {
        await using var server = new LocalApiServer(new LocalApiServerOptions
        {
            Addresses = [IPAddress.Loopback],
            EndpointSliceVersions = ["v1beta1"],
            KubernetesVersion = new Version(1, 20, 2),
        });
        await server.StartAsync();
        string file = server.WriteKubeconfig(Path.GetTempFileName());
        using var admin = new KubeApi(new KubeconfigFile(file));
        await admin.CreateAsync(Slices, Slice("n1", ready: true));

        using ApiConnection connection = new ApiClientFactory(TimeProvider.System).Connect(file, "test/1");
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        var store = new Store<EndpointSliceResource>();
        var source = new ApiResourceSource<EndpointSliceResource>(
            new ApiClient(connection, ApiUse.Speaker, TimeProvider.System), ResourceKinds.EndpointSlices, ResourceSelection.All, TimeProvider.System);
        Task running = new Reflector<EndpointSliceResource>(
            source, store, "endpointslices", TimeProvider.System, Random.Shared.NextDouble, NullLogger<Reflector<EndpointSliceResource>>.Instance).RunAsync(stop.Token);

        await Eventually.TrueAsync(() => store.HasSynced && Endpoints(store) is [(true, "n1")], Soon, "the slice as it was", () => string.Join(' ', Endpoints(store)));
        Assert.Equal("v1beta1", source.Version);

        // The watch goes by the same version.
        await admin.MergeAsync($"{Slices}/web-x", Slice("n2", ready: false));
        await Eventually.TrueAsync(() => Endpoints(store) is [(false, "")], Soon, "the slice as it is now", () => string.Join(' ', Endpoints(store)));
        await stop.CancelAsync();
        await running.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing | ConfigureAwaitOptions.ContinueOnCapturedContext);
        File.Delete(file);
    }

    private static (bool, string)[] Endpoints(Store<EndpointSliceResource> store) =>
        [.. store.All().Where(slice => slice.ServiceName == "web").Select(slice => (slice.Serves, string.Join(',', slice.ServingNodes)))];

    private static JsonObject Slice(string node, bool ready) => new()
    {
        ["apiVersion"] = "discovery.k8s.io/v1beta1",
        ["kind"] = "EndpointSlice",
        ["metadata"] = new JsonObject
        {
            ["name"] = "web-x",
            ["namespace"] = "default",
            ["labels"] = new JsonObject { ["kubernetes.io/service-name"] = "web" },
        },
        ["addressType"] = "IPv4",
        ["endpoints"] = new JsonArray(new JsonObject
        {
            ["addresses"] = new JsonArray("10.244.0.9"),
            ["conditions"] = new JsonObject { ["ready"] = ready },
            ["topology"] = new JsonObject { ["kubernetes.io/hostname"] = node },
        }),
        ["ports"] = new JsonArray(new JsonObject { ["port"] = 80, ["name"] = "", ["protocol"] = "TCP" }),
    };
}
