using System.Globalization;
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

    /// <summary>What a pod answers to a GET, through the API server.</summary>
    /// <param name="pod">The pod.</param>
    /// <param name="port">Its port.</param>
    /// <param name="path">The path with its query, without a leading slash.</param>
    /// <param name="stop">Gives up.</param>
    /// <exception cref="HttpRequestException">The server refused, or the pod could not be reached.</exception>
    public async Task<byte[]> GetFromPodAsync(ObjectKey pod, int port, string path, CancellationToken stop)
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

    /// <summary>The last lines a pod wrote.</summary>
    /// <exception cref="HttpRequestException">The server refused or could not be reached.</exception>
    public async Task<byte[]> GetLogAsync(ObjectKey pod, int lines, CancellationToken stop)
    {
        var request = ApiRequest.For(ApiResource.PodLog, "v1", ApiVerb.Get, pod) with { Query = string.Create(CultureInfo.InvariantCulture, $"tailLines={lines}") };
        using var body = await api.ReadAsync(request, Timeout, stop).ConfigureAwait(false);
        return body.Span.ToArray();
    }
}
