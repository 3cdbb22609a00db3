using System.Text.Json.Nodes;
using LoadBalancer.LocalCluster.Network;
using LoadBalancer.LocalCluster.Workloads;
using LocalClusterOf = LoadBalancer.LocalCluster.Cluster;

namespace LoadBalancer.Cluster.Tests;

/// <summary>The one cluster of the run, started by the first test that needs it.</summary>
public sealed class ClusterFixture : IAsyncDisposable
{
    private LocalClusterOf? _cluster;
    private int _names;

    /// <summary>The cluster with a pod <c>web</c> on each node, without programs.</summary>
    public async Task<LocalClusterOf> GetAsync()
    {
        if (_cluster is null)
        {
            _cluster = await LocalClusterOf.StartAsync();
            await _cluster.DeployAsync("web", _cluster.Nodes);
        }

        return _cluster;
    }

    /// <summary>Takes the cluster down, so that a test can have the stage to itself; the next <see cref="GetAsync"/> builds another.</summary>
    public async Task CloseAsync()
    {
        if (_cluster is { } cluster)
        {
            _cluster = null;
            await cluster.DisposeAsync();
        }
    }

    /// <summary>A name no other test of the run has.</summary>
    public string NewName(string stem) => $"{stem}-{Interlocked.Increment(ref _names)}";

    // After the last test there is no limit but this one.
    public async ValueTask DisposeAsync() => await CloseAsync().WaitAsync(TimeSpan.FromMinutes(1), TimeProvider.System);
}

/// <summary>A test on the shared cluster. Each begins with every cable in and no Service but its own.</summary>
public abstract class ClusterTest(ClusterFixture fixture, ITestOutputHelper output) : IAsyncLifetime
{
    /// <summary>The label that keeps a node from being used for load balancers.</summary>
    protected const string ExcludeLabel = "node.kubernetes.io/exclude-from-external-load-balancers";

    /// <summary>The collection of Services of the tests' namespace.</summary>
    protected const string ServicesPath = "/api/v1/namespaces/default/services";

    private LocalClusterOf? _cluster;

    protected LocalClusterOf Cluster => _cluster!;

    /// <summary>Takes the shared cluster down: the next test begins on another.</summary>
    protected Task CloseClusterAsync() => fixture.CloseAsync();

    protected static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public virtual async ValueTask InitializeAsync()
    {
        _cluster = await fixture.GetAsync();
        foreach (Node node in Cluster.Nodes)
        {
            node.Host.Plug();
            node.Host.Unblock();
            node.Host.Isolate(false);
        }
    }

    public virtual async ValueTask DisposeAsync()
    {
        GC.SuppressFinalize(this);
        if (TestContext.Current.TestState?.Result == TestResult.Failed)
        {
            output.WriteLine(Cluster.Programs.Tails(60));
        }

        foreach (JsonNode? service in (await Cluster.Api.GetAsync(ServicesPath))["items"]!.AsArray())
        {
            if ((string)service!["metadata"]!["name"]! is var name && name != "kubernetes")
            {
                await Cluster.Api.DeleteAsync($"{ServicesPath}/{name}");
            }
        }

        Cluster.ThrowIfBroken();
    }

    /// <summary>A figure a reader of the test report wants to see.</summary>
    protected void Figure(string text)
    {
        output.WriteLine(text);
        TestContext.Current.SendDiagnosticMessage(text);
    }

    protected string NewName(string stem = "web") => fixture.NewName(stem);

    /// <summary>Creates a Service of type LoadBalancer on port 80 over the pods <c>web</c>.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="spec">What else its spec says, or instead.</param>
    /// <param name="annotations">Its annotations.</param>
    protected Task<JsonObject> CreateServiceAsync(string name, JsonObject? spec = null, JsonObject? annotations = null) =>
        Cluster.Api.CreateAsync(ServicesPath, ServiceObject.LoadBalancer(name, spec, annotations));

    /// <summary>Sets a label of a Node, or takes it away.</summary>
    protected async Task LabelAsync(Node node, string label, string? value) => await Cluster.Api.MergeAsync(
        $"/api/v1/nodes/{node.Name}", new JsonObject { ["metadata"] = new JsonObject { ["labels"] = new JsonObject { [label] = value } } });

    protected static string ServicePath(string name) => $"{ServicesPath}/{name}";

    /// <summary>The body a host gets from an address, on a connection of its own.</summary>
    protected static async Task<string> GetPageAsync(Host from, string address, int port = 80)
    {
        using HttpClient http = from.Http(TimeSpan.FromSeconds(3));
        return await http.GetStringAsync(new Uri($"http://{Lan.UrlHost(address)}:{port}/"), Cancel);
    }
}
