using System.Net;
using System.Net.Http.Headers;
using k8s;
using k8s.Authentication;

namespace LoadBalancer.Kubernetes.Client;

/// <summary>
/// The process's one connection pool to the API server: the official client with its credentials and TLS settings. Requests are sent
/// over its <see cref="HttpClient"/> and not through its typed methods, which would read every object in full and link in the models
/// of the whole API.
/// </summary>
public sealed class ApiConnection : IDisposable
{
    private readonly k8s.Kubernetes client;
    private readonly string? serverName;

    internal ApiConnection(KubernetesClientConfiguration configuration, string origin, string userAgent)
    {
        Origin = origin;
        serverName = string.IsNullOrWhiteSpace(configuration.TlsServerName) ? null : configuration.TlsServerName;
        configuration.UserAgent = userAgent;
        SocketsHttpHandler? handler = null;
        configuration.FirstMessageHandlerSetup = created => handler = ApiHandler.Configure(created);
        client = new k8s.Kubernetes(configuration);
        if (client.BaseUri.Scheme == Uri.UriSchemeHttps && !configuration.SkipTlsVerify)
        {
            ServerTrust.Apply(handler!.SslOptions, configuration.SslCaCerts);
        }
    }

    /// <summary>The API server's address.</summary>
    public Uri Server => client.BaseUri;

    /// <summary>Where the configuration comes from, for the log: a file's name, or <c>in-cluster</c>.</summary>
    public string Origin { get; }

    /// <summary>Sends one request and returns as soon as the head of the response is there.</summary>
    /// <exception cref="HttpRequestException">The connection failed, or there are no credentials to be had.</exception>
    internal async Task<HttpResponseMessage> SendAsync(
        HttpMethod method, string uri, ReadOnlyMemory<byte> body, string contentType, CancellationToken cancellationToken)
    {
        using var message = new HttpRequestMessage(method, new Uri(Server, uri)) { Version = HttpVersion.Version20 };
        message.Headers.Accept.Add(Json);
        message.Headers.Host = serverName;
        if (!body.IsEmpty)
        {
            message.Content = new ReadOnlyMemoryContent(body);
            message.Content.Headers.ContentType = new MediaTypeHeaderValue(contentType);
        }

        await AuthenticateAsync(client.Credentials, message, cancellationToken).ConfigureAwait(false);
        return await client.HttpClient.SendAsync(message, HttpCompletionOption.ResponseHeadersRead, cancellationToken).ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public void Dispose() => client.Dispose();

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
}
