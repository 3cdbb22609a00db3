using System.Net;
using Polly;
using Polly.CircuitBreaker;
using Polly.Retry;
using Polly.Timeout;

namespace LoadBalancer.Kubernetes.Client;

/// <summary>How calls that are not watches are retried.</summary>
/// <remarks>
/// From outside to inside: retry, circuit breaker, timeout of one try. A conflict, a missing object or a refusal is an answer and passes
/// straight through; what is retried is what may pass by itself.
/// </remarks>
internal static class ApiPipeline
{
    /// <summary>How long one try may take: longer than the API server's own limit for writes to a slow etcd (about 7 s).</summary>
    internal static readonly TimeSpan TryTimeout = TimeSpan.FromSeconds(10);

    /// <summary>How often a call is tried again.</summary>
    internal const int Retries = 4;

    /// <summary>The longest Retry-After that is waited for within one call; a longer one is the caller's to plan.</summary>
    internal static readonly TimeSpan LongestRetryAfter = TimeSpan.FromSeconds(15);

    internal static ResiliencePipeline<HttpResponseMessage> Create(TimeProvider time) =>
        new ResiliencePipelineBuilder<HttpResponseMessage> { TimeProvider = time }
            .AddRetry(Retry(time))
            .AddCircuitBreaker(Breaker())
            .AddTimeout(TryTimeout)
            .Build();

    private static RetryStrategyOptions<HttpResponseMessage> Retry(TimeProvider time) => new()
    {
        MaxRetryAttempts = Retries,
        BackoffType = DelayBackoffType.Exponential,
        Delay = TimeSpan.FromMilliseconds(200),
        MaxDelay = TimeSpan.FromSeconds(5),
        UseJitter = true,
        ShouldHandle = arguments => ValueTask.FromResult(IsTransient(arguments.Outcome, time.GetUtcNow())),

        // Null leaves it to the exponential delay.
        DelayGenerator = arguments => ValueTask.FromResult(
            arguments.Outcome.Result is { } response ? RetryAfter.Of(response, time.GetUtcNow()) : null),
        OnRetry = static arguments =>
        {
            arguments.Outcome.Result?.Dispose();
            return default;
        },
    };

    // With 64 patches in flight a dead server would otherwise be sent 64 more every few hundred milliseconds.
    private static CircuitBreakerStrategyOptions<HttpResponseMessage> Breaker() => new()
    {
        FailureRatio = 0.9,
        MinimumThroughput = 20,
        SamplingDuration = TimeSpan.FromSeconds(10),
        BreakDuration = TimeSpan.FromSeconds(2),
        ShouldHandle = static arguments => ValueTask.FromResult(IsOutage(arguments.Outcome)),
    };

    private static bool IsTransient(Outcome<HttpResponseMessage> outcome, DateTimeOffset now) => outcome switch
    {
        { Exception: BrokenCircuitException } => true,
        { Result: { } response } when RetryAfter.Of(response, now) > LongestRetryAfter => false,
        { Result.StatusCode: HttpStatusCode.TooManyRequests or HttpStatusCode.InternalServerError } => true,
        _ => IsOutage(outcome),
    };

    private static bool IsOutage(Outcome<HttpResponseMessage> outcome) => outcome switch
    {
        { Exception: HttpRequestException or IOException or TimeoutRejectedException } => true,
        { Result.StatusCode: HttpStatusCode.BadGateway or HttpStatusCode.ServiceUnavailable or HttpStatusCode.GatewayTimeout } => true,
        _ => false,
    };
}

/// <summary>The header Retry-After (RFC 9110 §10.2.3).</summary>
internal static class RetryAfter
{
    /// <summary>What the server asks to wait, or null; a date in the past is zero.</summary>
    internal static TimeSpan? Of(HttpResponseMessage response, DateTimeOffset now)
    {
        var header = response.Headers.RetryAfter;
        var wait = header?.Delta ?? (header?.Date is { } date ? date - now : null);
        return wait < TimeSpan.Zero ? TimeSpan.Zero : wait;
    }
}
