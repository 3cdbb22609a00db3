using System.Net;
using System.Net.Http.Headers;
using System.Runtime.CompilerServices;
using System.Text;
using System.Text.Json.Nodes;
using LoadBalancer.LocalCluster.Network;

namespace LoadBalancer.LocalCluster.Client;

/// <summary>
/// The Kubernetes API as JSON over HTTP: what tests and the local cluster say to the API server. It deliberately shares no
/// code with the programs under test.
/// </summary>
public sealed class KubeApi : IDisposable
{
    private readonly HttpClient _http;

    /// <param name="credentials">Where and as whom.</param>
    /// <param name="connections">How many connections at most; more requests than that wait.</param>
    /// <param name="from">The host whose network the connections leave by; null for this process's own.</param>
    public KubeApi(KubeconfigFile credentials, int connections = 32, Host? from = null)
    {
        SocketsHttpHandler handler = from?.HttpHandler() ?? new SocketsHttpHandler();
        handler.MaxConnectionsPerServer = connections;
        handler.UseProxy = false;
        handler.ConnectTimeout = TimeSpan.FromSeconds(5);
        credentials.Configure(handler.SslOptions);
        _http = new HttpClient(handler, disposeHandler: true) { BaseAddress = credentials.Server, Timeout = Timeout.InfiniteTimeSpan };
        if (credentials.Token is { } token)
        {
            _http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", token);
        }
    }

    /// <summary>The object at a path, or null if there is none.</summary>
    public async Task<JsonObject?> FindAsync(string path)
    {
        try
        {
            return await GetAsync(path);
        }
        catch (KubeApiException absent) when (absent.Status == HttpStatusCode.NotFound)
        {
            return null;
        }
    }

    public Task<JsonObject> GetAsync(string path) => SendAsync(HttpMethod.Get, path, null, null);

    /// <summary>The answer as the server's own table, the form kubectl prints.</summary>
    public Task<JsonObject> GetTableAsync(string path) => SendAsync(HttpMethod.Get, path, null, null, "application/json;as=Table;v=v1;g=meta.k8s.io");

    public Task<JsonObject> CreateAsync(string path, JsonObject value) => SendAsync(HttpMethod.Post, path, value, "application/json");

    public Task<JsonObject> ReplaceAsync(string path, JsonObject value) => SendAsync(HttpMethod.Put, path, value, "application/json");

    /// <summary>Merges a patch into the object (RFC 7396).</summary>
    public Task<JsonObject> MergeAsync(string path, JsonObject patch) => SendAsync(HttpMethod.Patch, path, patch, "application/merge-patch+json");

    /// <summary>Deletes an object; one that is gone already is no error.</summary>
    public async Task DeleteAsync(string path)
    {
        try
        {
            await SendAsync(HttpMethod.Delete, path, null, null);
        }
        catch (KubeApiException absent) when (absent.Status == HttpStatusCode.NotFound)
        {
            // What the caller wants is so.
        }
    }

    /// <summary>Creates the object, or merges it over the one that is there.</summary>
    /// <param name="collection">The collection, such as <c>/api/v1/namespaces/default/services</c>.</param>
    /// <param name="value">The object.</param>
    public async Task<JsonObject> ApplyAsync(string collection, JsonObject value)
    {
        string name = (string)value["metadata"]!["name"]!;
        try
        {
            return await CreateAsync(collection, value);
        }
        catch (KubeApiException there) when (there.Status == HttpStatusCode.Conflict)
        {
            return await MergeAsync($"{collection}/{name}", value);
        }
    }

    /// <summary>The events of one watch request, until the server ends it.</summary>
    public async IAsyncEnumerable<JsonObject> WatchAsync(string path, string resourceVersion, [EnumeratorCancellation] CancellationToken cancel)
    {
        var uri = new Uri($"{path}?watch=1&allowWatchBookmarks=true&resourceVersion={resourceVersion}", UriKind.Relative);
        using HttpResponseMessage response = await _http.GetAsync(uri, HttpCompletionOption.ResponseHeadersRead, cancel);
        await ThrowOnErrorAsync(response);
        using var reader = new StreamReader(await response.Content.ReadAsStreamAsync(cancel));
        while (await reader.ReadLineAsync(cancel) is { } line)
        {
            yield return JsonNode.Parse(line)!.AsObject();
        }
    }

    public void Dispose() => _http.Dispose();

    private async Task<JsonObject> SendAsync(HttpMethod method, string path, JsonObject? body, string? mediaType, string accept = "application/json")
    {
        using var request = new HttpRequestMessage(method, new Uri(path, UriKind.Relative));
        request.Headers.Accept.Add(MediaTypeWithQualityHeaderValue.Parse(accept));
        if (body is not null)
        {
            request.Content = new StringContent(body.ToJsonString(), Encoding.UTF8, mediaType!);
        }

        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        using HttpResponseMessage response = await _http.SendAsync(request, patience.Token);
        await ThrowOnErrorAsync(response);
        return JsonNode.Parse(await response.Content.ReadAsStringAsync(patience.Token))!.AsObject();
    }

    private static async Task ThrowOnErrorAsync(HttpResponseMessage response)
    {
        if (!response.IsSuccessStatusCode)
        {
            throw new KubeApiException(response.StatusCode, $"{response.RequestMessage!.Method} {response.RequestMessage.RequestUri}: {await response.Content.ReadAsStringAsync()}");
        }
    }
}

/// <summary>The API server refused a request.</summary>
public sealed class KubeApiException(HttpStatusCode status, string message) : Exception(message)
{
    public HttpStatusCode Status { get; } = status;
}
