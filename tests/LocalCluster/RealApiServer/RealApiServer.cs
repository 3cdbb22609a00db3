using System.Net;
using System.Security.Cryptography;
using LoadBalancer.LocalCluster.ApiServer.Access;

namespace LoadBalancer.LocalCluster.ApiServer;

/// <summary>
/// etcd and kube-apiserver as child processes, as controller-runtime's envtest runs them: no scheduler, no kubelet, and no controllers but
/// that of EndpointSlices, if kube-controller-manager is beside them. RBAC is on; service account admission is off, since nothing creates the accounts that it asks for.
/// </summary>
public sealed class RealApiServer : IApiServer
{
    private static readonly TimeSpan StartTimeout = TimeSpan.FromSeconds(120);
    private static readonly TimeSpan PollInterval = TimeSpan.FromMilliseconds(200);

    private readonly RealApiServerOptions _options;
    private readonly TimeProvider _time = TimeProvider.System;
    private readonly CertificateAuthority _authority;
    private readonly string _folder;
    private readonly int _port;
    private readonly int _etcdPort = FreePort.Take(IPAddress.Loopback);
    private readonly int _etcdPeerPort = FreePort.Take(IPAddress.Loopback);
    private readonly string _adminToken = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(16));
    private GuardedProcess? _etcd;
    private GuardedProcess? _server;
    private GuardedProcess? _manager;

    public RealApiServer(RealApiServerOptions options)
    {
        _options = options;
        foreach (var program in (string[])["etcd", "kube-apiserver"])
        {
            if (!File.Exists(Path.Combine(options.AssetsFolder, program)))
                throw new FileNotFoundException($"KUBEBUILDER_ASSETS={options.AssetsFolder} has no {program}; it must hold etcd and kube-apiserver.");
        }

        _port = options.Port != 0 ? options.Port : FreePort.Take(options.Addresses[0]);
        _authority = new CertificateAuthority(_time);
        _folder = Directory.CreateTempSubdirectory("lb-apiserver-").FullName;
        WriteKeys();
    }

    public Uri Endpoint => new UriBuilder(Uri.UriSchemeHttps, _options.Addresses[0].ToString(), _port).Uri;

    public bool KeepsEndpointSlices => File.Exists(Manager);

    public string CaCertificatePem => _authority.CertificatePem;

    public string WriteKubeconfig(string path, string user = "admin", Uri? endpoint = null) => user == "admin"
        ? Kubeconfig.Write(path, endpoint ?? Endpoint, CaCertificatePem, user, _adminToken, null)
        // RBAC sees the user's name and groups only, so a certificate that carries a service account's is as good as its token.
        : Kubeconfig.Write(path, endpoint ?? Endpoint, CaCertificatePem, user, null, _authority.IssueClient(user, Kubeconfig.GroupsOf(user)));

    public async Task StartAsync()
    {
        if (_server is not null)
            throw new InvalidOperationException("The API server is running already.");
        _etcd ??= GuardedProcess.Start(EtcdCommand(), InFolder("etcd.log"));
        _server = GuardedProcess.Start(ServerCommand(), InFolder("kube-apiserver.log"));
        try
        {
            await WaitUntilReadyAsync(_etcd, _server);
            if (KeepsEndpointSlices)
            {
                _manager ??= GuardedProcess.Start(ManagerCommand(), InFolder("kube-controller-manager.log"));
            }
        }
        catch
        {
            await StopAsync();
            throw;
        }
    }

    public async Task StopAsync()
    {
        if (_server is not { } server)
            return;
        _server = null;
        await server.DisposeAsync();
    }

    public async ValueTask DisposeAsync()
    {
        if (_manager is { } manager)
            await manager.DisposeAsync();
        await StopAsync();
        if (_etcd is { } etcd)
            await etcd.DisposeAsync();
        _authority.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    private IEnumerable<string> EtcdCommand() =>
    [
        .. _options.CommandPrefix, Path.Combine(_options.AssetsFolder, "etcd"),
        $"--data-dir={InFolder("etcd")}",
        $"--listen-client-urls=http://127.0.0.1:{_etcdPort}", $"--advertise-client-urls=http://127.0.0.1:{_etcdPort}",
        $"--listen-peer-urls=http://127.0.0.1:{_etcdPeerPort}",
        // The data live as long as the test run; waiting for the disk would only slow it down.
        "--unsafe-no-fsync",
    ];

    private IEnumerable<string> ServerCommand() =>
    [
        .. _options.CommandPrefix, Path.Combine(_options.AssetsFolder, "kube-apiserver"),
        $"--etcd-servers=http://127.0.0.1:{_etcdPort}",
        $"--bind-address={(_options.Addresses.Count == 1 ? _options.Addresses[0] : IPAddress.IPv6Any)}",
        $"--advertise-address={AdvertiseAddress}", $"--secure-port={_port}", $"--cert-dir={InFolder("certs")}",
        $"--tls-cert-file={InFolder("server.crt")}", $"--tls-private-key-file={InFolder("server.key")}",
        $"--client-ca-file={InFolder("ca.crt")}", $"--token-auth-file={InFolder("tokens.csv")}",
        "--authorization-mode=RBAC", "--allow-privileged=true", "--disable-admission-plugins=ServiceAccount",
        "--service-account-issuer=https://kubernetes.default.svc",
        $"--service-account-key-file={InFolder("sa.key")}", $"--service-account-signing-key-file={InFolder("sa.key")}",
        $"--service-cluster-ip-range={string.Join(',', _options.ServiceRanges)}",
    ];

    private string Manager => Path.Combine(_options.AssetsFolder, "kube-controller-manager");

    // Alone and without an election: it goes on when the API server is back. The names of controllers are those of Kubernetes 1.28 and later.
    private IEnumerable<string> ManagerCommand() =>
    [
        .. _options.CommandPrefix, Manager, $"--kubeconfig={WriteKubeconfig(InFolder("manager.kubeconfig"))}",
        "--controllers=endpointslice-controller", "--leader-elect=false", "--secure-port=0",
    ];

    // kube-apiserver refuses to advertise a loopback address in the Endpoints of the Service "kubernetes"; nothing uses it here.
    private IPAddress AdvertiseAddress =>
        _options.Addresses.FirstOrDefault(a => !IPAddress.IsLoopback(a)) ?? IPAddress.Parse("192.0.2.1");

    private void WriteKeys()
    {
        string[] names = ["localhost", "kubernetes", "kubernetes.default", "kubernetes.default.svc"];
        var server = _authority.IssueServer([.. _options.Addresses, IPAddress.Loopback], names);
        using var serviceAccounts = RSA.Create(2048);
        File.WriteAllText(InFolder("ca.crt"), CaCertificatePem);
        File.WriteAllText(InFolder("server.crt"), server.CertificatePem);
        File.WriteAllText(InFolder("server.key"), server.KeyPem);
        File.WriteAllText(InFolder("sa.key"), serviceAccounts.ExportPkcs8PrivateKeyPem());
        File.WriteAllText(InFolder("tokens.csv"), $"{_adminToken},admin,admin,\"system:masters\"\n");
    }

    private async Task WaitUntilReadyAsync(GuardedProcess etcd, GuardedProcess server)
    {
        using var client = ReadinessClient();
        var started = _time.GetTimestamp();
        var last = "nothing";
        while (_time.GetElapsedTime(started) < StartTimeout)
        {
            foreach (var process in (GuardedProcess[])[etcd, server])
            {
                if (process.HasExited)
                    throw new InvalidOperationException($"{Path.GetFileName(process.LogFile)}: it ended while starting.\n{process.Tail()}");
            }

            try
            {
                using var response = await client.GetAsync(new Uri(Endpoint, "/readyz"));
                last = await response.Content.ReadAsStringAsync();
                if (response.IsSuccessStatusCode && await PublishesSchemasAsync(client))
                    return;
            }
            catch (Exception e) when (e is HttpRequestException or TaskCanceledException)
            {
                last = e.Message;
            }

            await Task.Delay(PollInterval, _time);
        }

        throw new TimeoutException($"kube-apiserver was not ready after {StartTimeout}; last answer: {last}\n{server.Tail()}");
    }

    // The OpenAPI documents come a moment after readiness; kubectl apply needs them. Servers before 1.24 have no version 3.
    private async Task<bool> PublishesSchemasAsync(HttpClient client)
    {
        using var response = await client.GetAsync(new Uri(Endpoint, "/openapi/v3"));
        return response.StatusCode == HttpStatusCode.NotFound
            || (await response.Content.ReadAsStringAsync()).Contains("\"api/v1\"", StringComparison.Ordinal);
    }

    private HttpClient ReadinessClient()
    {
        var handler = new SocketsHttpHandler();
        handler.SslOptions.RemoteCertificateValidationCallback = (_, certificate, _, _) =>
            certificate is System.Security.Cryptography.X509Certificates.X509Certificate2 presented && _authority.Trusts(presented);
        var client = new HttpClient(handler) { Timeout = TimeSpan.FromSeconds(5) };
        client.DefaultRequestHeaders.Authorization = new("Bearer", _adminToken);
        return client;
    }

    private string InFolder(string name) => Path.Combine(_folder, name);
}
