using System.Text.Json.Nodes;
using LoadBalancer.LocalCluster.ApiServer;
using LoadBalancer.LocalCluster.ApiServer.Json;
using LoadBalancer.LocalCluster.Client;
using LoadBalancer.LocalCluster.Isolation;

namespace LoadBalancer.Manifests.Tests;

/// <summary>An API server that a test asks: the one of the tests, or a real kube-apiserver where there is one; with a folder of its own.</summary>
internal sealed class AskedApiServer : IAsyncDisposable
{
    private readonly IApiServer server;
    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("asked-");

    private AskedApiServer(IApiServer server)
    {
        this.server = server;
        Kubeconfig = server.WriteKubeconfig(PathOf("admin"));
        Admin = new KubeApi(new KubeconfigFile(Kubeconfig));
    }

    /// <summary>The folder.</summary>
    public string Folder => folder.FullName;

    /// <summary>The file of a user that may do everything.</summary>
    public string Kubeconfig { get; }

    /// <summary>A client of that user.</summary>
    public KubeApi Admin { get; }

    /// <summary>Starts one; where it cannot be, the test is skipped.</summary>
    /// <param name="real">Whether it is to be a kube-apiserver.</param>
    /// <param name="missed">What is not tested without one.</param>
    public static async Task<AskedApiServer> StartAsync(bool real, string missed)
    {
        Assert.SkipWhen(real && RealApiServerOptions.AssetsFromEnvironment is null, $"KUBEBUILDER_ASSETS is not set: {missed}");
        IApiServer server = real ? new RealApiServer(new RealApiServerOptions { AssetsFolder = RealApiServerOptions.AssetsFromEnvironment! }) : new LocalApiServer();
        try
        {
            await server.StartAsync();
            return new AskedApiServer(server);
        }
        catch
        {
            await server.DisposeAsync();
            throw;
        }
    }

    /// <summary>A file of that name in the folder.</summary>
    public string PathOf(string name) => Path.Combine(Folder, name);

    /// <summary><c>kubectl apply</c>, by the user that may do everything.</summary>
    public void Apply(params string[] what) => Tool.Run("kubectl", ["--kubeconfig", Kubeconfig, "apply", .. what]);

    /// <summary>Applies objects.</summary>
    public void Apply(IEnumerable<JsonObject> objects) => Tool.Run(
        "kubectl", ["--kubeconfig", Kubeconfig, "apply", "-f", "-"],
        new JsonObject { ["apiVersion"] = "v1", ["kind"] = "List", ["items"] = new JsonArray([.. objects.Select(o => o.DeepClone())]) }.ToJsonString());

    /// <summary>A token of a ServiceAccount (TokenRequest).</summary>
    /// <param name="space">Its namespace.</param>
    /// <param name="account">Its name.</param>
    /// <param name="bound">The request's <c>spec</c>, or null for a token bound to nothing.</param>
    public async Task<string> TokenAsync(string space, string account, JsonObject? bound = null) =>
        (await Admin.CreateAsync($"/api/v1/namespaces/{space}/serviceaccounts/{account}/token", new JsonObject
        {
            ["apiVersion"] = "authentication.k8s.io/v1",
            ["kind"] = "TokenRequest",
            ["spec"] = bound ?? [],
        })).Text("status", "token");

    /// <summary>The file of whoever has a token.</summary>
    public string KubeconfigOf(string name, string token) =>
        LocalCluster.ApiServer.Access.Kubeconfig.Write(PathOf(name), server.Endpoint, server.CaCertificatePem, name, token, null);

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        Admin.Dispose();
        await server.DisposeAsync();
        folder.Delete(recursive: true);
    }
}
