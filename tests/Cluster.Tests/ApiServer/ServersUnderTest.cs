using LoadBalancer.Cluster.Tests.ApiServer;
using LoadBalancer.LocalCluster.ApiServer;

[assembly: AssemblyFixture(typeof(ServersUnderTest))]

namespace LoadBalancer.Cluster.Tests.ApiServer;

/// <summary>
/// The servers the conformance tests run against: the one in process always, and the real one if KUBEBUILDER_ASSETS names its
/// binaries. The same assertions hold for both; that keeps the stand-in honest.
/// </summary>
public sealed class ServersUnderTest : IAsyncLifetime
{
    private readonly Dictionary<string, IApiServer> _servers = new(StringComparer.Ordinal);
    private readonly SemaphoreSlim _starting = new(1, 1);
    private string _folder = "";

    public static TheoryData<string> All => RealApiServerOptions.AssetsFromEnvironment is null ? ["local"] : ["local", "real"];

    public ValueTask InitializeAsync()
    {
        _folder = Directory.CreateTempSubdirectory("lb-apiserver-tests-").FullName;
        return ValueTask.CompletedTask;
    }

    /// <summary>A client of the server of that name, which is started at the first call.</summary>
    public async Task<Api> ApiAsync(string server, string user = "admin")
    {
        var kubeconfig = await KubeconfigAsync(server, user);
        return Api.FromKubeconfig(kubeconfig);
    }

    public async Task<string> KubeconfigAsync(string server, string user = "admin")
    {
        await _starting.WaitAsync();
        try
        {
            if (!_servers.TryGetValue(server, out var started))
            {
                started = server == "local"
                    ? new LocalApiServer()
                    : new RealApiServer(new RealApiServerOptions { AssetsFolder = RealApiServerOptions.AssetsFromEnvironment! });
                _servers[server] = started;
                await started.StartAsync();
            }

            return started.WriteKubeconfig(Path.Combine(_folder, Guid.NewGuid().ToString("N")), user);
        }
        finally
        {
            _starting.Release();
        }
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var server in _servers.Values)
            await server.DisposeAsync();
        _starting.Dispose();
        Directory.Delete(_folder, recursive: true);
    }
}

public sealed class RealApiServerTests
{
    [Fact]
    public void Conformance_AssetsGiven_RunsAgainstTheRealServerToo()
    {
        Assert.SkipWhen(RealApiServerOptions.AssetsFromEnvironment is null,
            "KUBEBUILDER_ASSETS is not set: the conformance tests ran against the stand-in alone, not against kube-apiserver");
        Assert.Contains(ServersUnderTest.All, row => row.Data == "real");
    }
}
