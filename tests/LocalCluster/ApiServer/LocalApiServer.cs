using System.Net;
using LoadBalancer.LocalCluster.ApiServer.Access;
using LoadBalancer.LocalCluster.ApiServer.Faults;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace LoadBalancer.LocalCluster.ApiServer;

/// <summary>An API server in this process: Kestrel with TLS, objects in memory, the behaviour of kube-apiserver for what the project and kubectl use.</summary>
public sealed class LocalApiServer : IApiServer
{
    private readonly LocalApiServerOptions _options;
    private readonly CertificateAuthority _authority;
    private readonly IssuedCertificate _serverCertificate;
    private readonly ApiServices _services;
    private WebApplication? _application;
    private readonly int _port;

    public LocalApiServer(LocalApiServerOptions? options = null)
    {
        _options = options ?? new LocalApiServerOptions();
        _port = _options.Port != 0 ? _options.Port : FreePort.Take(_options.Addresses[0]);
        _authority = new CertificateAuthority(_options.Time);
        _serverCertificate = _authority.IssueServer(
            [.. _options.Addresses, IPAddress.Loopback], ["localhost", "kubernetes", "kubernetes.default", "kubernetes.default.svc"]);
        _services = new ApiServices(_options, Endpoint);
    }

    public Uri Endpoint => new UriBuilder(Uri.UriSchemeHttps, _options.Addresses[0].ToString(), _port).Uri;

    public bool KeepsEndpointSlices => false;

    public string CaCertificatePem => _authority.CertificatePem;

    /// <summary>Makes it misbehave.</summary>
    public FaultInjection Faults => _services.Faults;

    /// <summary>What was asked of it, by whom.</summary>
    public AccessLog AccessLog => _services.AccessLog;

    /// <summary>The bearer token of a user: <c>admin</c>, or a service account by its full name.</summary>
    public string TokenOf(string user) => _services.Authentication.TokenOf(user);

    // As in a cluster: administrators and service accounts come with a token, other users with a certificate.
    public string WriteKubeconfig(string path, string user = "admin", Uri? endpoint = null) =>
        user == "admin" || user.StartsWith("system:serviceaccount:", StringComparison.Ordinal)
            ? Kubeconfig.Write(path, endpoint ?? Endpoint, CaCertificatePem, user, TokenOf(user), null)
            : Kubeconfig.Write(path, endpoint ?? Endpoint, CaCertificatePem, user, null, _authority.IssueClient(user, Kubeconfig.GroupsOf(user)));

    public async Task StartAsync()
    {
        if (_application is not null)
            throw new InvalidOperationException("The API server is running already.");

        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().UseKestrelHttpsConfiguration().ConfigureKestrel(Listen);
        builder.Services.AddSingleton<IHostLifetime, NoLifetime>();
        if (_options.CreateBoundSocket is { } create)
            builder.Services.Configure<SocketTransportOptions>(o => o.CreateBoundListenSocket = create);
        var application = builder.Build();
        application.UseWebSockets();
        application.Run(_services.Handler.HandleAsync);
        await application.StartAsync();
        _application = application;
        WriteState();
    }

    public async Task StopAsync()
    {
        if (_application is not { } application)
            return;
        _application = null;
        // An expired token makes Kestrel cut the connections at once instead of waiting for the watches to end.
        await application.StopAsync(new CancellationToken(canceled: true));
        await application.DisposeAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        _services.Faults.Dispose();
        _authority.Dispose();
    }

    /// <summary>Leaves signals alone: they are the program's this server runs in, not the server's.</summary>
    private sealed class NoLifetime : IHostLifetime
    {
        public Task WaitForStartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }

    private void WriteState()
    {
        if (_options.StateFolder is not { } folder)
            return;
        Directory.CreateDirectory(folder);
        File.WriteAllText(Path.Combine(folder, "ca.crt"), CaCertificatePem);
        WriteKubeconfig(Path.Combine(folder, "admin.kubeconfig"));
    }

    private void Listen(KestrelServerOptions kestrel)
    {
        kestrel.AddServerHeader = false;
        kestrel.Limits.MinResponseDataRate = null;
        kestrel.Limits.MinRequestBodyDataRate = null;
        kestrel.Limits.Http2.MaxStreamsPerConnection = 1000;
        var certificate = _serverCertificate.ToX509();
        foreach (var address in _options.Addresses)
        {
            kestrel.Listen(address, _port, listen =>
            {
                listen.Protocols = HttpProtocols.Http1AndHttp2;
                listen.UseHttps(https =>
                {
                    https.ServerCertificate = certificate;
                    https.ClientCertificateMode = ClientCertificateMode.AllowCertificate;
                    https.ClientCertificateValidation = (client, _, _) => _authority.Trusts(client);
                });
            });
        }
    }
}
