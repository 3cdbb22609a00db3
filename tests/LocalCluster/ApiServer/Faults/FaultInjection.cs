using System.Collections.Concurrent;
using LoadBalancer.LocalCluster.ApiServer.Requests;
using LoadBalancer.LocalCluster.ApiServer.Storage;

namespace LoadBalancer.LocalCluster.ApiServer.Faults;

/// <summary>Makes the server misbehave as real ones do at times. Health endpoints are spared.</summary>
public sealed class FaultInjection(ObjectStore store, TimeProvider time) : IDisposable
{
    private readonly ConcurrentQueue<Failure> _failures = new();
    private CancellationTokenSource _watches = new();
    private CancellationTokenSource _expiry = new();

    /// <summary>Added to every request before it is handled.</summary>
    public TimeSpan Latency { get; set; }

    /// <summary>Cancelled when open watches are to be cut.</summary>
    internal CancellationToken WatchesCut => _watches.Token;

    /// <summary>Cancelled when open watches are to be told 410.</summary>
    internal CancellationToken WatchesExpired => _expiry.Token;

    /// <summary>Answers the next requests that match with an error: 429 with Retry-After, 500, 503…</summary>
    /// <param name="count">How many requests.</param>
    /// <param name="status">The HTTP status.</param>
    /// <param name="matches">Which requests; null takes any.</param>
    /// <param name="retryAfterSeconds">The Retry-After header; null sends none.</param>
    public void FailNext(int count, int status, Func<RequestInfo, bool>? matches = null, int? retryAfterSeconds = null)
    {
        for (var i = 0; i < count; i++)
            _failures.Enqueue(new Failure(status, matches ?? (_ => true), retryAfterSeconds));
    }

    /// <summary>Closes every open watch in the middle of the stream.</summary>
    public void CutWatches() => Interlocked.Exchange(ref _watches, new CancellationTokenSource()).Cancel();

    /// <summary>Ends every open watch with an ERROR event of status 410, and forgets the history, as a compaction does to slow watchers.</summary>
    public void ExpireWatches()
    {
        store.Compact();
        Interlocked.Exchange(ref _expiry, new CancellationTokenSource()).Cancel();
    }

    /// <summary>Forgets the history: a watch from an older version is answered with 410; open ones go on.</summary>
    public void Compact() => store.Compact();

    /// <summary>Forgets the failures that have not happened yet.</summary>
    public void Clear()
    {
        _failures.Clear();
        Latency = TimeSpan.Zero;
    }

    public void Dispose()
    {
        _watches.Dispose();
        _expiry.Dispose();
    }

    internal async ValueTask ApplyAsync(RequestInfo info, CancellationToken cancellationToken)
    {
        if (Latency > TimeSpan.Zero)
            await Task.Delay(Latency, time, cancellationToken);
        if (info.IsResource && _failures.TryPeek(out var next) && next.Matches(info) && _failures.TryDequeue(out var failure))
            throw failure.ToError();
    }

    private sealed record Failure(int Status, Func<RequestInfo, bool> Matches, int? RetryAfter)
    {
        public ApiException ToError() => Status switch
        {
            429 => new ApiException(429, "TooManyRequests", "too many requests, please try again later") { RetryAfterSeconds = RetryAfter ?? 1 },
            503 => new ApiException(503, "ServiceUnavailable", "the server is currently unable to handle the request") { RetryAfterSeconds = RetryAfter },
            _ => new ApiException(Status, "InternalError", "Internal error occurred: injected") { RetryAfterSeconds = RetryAfter },
        };
    }
}
