using System.Globalization;
using System.Net;
using LoadBalancer.Kubernetes.Access;
using LoadBalancer.Kubernetes.ListWatch;
using LoadBalancer.Kubernetes.Resources;

namespace LoadBalancer.Kubernetes.Client;

/// <summary>Reads once, for a program that ends when it has its answer: nothing is watched and nothing is tried again.</summary>
/// <param name="api">The API server.</param>
/// <param name="time">The clock of the deadlines.</param>
public sealed class ApiReader(ApiClient api, TimeProvider time)
{
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(15);

    /// <summary>All objects of a kind.</summary>
    /// <exception cref="HttpRequestException">The server refused or could not be reached.</exception>
    public async Task<IReadOnlyList<T>> ListAsync<T>(ResourceKind<T> kind, ResourceSelection selection, CancellationToken stop)
        where T : class, IResource =>
        (await new ApiResourceSource<T>(api, kind, selection, time).ListAsync(stop).ConfigureAwait(false)).Items;

    /// <summary>The objects of a kind that this project does not know, as the server writes them: JSON.</summary>
    /// <exception cref="HttpRequestException">The server refused, has no such kind, or could not be reached.</exception>
    public async Task<byte[]> ListAsync(ApiResource resource, string version, string @namespace, CancellationToken stop)
    {
        using var body = await api.ReadAsync(new ApiRequest(resource, version, ApiVerb.List) { Namespace = @namespace }, Timeout, stop).ConfigureAwait(false);
        return body.Span.ToArray();
    }

    /// <summary>What one of our pods answers to a GET, through the API server: by its proxy, or by port-forward where the pod tells on loopback only.</summary>
    /// <param name="pod">The pod.</param>
    /// <param name="port">Its port.</param>
    /// <param name="path">The path with its query, without a leading slash.</param>
    /// <param name="stop">Gives up.</param>
    /// <exception cref="HttpRequestException">The server refused, or the pod could not be reached.</exception>
    public async Task<byte[]> GetFromPodAsync(ObjectKey pod, int port, string path, CancellationToken stop)
    {
        try
        {
            return await GetByProxyAsync(pod, port, path, stop).ConfigureAwait(false);
        }
        catch (ApiException e) when (e is { StatusCode: HttpStatusCode.Forbidden, Reason: "" })
        {
            // The API server's own refusals come with a reason; this one is the pod's, which runs with --secure-metrics.
            return await GetByForwardAsync(pod, port, path, stop).ConfigureAwait(false);
        }
    }

    /// <summary>Opens a connection to a port of a pod, on the pod's own loopback.</summary>
    /// <exception cref="HttpRequestException">The server refused, or could not be reached.</exception>
    public Task<Stream> ConnectToPodAsync(ObjectKey pod, int port, CancellationToken stop) => api.ForwardAsync(Forward(pod, port), stop);

    private static ApiRequest Forward(ObjectKey pod, int port) =>
        ApiRequest.For(ApiResource.PodPortForward, "v1", ApiVerb.Get, pod) with { Query = string.Create(CultureInfo.InvariantCulture, $"ports={port}") };

    private async Task<byte[]> GetByForwardAsync(ObjectKey pod, int port, string path, CancellationToken stop)
    {
        var request = Forward(pod, port);
        using var deadline = new CancellationTokenSource(Timeout, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(stop, deadline.Token);
        using var handler = new SocketsHttpHandler { ConnectCallback = async (_, cancel) => await api.ForwardAsync(request, cancel).ConfigureAwait(false), UseProxy = false };
        using var http = new HttpClient(handler);
        try
        {
            using var response = await http.GetAsync(new Uri(string.Create(CultureInfo.InvariantCulture, $"http://localhost:{port}/{path}")), either.Token).ConfigureAwait(false);
            return response.IsSuccessStatusCode
                ? await response.Content.ReadAsByteArrayAsync(either.Token).ConfigureAwait(false)
                : throw await ApiException.FromAsync(request.ToString(), response, time.GetUtcNow(), either.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (!stop.IsCancellationRequested)
        {
            throw new HttpRequestException(HttpRequestError.Unknown, $"{request}: no answer within {Timeout}");
        }
        catch (HttpRequestException e) when (e.InnerException is ApiException refused)
        {
            throw refused;
        }
    }

    private async Task<byte[]> GetByProxyAsync(ObjectKey pod, int port, string path, CancellationToken stop)
    {
        var key = pod with { Name = string.Create(CultureInfo.InvariantCulture, $"{pod.Name}:{port}") };
        var query = path.IndexOf('?', StringComparison.Ordinal);
        var request = ApiRequest.For(ApiResource.PodProxy, "v1", ApiVerb.Get, key) with
        {
            SubPath = "/" + (query < 0 ? path : path[..query]),
            Query = query < 0 ? "" : path[(query + 1)..],
        };
        using var body = await api.ReadAsync(request, Timeout, stop).ConfigureAwait(false);
        return body.Span.ToArray();
    }

    /// <summary>Whether somebody may do something (SubjectAccessReview).</summary>
    /// <param name="user">Who.</param>
    /// <param name="groups">The groups he is in.</param>
    /// <param name="verb">What.</param>
    /// <param name="resource">To what.</param>
    /// <param name="namespace">Where; empty for everywhere.</param>
    /// <param name="name">To which one; null for all.</param>
    /// <param name="stop">Gives up.</param>
    /// <exception cref="HttpRequestException">The server refused to say, or could not be reached.</exception>
    public Task<bool> IsAllowedAsync(
        string user, IReadOnlyList<string> groups, ApiVerb verb, ApiResource resource, string @namespace, string? name, CancellationToken stop)
    {
        var request = new ApiRequest(ApiResource.SubjectAccessReviews, "v1", ApiVerb.Create) { Body = AccessReviewJson.WriteAccess(user, groups, verb, resource, @namespace, name) };
        return api.SendOnceAsync(request, Timeout, static body => AccessReviewJson.ReadAccess(body).Allowed, stop);
    }

    /// <summary>The last lines a pod wrote.</summary>
    /// <exception cref="HttpRequestException">The server refused or could not be reached.</exception>
    public async Task<byte[]> GetLogAsync(ObjectKey pod, int lines, CancellationToken stop)
    {
        var request = ApiRequest.For(ApiResource.PodLog, "v1", ApiVerb.Get, pod) with { Query = string.Create(CultureInfo.InvariantCulture, $"tailLines={lines}") };
        using var body = await api.ReadAsync(request, Timeout, stop).ConfigureAwait(false);
        return body.Span.ToArray();
    }
}
