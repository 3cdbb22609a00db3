using System.Collections.Concurrent;
using System.Text.Json;
using LoadBalancer.Kubernetes.ListWatch.Json;
using Polly;
using Polly.CircuitBreaker;
using Polly.Timeout;

namespace LoadBalancer.Kubernetes.Client;

/// <summary>
/// Sends requests to the API server. Every failure arrives as <see cref="HttpRequestException"/>, a refusal as
/// <see cref="ApiException"/>. For many callers at once; one per process.
/// </summary>
public sealed class ApiClient
{
    private const string JsonType = "application/json";

    // A server that accepts the connection but does not even send the head of a response within this is not there.
    private static readonly TimeSpan OpenTimeout = TimeSpan.FromSeconds(30);

    private readonly ApiConnection connection;
    private readonly ApiUse use;
    private readonly TimeProvider time;
    private readonly ResiliencePipeline<HttpResponseMessage> pipeline;
    private readonly ConcurrentDictionary<ApiGrant, bool> used = new();

    /// <summary>A client of one program.</summary>
    /// <param name="connection">The connection pool; the caller disposes it.</param>
    /// <param name="use">What the program has declared.</param>
    /// <param name="time">The clock of retries and timeouts.</param>
    public ApiClient(ApiConnection connection, ApiUse use, TimeProvider time)
    {
        this.connection = connection;
        this.use = use;
        this.time = time;
        pipeline = ApiPipeline.Create(time);
    }

    /// <summary>The grants that were needed so far: a test that exercises the whole program sees from it what is declared in vain.</summary>
    public IReadOnlyCollection<ApiGrant> Used => [.. used.Keys];

    /// <summary>Sends a request, retried as <see cref="ApiPipeline"/> says, and reads the response with <paramref name="read"/>.</summary>
    /// <exception cref="HttpRequestException">The server refused, or could not be reached after retries.</exception>
    internal async Task<TResult> SendAsync<TResult>(
        ApiRequest request, Func<ReadOnlySpan<byte>, TResult> read, CancellationToken cancellationToken)
    {
        Check(request);
        using var response = await RetriedAsync(request, cancellationToken).ConfigureAwait(false);
        return await ReadBodyAsync(request, response, read, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>As <see cref="SendAsync"/>, but tried once: for callers that have a deadline and retry themselves.</summary>
    internal async Task<TResult> SendOnceAsync<TResult>(
        ApiRequest request, TimeSpan timeout, Func<ReadOnlySpan<byte>, TResult> read, CancellationToken cancellationToken)
    {
        using var body = await ReadAsync(request, timeout, cancellationToken).ConfigureAwait(false);
        return Parse(request, body.Span, read);
    }

    /// <summary>Sends a request once and buffers the response in borrowed memory.</summary>
    internal Task<ResponseBody> ReadAsync(ApiRequest request, TimeSpan timeout, CancellationToken cancellationToken) =>
        AnsweredAsync(request, timeout, ResponseBody.ReadAsync, cancellationToken);

    /// <summary>Sends a request once and reads the response as it arrives.</summary>
    internal Task StreamAsync(ApiRequest request, TimeSpan timeout, Func<Stream, CancellationToken, Task> read, CancellationToken cancellationToken) =>
        AnsweredAsync(
            request, timeout,
            async (response, stop) =>
            {
                await using var stream = await response.Content.ReadAsStreamAsync(stop).ConfigureAwait(false);
                await read(stream, stop).ConfigureAwait(false);
                return true;
            },
            cancellationToken);

    // The whole of it, body included, within the time.
    private async Task<TResult> AnsweredAsync<TResult>(
        ApiRequest request, TimeSpan timeout, Func<HttpResponseMessage, CancellationToken, Task<TResult>> read, CancellationToken cancellationToken)
    {
        Check(request);
        using var deadline = new CancellationTokenSource(timeout, time);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, deadline.Token);
        try
        {
            using var response = await OnceAsync(request, stop.Token).ConfigureAwait(false);
            await RefuseAsync(request, response, stop.Token).ConfigureAwait(false);
            return await read(response, stop.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (deadline.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
        {
            throw new HttpRequestException(HttpRequestError.Unknown, $"{request}: no answer within {timeout}");
        }
        catch (IOException e)
        {
            throw new HttpRequestException($"{request}: {e.Message}", e);
        }
    }

    /// <summary>Opens a stream: the response is returned with its body unread. Tried once.</summary>
    internal async Task<HttpResponseMessage> OpenAsync(ApiRequest request, CancellationToken cancellationToken)
    {
        Check(request);
        using var deadline = new CancellationTokenSource(OpenTimeout, time);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, deadline.Token);
        HttpResponseMessage? response = null;
        try
        {
            response = await OnceAsync(request, stop.Token).ConfigureAwait(false);
            await RefuseAsync(request, response, stop.Token).ConfigureAwait(false);
            var opened = response;
            response = null;
            return opened;
        }
        catch (OperationCanceledException) when (deadline.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
        {
            throw new HttpRequestException(HttpRequestError.Unknown, $"{request}: no answer within {OpenTimeout}");
        }
        finally
        {
            response?.Dispose();
        }
    }

    /// <summary>Opens a connection to a port of a pod, on the pod's own loopback.</summary>
    /// <exception cref="HttpRequestException">The server refused, or could not be reached.</exception>
    internal async Task<Stream> ForwardAsync(ApiRequest request, CancellationToken cancellationToken)
    {
        Check(request);
        return new ForwardedStream(await connection.OpenWebSocketAsync(request.ToUri(), ForwardedStream.Protocol, cancellationToken).ConfigureAwait(false));
    }

    /// <summary>The first of <paramref name="wanted"/> that the server has of an API group (discovery, open to every account).</summary>
    /// <exception cref="HttpRequestException">The server has none of them, or could not be asked.</exception>
    internal async Task<string> FindVersionAsync(string group, IReadOnlyList<string> wanted, CancellationToken cancellationToken)
    {
        using var deadline = new CancellationTokenSource(OpenTimeout, time);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, deadline.Token);
        var path = $"apis/{group}";
        try
        {
            using var response = await connection.SendAsync(HttpMethod.Get, path, default, JsonType, stop.Token).ConfigureAwait(false);
            await RefuseAsync($"GET /{path}", response, stop.Token).ConfigureAwait(false);
            using var body = await ResponseBody.ReadAsync(response, stop.Token).ConfigureAwait(false);
            var offered = ApiGroupJson.ReadVersions(body.Span);
            return wanted.FirstOrDefault(offered.Contains) ?? throw new HttpRequestException(
                $"the API server has {group} in the versions {string.Join(", ", offered)}; {string.Join(" or ", wanted)} is needed");
        }
        catch (OperationCanceledException) when (deadline.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
        {
            throw new HttpRequestException(HttpRequestError.Unknown, $"GET /{path}: no answer within {OpenTimeout}");
        }
        catch (Exception e) when (e is JsonException or IOException)
        {
            throw new HttpRequestException($"GET /{path}: {e.Message}", e);
        }
    }

    private void Check(ApiRequest request)
    {
        var grant = use.Find(request.Resource, request.Verb, request.Namespace.Length > 0, request.IsNamed)
            ?? throw new InvalidOperationException(
                $"The {use.Program} has not declared this request in {nameof(ApiUse)}, and RBAC would refuse it: {request}");
        used.TryAdd(grant, true);
    }

    private async Task<HttpResponseMessage> RetriedAsync(ApiRequest request, CancellationToken cancellationToken)
    {
        try
        {
            return await pipeline.ExecuteAsync(
                static (state, token) => new ValueTask<HttpResponseMessage>(state.Client.OnceAsync(state.Request, token)),
                (Client: this, Request: request),
                cancellationToken).ConfigureAwait(false);
        }
        catch (TimeoutRejectedException e)
        {
            throw new HttpRequestException($"{request}: no answer within {e.Timeout}, tried {ApiPipeline.Retries + 1} times", e);
        }
        catch (BrokenCircuitException e)
        {
            throw new HttpRequestException($"{request}: not sent, the API server has been failing", e);
        }
        catch (IOException e)
        {
            throw new HttpRequestException($"{request}: {e.Message}", e);
        }
    }

    private Task<HttpResponseMessage> OnceAsync(ApiRequest request, CancellationToken cancellationToken) =>
        connection.SendAsync(
            request.Method,
            request.ToUri(),
            request.Body,
            request.Verb == ApiVerb.Patch ? request.PatchType : JsonType,
            cancellationToken);

    private async Task<TResult> ReadBodyAsync<TResult>(
        ApiRequest request, HttpResponseMessage response, Func<ReadOnlySpan<byte>, TResult> read, CancellationToken cancellationToken)
    {
        using var deadline = new CancellationTokenSource(ApiPipeline.TryTimeout, time);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, deadline.Token);
        try
        {
            await RefuseAsync(request, response, stop.Token).ConfigureAwait(false);
            using var body = await ResponseBody.ReadAsync(response, stop.Token).ConfigureAwait(false);
            return Parse(request, body.Span, read);
        }
        catch (OperationCanceledException) when (deadline.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
        {
            throw new HttpRequestException(HttpRequestError.Unknown, $"{request}: the response did not end within {ApiPipeline.TryTimeout}");
        }
        catch (IOException e)
        {
            throw new HttpRequestException($"{request}: {e.Message}", e);
        }
    }

    private Task RefuseAsync(ApiRequest request, HttpResponseMessage response, CancellationToken cancellationToken) =>
        response.IsSuccessStatusCode ? Task.CompletedTask : RefuseAsync(request.ToString(), response, cancellationToken);

    private async Task RefuseAsync(string request, HttpResponseMessage response, CancellationToken cancellationToken)
    {
        if (!response.IsSuccessStatusCode)
        {
            throw await ApiException.FromAsync(request, response, time.GetUtcNow(), cancellationToken).ConfigureAwait(false);
        }
    }

    private static TResult Parse<TResult>(ApiRequest request, ReadOnlySpan<byte> body, Func<ReadOnlySpan<byte>, TResult> read)
    {
        try
        {
            return read(body);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            throw new HttpRequestException(HttpRequestError.InvalidResponse, $"{request}: the answer cannot be understood: {e.Message}", e);
        }
    }
}
