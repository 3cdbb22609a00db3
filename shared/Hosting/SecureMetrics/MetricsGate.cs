using System.Security.Cryptography;
using System.Text;
using LoadBalancer.Kubernetes.Access;

namespace LoadBalancer.Hosting.SecureMetrics;

/// <summary>Why somebody does not get <c>/metrics</c>.</summary>
public enum MetricsRefusal
{
    /// <summary>He gets them.</summary>
    None,

    /// <summary>He came without a bearer token.</summary>
    NoToken,

    /// <summary>The token is nobody's, or has expired.</summary>
    NotAuthenticated,

    /// <summary>The token's owner has no right to it.</summary>
    NotAllowed,

    /// <summary>Too many unknown tokens come in.</summary>
    TooMany,

    /// <summary>The API server cannot be asked.</summary>
    Unavailable,
}

/// <summary>What becomes of a request for <c>/metrics</c>.</summary>
/// <param name="Refusal">Why it is refused, or none.</param>
/// <param name="Message">A sentence for whoever asked: what was found and what would work.</param>
public sealed record MetricsVerdict(MetricsRefusal Refusal, string Message);

/// <summary>
/// Who gets <c>/metrics</c>: whoever the API server knows by his token and lets <c>get</c> the path <c>/metrics</c>. What it said counts for a
/// while, for a bounded number of tokens, which are kept as hashes. Anybody on the LAN may come with any token, so that only so many that are
/// not known are asked about; those that were let in are not kept waiting by that. For many callers at once.
/// </summary>
/// <param name="review">Asks the API server about a token; a <see cref="HttpRequestException"/> says why it cannot be asked.</param>
/// <param name="time">The clock.</param>
public sealed class MetricsGate(Func<string, CancellationToken, Task<AccessReview>> review, TimeProvider time)
{
    /// <summary>For how long a yes counts.</summary>
    public static readonly TimeSpan YesCounts = TimeSpan.FromMinutes(1);

    /// <summary>For how long a no counts: a right that was just granted is to be seen soon.</summary>
    public static readonly TimeSpan NoCounts = TimeSpan.FromSeconds(10);

    /// <summary>For how long a yes counts while the API server cannot be asked: an outage is when the figures are wanted.</summary>
    public static readonly TimeSpan YesOutlives = TimeSpan.FromMinutes(15);

    /// <summary>How many tokens are remembered.</summary>
    public const int Capacity = 256;

    /// <summary>How many unknown tokens are asked about in <see cref="Window"/>.</summary>
    public const int UnknownInWindow = 20;

    /// <summary>See <see cref="UnknownInWindow"/>.</summary>
    public static readonly TimeSpan Window = TimeSpan.FromSeconds(10);

    // RFC 6750 sets no limit; a projected service account token has about 1,200 characters.
    private const int LongestToken = 16 * 1024;
    private const string Scheme = "Bearer ";

    private readonly Lock sync = new();
    private readonly Dictionary<string, Entry> known = new(StringComparer.Ordinal);
    private readonly Dictionary<string, Task<MetricsVerdict>> asking = new(StringComparer.Ordinal);
    private long windowBegan;
    private int unknownInWindow = -1;

    /// <summary>How many tokens are remembered now.</summary>
    public int Remembered
    {
        get
        {
            lock (sync)
            {
                return known.Count;
            }
        }
    }

    /// <summary>Judges one request.</summary>
    /// <param name="authorization">The header Authorization, or null.</param>
    /// <param name="stop">Gives up waiting; the question goes on for others who wait.</param>
    public Task<MetricsVerdict> JudgeAsync(string? authorization, CancellationToken stop)
    {
        if (authorization is null || !authorization.StartsWith(Scheme, StringComparison.OrdinalIgnoreCase))
        {
            return Task.FromResult(new MetricsVerdict(MetricsRefusal.NoToken, "/metrics is for whoever has a token of this cluster: send the header 'Authorization: Bearer TOKEN'"));
        }

        var token = authorization[Scheme.Length..].Trim();
        if (token.Length is 0 or > LongestToken)
        {
            return Task.FromResult(NotAuthenticated(""));
        }

        var key = Convert.ToHexString(SHA256.HashData(Encoding.UTF8.GetBytes(token)));
        lock (sync)
        {
            var entry = known.GetValueOrDefault(key);
            if (entry is not null && time.GetTimestamp() < entry.Until)
            {
                return Task.FromResult(entry.Verdict);
            }

            if (!asking.TryGetValue(key, out var question))
            {
                // Who was let in before may ask again whatever others do.
                if (entry is not { Verdict.Refusal: MetricsRefusal.None } && !MayAskOfUnknown_NeedsLock())
                {
                    return Task.FromResult(new MetricsVerdict(MetricsRefusal.TooMany, "too many unknown tokens come in; try again in a few seconds"));
                }

                question = AskAsync(key, token);
                if (!question.IsCompleted)
                {
                    asking[key] = question;
                }
            }

            return question.WaitAsync(stop);
        }
    }

    private bool MayAskOfUnknown_NeedsLock()
    {
        if (unknownInWindow < 0 || time.GetElapsedTime(windowBegan) >= Window)
        {
            windowBegan = time.GetTimestamp();
            unknownInWindow = 0;
        }

        return ++unknownInWindow <= UnknownInWindow;
    }

    private async Task<MetricsVerdict> AskAsync(string key, string token)
    {
        // Not under the caller's lock, whatever the review does before its first wait.
        await Task.Yield();
        MetricsVerdict verdict;
        try
        {
            verdict = Of(await review(token, CancellationToken.None).ConfigureAwait(false));
        }
        catch (HttpRequestException e)
        {
            verdict = new MetricsVerdict(MetricsRefusal.Unavailable, $"whose the token is cannot be asked: {e.Message}");
        }

        lock (sync)
        {
            asking.Remove(key);
            return Keep_NeedsLock(key, verdict);
        }
    }

    private MetricsVerdict Keep_NeedsLock(string key, MetricsVerdict verdict)
    {
        var now = time.GetTimestamp();
        if (verdict.Refusal == MetricsRefusal.Unavailable)
        {
            // Nothing new is known: a yes goes on for a while, anything else is asked about again.
            if (known.GetValueOrDefault(key) is { Verdict.Refusal: MetricsRefusal.None } before && time.GetElapsedTime(before.Said, now) < YesOutlives)
            {
                known[key] = before with { Until = After(now, NoCounts) };
                return before.Verdict;
            }

            return verdict;
        }

        if (!known.ContainsKey(key) && known.Count >= Capacity)
        {
            // Refusals go first: a flood of tokens must not push out those that were let in.
            known.Remove(known.MinBy(static entry => (entry.Value.Verdict.Refusal == MetricsRefusal.None, entry.Value.Said)).Key);
        }

        known[key] = new Entry(verdict, now, After(now, verdict.Refusal == MetricsRefusal.None ? YesCounts : NoCounts));
        return verdict;
    }

    private long After(long now, TimeSpan span) => now + (long)(span.TotalSeconds * time.TimestampFrequency);

    private static MetricsVerdict Of(AccessReview review) => review switch
    {
        { User: null } => NotAuthenticated(review.Detail),
        { Allowed: false } => new(MetricsRefusal.NotAllowed,
            $"user \"{review.User}\" cannot get the path /metrics: bind it to the ClusterRole loadbalancer-metrics-reader{(review.Detail.Length > 0 ? $" ({review.Detail})" : "")}"),
        _ => new(MetricsRefusal.None, ""),
    };

    private static MetricsVerdict NotAuthenticated(string detail) =>
        new(MetricsRefusal.NotAuthenticated, $"the token is none of this cluster, or it has expired{(detail.Length > 0 ? $": {detail}" : "")}");

    private sealed record Entry(MetricsVerdict Verdict, long Said, long Until);
}
