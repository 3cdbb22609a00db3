using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text.Json;
using LoadBalancer.Kubernetes.Client;
using LoadBalancer.Kubernetes.ListWatch.Json;
using LoadBalancer.Kubernetes.Resources;

namespace LoadBalancer.Kubernetes.ListWatch;

/// <summary>
/// Lists and watches one kind at the API server. Neither is retried here: whoever uses it — the <see cref="Reflector{T}"/> — decides
/// what a fault means. For one user at a time.
/// </summary>
/// <typeparam name="T">The kind.</typeparam>
public sealed class ApiResourceSource<T> : IResourceSource<T>
    where T : class, IResource
{
    /// <summary>How many objects one page of a LIST has: a page of large Services is then about a megabyte.</summary>
    public const int PageSize = 500;

    /// <summary>What the client waits beyond the time the server was asked to close the stream at.</summary>
    public static readonly TimeSpan WatchGrace = TimeSpan.FromSeconds(30);

    private static readonly TimeSpan PageTimeout = TimeSpan.FromSeconds(60);

    private readonly ApiClient api;
    private readonly ResourceKind<T> kind;
    private readonly ResourceSelection selection;
    private readonly TimeProvider time;
    private readonly bool isVersionKnown;
    private readonly StringPool strings = new();
    private string version;

    /// <summary>A source.</summary>
    /// <param name="api">The API server.</param>
    /// <param name="kind">What to read.</param>
    /// <param name="selection">Which of them.</param>
    /// <param name="time">The clock of the deadlines.</param>
    /// <param name="version">The version of the group that the server is known to have; null to ask it at every LIST.</param>
    public ApiResourceSource(ApiClient api, ResourceKind<T> kind, ResourceSelection selection, TimeProvider time, string? version = null)
    {
        this.api = api;
        this.kind = kind;
        this.selection = selection;
        this.time = time;
        this.version = version ?? kind.Versions[0];
        isVersionKnown = version is not null || kind.Versions.Count == 1;
    }

    /// <summary>The version of the group that was found at the last LIST.</summary>
    public string Version => version;

    /// <inheritdoc/>
    public async Task<ResourceList<T>> ListAsync(CancellationToken cancellationToken)
    {
        if (!isVersionKnown)
        {
            // At every LIST: an upgraded API server may have dropped the version used so far.
            version = await api.FindVersionAsync(kind.Resource.Group, kind.Versions, cancellationToken).ConfigureAwait(false);
        }

        try
        {
            return await ListPagesAsync(PageSize, cancellationToken).ConfigureAwait(false);
        }
        catch (ApiException e) when (e.IsExpired)
        {
            // The server compacted the version while we paged. In one piece it cannot happen again.
            return await ListPagesAsync(0, cancellationToken).ConfigureAwait(false);
        }
    }

    /// <inheritdoc/>
    /// <exception cref="ApiException">The server refused, or sent an ERROR event.</exception>
    /// <exception cref="InvalidDataException">A line cannot be understood.</exception>
    /// <exception cref="TimeoutException">The deadline passed without the server closing the stream.</exception>
    /// <exception cref="HttpRequestException">The connection failed.</exception>
    public async IAsyncEnumerable<WatchEvent<T>> WatchAsync(
        string resourceVersion, TimeSpan timeout, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var request = Request(ApiVerb.Watch) with
        {
            Query = string.Create(CultureInfo.InvariantCulture,
                $"allowWatchBookmarks=true&timeoutSeconds={(int)timeout.TotalSeconds}&resourceVersion={Uri.EscapeDataString(resourceVersion)}"),
        };
        using var deadline = new CancellationTokenSource(timeout + WatchGrace, time);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, deadline.Token);
        using var response = await Guard(() => api.OpenAsync(request, stop.Token)).ConfigureAwait(false);
        await using var stream = await response.Content.ReadAsStreamAsync(stop.Token).ConfigureAwait(false);
        await using var lines = new WatchLines<T>(stream, kind, strings, request.ToString());
        while (await Guard(() => lines.NextAsync(stop.Token).AsTask()).ConfigureAwait(false) is { } next)
        {
            yield return next;
        }

        // Tells silence from cancellation: both arrive as a cancelled read.
        async Task<TResult> Guard<TResult>(Func<Task<TResult>> read)
        {
            try
            {
                return await read().ConfigureAwait(false);
            }
            catch (OperationCanceledException) when (deadline.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
            {
                throw new TimeoutException($"{request}: the server did not close the stream {timeout + WatchGrace} after it was opened");
            }
        }
    }

    private ApiRequest Request(ApiVerb verb) => new(kind.Resource, version, verb)
    {
        Namespace = selection.Namespace,
        FieldSelector = selection.FieldSelector,
        LabelSelector = selection.LabelSelector,
    };

    private async Task<ResourceList<T>> ListPagesAsync(int limit, CancellationToken cancellationToken)
    {
        var items = new List<T>();
        string resourceVersion = "", next = "";
        var total = 0;
        do
        {
            var request = Request(ApiVerb.List) with { Query = PageQuery(limit, next) };
            var page = new ListPageReader<T>(kind, strings, items);
            await api.StreamAsync(request, PageTimeout, (stream, token) => ReadPageAsync(request, page, stream, token), cancellationToken).ConfigureAwait(false);
            (resourceVersion, next) = (page.Version, page.Continue);
            total += page.Count;
        }
        while (next.Length > 0);

        return new ResourceList<T>(items, resourceVersion) { Total = total };
    }

    private static string PageQuery(int limit, string next) => (limit, next) switch
    {
        (0, _) => "",
        (_, "") => string.Create(CultureInfo.InvariantCulture, $"limit={limit}"),
        _ => string.Create(CultureInfo.InvariantCulture, $"limit={limit}&continue={Uri.EscapeDataString(next)}"),
    };

    private static async Task ReadPageAsync(ApiRequest request, ListPageReader<T> page, Stream stream, CancellationToken cancellationToken)
    {
        try
        {
            await page.ReadAsync(stream, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            throw new InvalidDataException($"{request}: the list cannot be understood: {e.Message}", e);
        }
    }
}
