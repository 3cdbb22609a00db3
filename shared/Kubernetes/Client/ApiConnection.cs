using System.Net;
using System.Net.Http.Headers;
using System.Net.WebSockets;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using k8s;
using k8s.Authentication;
using k8s.Exceptions;

namespace LoadBalancer.Kubernetes.Client;

/// <summary>
/// The process's one connection pool to the API server, with the credentials and TLS settings that the official client reads from a
/// configuration. The client itself is not made: its serializer would link the models of the whole API into the program, a third of it.
/// </summary>
public sealed class ApiConnection : IDisposable
{
    private readonly Func<HttpClient> open;
    private volatile HttpClient client;
    private readonly X509Certificate2? certificate;
    private readonly ServiceClientCredentials? credentials;
    private readonly string? serverName;
    private readonly ProductInfoHeaderValue userAgent;

    /// <exception cref="KubeConfigException">The configuration's address is none.</exception>
    internal ApiConnection(KubernetesClientConfiguration configuration, string origin, string userAgent)
    {
        Origin = origin;
        Namespace = string.IsNullOrEmpty(configuration.Namespace) ? "default" : configuration.Namespace;
        Server = ServerOf(configuration);
        this.userAgent = ProductInfoHeaderValue.Parse(userAgent);
        serverName = string.IsNullOrWhiteSpace(configuration.TlsServerName) ? null : configuration.TlsServerName;
        credentials = k8s.Kubernetes.CreateCredentials(configuration);
        certificate = Server.Scheme == Uri.UriSchemeHttps ? CertificateOf(configuration) : null;
        open = () => new HttpClient(HandlerFor(configuration)) { Timeout = Timeout.InfiniteTimeSpan };
        client = open();
    }

    /// <summary>The API server's address.</summary>
    public Uri Server { get; }

    /// <summary>Where the configuration comes from, for the log: a file's name, or <c>in-cluster</c>.</summary>
    public string Origin { get; }

    /// <summary>The namespace of the kubeconfig's context; <c>default</c> if it names none.</summary>
    public string Namespace { get; }

    /// <summary>Sends one request and returns as soon as the head of the response is there.</summary>
    /// <exception cref="HttpRequestException">The connection failed, or there are no credentials to be had.</exception>
    internal async Task<HttpResponseMessage> SendAsync(
        HttpMethod method, string uri, ReadOnlyMemory<byte> body, string contentType, CancellationToken cancellationToken)
    {
        using var message = new HttpRequestMessage(method, new Uri(Server, uri)) { Version = HttpVersion.Version20 };
        message.Headers.Accept.Add(Json);
        message.Headers.UserAgent.Add(userAgent);
        message.Headers.Host = serverName;
        if (!body.IsEmpty)
        {
            message.Content = new ReadOnlyMemoryContent(body);
            message.Content.Headers.ContentType = new MediaTypeHeaderValue(contentType);
        }

        await AuthenticateAsync(credentials, message, cancellationToken).ConfigureAwait(false);
        try
        {
            return await client.SendAsync(message, HttpCompletionOption.ResponseHeadersRead, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception e) when (e is ObjectDisposedException || (e is OperationCanceledException && !cancellationToken.IsCancellationRequested))
        {
            throw new HttpRequestException($"{method} /{uri}: the connection was given up for a new one", e);
        }
    }

    /// <summary>Opens a WebSocket with the credentials of the connection.</summary>
    /// <exception cref="HttpRequestException">The connection failed, or the server refused.</exception>
    internal async Task<WebSocket> OpenWebSocketAsync(string uri, string protocol, CancellationToken cancellationToken)
    {
        var address = new UriBuilder(new Uri(Server, uri)) { Scheme = Server.Scheme == Uri.UriSchemeHttps ? Uri.UriSchemeWss : Uri.UriSchemeWs }.Uri;
        using var message = new HttpRequestMessage(HttpMethod.Get, address);
        await AuthenticateAsync(credentials, message, cancellationToken).ConfigureAwait(false);
        var socket = new ClientWebSocket();
        socket.Options.AddSubProtocol(protocol);
        socket.Options.CollectHttpResponseDetails = true;
        socket.Options.SetRequestHeader("User-Agent", userAgent.ToString());
        if (message.Headers.Authorization is { } authorization)
        {
            socket.Options.SetRequestHeader("Authorization", authorization.ToString());
        }

        if (serverName is not null)
        {
            socket.Options.SetRequestHeader("Host", serverName);
        }

        try
        {
            await socket.ConnectAsync(address, client, cancellationToken).ConfigureAwait(false);
            return socket;
        }
        catch (WebSocketException e)
        {
            var status = socket.HttpStatusCode;
            socket.Dispose();
            throw status == 0 ? new HttpRequestException($"GET /{uri}: {e.Message}", e) : new ApiException($"GET /{uri}", status, "", e.Message);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    /// <summary>
    /// Asks the server for a sign of life on the connection there is; without one a new connection takes its place, and whatever waits on
    /// the old one fails at once and is begun anew. For moments in which a control plane may just have died and every tenth of a second counts.
    /// </summary>
    /// <param name="patience">How long the sign may take.</param>
    /// <param name="time">The clock of that.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>Whether the connection was replaced.</returns>
    public async Task<bool> RenewIfSilentAsync(TimeSpan patience, TimeProvider time, CancellationToken cancellationToken)
    {
        var current = client;
        using var deadline = new CancellationTokenSource(patience, time);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, deadline.Token);
        try
        {
            // Discovery: open to every account, and any answer will do.
            using var answer = await SendAsync(HttpMethod.Get, "version", default, "application/json", stop.Token).ConfigureAwait(false);
            return false;
        }
        catch (Exception e) when (e is HttpRequestException || (e is OperationCanceledException && !cancellationToken.IsCancellationRequested))
        {
            var fresh = open();
            if (Interlocked.CompareExchange(ref client, fresh, current) != current)
            {
                fresh.Dispose();
                return false;
            }

            current.Dispose();
            return true;
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        client.Dispose();
        certificate?.Dispose();
    }

    private SocketsHttpHandler HandlerFor(KubernetesClientConfiguration configuration)
    {
        var handler = ApiHandler.Configure(new SocketsHttpHandler());
        if (Server.Scheme != Uri.UriSchemeHttps)
        {
            return handler;
        }

        if (configuration.SkipTlsVerify)
        {
#pragma warning disable CA5359 // What insecure-skip-tls-verify in the kubeconfig asks for.
            handler.SslOptions.RemoteCertificateValidationCallback = static (_, _, _, _) => true;
#pragma warning restore CA5359
        }
        else
        {
            ServerTrust.Apply(handler.SslOptions, configuration.SslCaCerts);
        }

        if (certificate is not null)
        {
            handler.SslOptions.ClientCertificates = [certificate];
        }

        return handler;
    }

    private static Uri ServerOf(KubernetesClientConfiguration configuration) =>
        Uri.TryCreate(configuration.Host, UriKind.Absolute, out var server) && server.Scheme is "https" or "http"
            ? server.AbsoluteUri.EndsWith('/') ? server : new Uri(server.AbsoluteUri + "/")
            : throw new KubeConfigException($"its server is '{configuration.Host}'; it must be an address such as https://192.168.96.2:6443");

    private static readonly MediaTypeWithQualityHeaderValue Json = new("application/json");

    private static async Task AuthenticateAsync(
        ServiceClientCredentials? credentials, HttpRequestMessage message, CancellationToken cancellationToken)
    {
        if (credentials is null)
        {
            return;
        }

        try
        {
            await credentials.ProcessHttpRequestAsync(message, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            // A token file that is being replaced or a credential plugin that fails is a reason to try again, not to end the process.
            throw new HttpRequestException($"no credentials for {message.RequestUri}: {e.Message}", e);
        }
    }

    private static X509Certificate2? CertificateOf(KubernetesClientConfiguration configuration)
    {
        var certificate = Pem(configuration.ClientCertificateData, configuration.ClientCertificateFilePath);
        var key = Pem(configuration.ClientCertificateKeyData, configuration.ClientKeyFilePath);
        return (certificate, key) switch
        {
            (null, null) => null,
            (not null, not null) => X509Certificate2.CreateFromPem(certificate, key),
            (null, _) => throw new KubeConfigException("its user has a client-key and no client-certificate"),
            _ => throw new KubeConfigException("its user has a client-certificate and no client-key"),
        };
    }

    private static string? Pem(string? data, string? path) =>
        !string.IsNullOrEmpty(data) ? Encoding.UTF8.GetString(Convert.FromBase64String(data))
        : !string.IsNullOrEmpty(path) ? File.ReadAllText(path)
        : null;
}
