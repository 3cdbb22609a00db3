using System.Net;
using LoadBalancer.LocalCluster.ApiServer.Access;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.DependencyInjection;

namespace LoadBalancer.LocalCluster.ApiServer;

/// <summary>An API server in this process: Kestrel with TLS, objects in memory, the behaviour of kube-apiserver for what the project and kubectl use.</summary>
public sealed class LocalApiServer : IApiServer
{
    private readonly LocalApiServerOptions _options;
    private readonly CertificateAuthority _authority;
    private readonly IssuedCertificate _serverCertificate;
    private WebApplication? _application;
    private readonly int _port;

    public LocalApiServer(LocalApiServerOptions? options = null)
    {
        _options = options ?? new LocalApiServerOptions();
        _port = _options.Port != 0 ? _options.Port : FreePort.Take(_options.Addresses[0]);
        _authority = new CertificateAuthority(_options.Time);
        _serverCertificate = _authority.IssueServer(
            [.. _options.Addresses, IPAddress.Loopback], ["localhost", "kubernetes", "kubernetes.default", "kubernetes.default.svc"]);
    }

    public Uri Endpoint => new UriBuilder(Uri.UriSchemeHttps, _options.Addresses[0].ToString(), _port).Uri;

    public string CaCertificatePem => _authority.CertificatePem;

    public string WriteKubeconfig(string path, string user = "admin", Uri? endpoint = null) =>
        Kubeconfig.Write(path, endpoint ?? Endpoint, CaCertificatePem, user, null, _authority.IssueClient(user, Kubeconfig.GroupsOf(user)));

    public async Task StartAsync()
    {
        if (_application is not null)
            throw new InvalidOperationException("The API server is running already.");

        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().UseKestrelHttpsConfiguration().ConfigureKestrel(Listen);
        if (_options.CreateBoundSocket is { } create)
            builder.Services.Configure<SocketTransportOptions>(o => o.CreateBoundListenSocket = create);
        var application = builder.Build();
        application.Run(context => context.Response.WriteAsync("ok"));
        await application.StartAsync();
        _application = application;
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
        _authority.Dispose();
    }

    private void Listen(KestrelServerOptions kestrel)
    {
        kestrel.AddServerHeader = false;
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
