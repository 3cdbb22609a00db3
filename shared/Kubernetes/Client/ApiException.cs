using System.Globalization;
using System.Net;
using System.Text.Json;
using LoadBalancer.Kubernetes.ListWatch.Json;

namespace LoadBalancer.Kubernetes.Client;

/// <summary>The API server refused a request, or ended a watch with an ERROR event.</summary>
public sealed class ApiException : HttpRequestException
{
    /// <summary>A refusal.</summary>
    /// <param name="request">The request as text.</param>
    /// <param name="status">The HTTP status, or the code of the Status object of an ERROR event.</param>
    /// <param name="reason">The reason of the Status object, or empty.</param>
    /// <param name="message">The message of the Status object, or the body.</param>
    /// <param name="retryAfter">What the server asked to wait, or null.</param>
    public ApiException(string request, HttpStatusCode status, string reason, string message, TimeSpan? retryAfter = null)
        : base($"{request}: {(int)status} {(reason.Length > 0 ? reason : status.ToString())}: {message}", inner: null, status)
    {
        Reason = reason;
        RetryAfter = retryAfter;
    }

    /// <summary>The reason of the Status object (meta/v1 StatusReason), or empty.</summary>
    public string Reason { get; }

    /// <summary>What the server asked to wait: the header Retry-After (RFC 9110 §10.2.3) or <c>details.retryAfterSeconds</c>.</summary>
    public TimeSpan? RetryAfter { get; }

    /// <summary>Whether the version asked for is compacted away (410): only a new LIST helps.</summary>
    public bool IsExpired => StatusCode == HttpStatusCode.Gone || Reason is "Expired" or "Gone";

    internal static async Task<ApiException> FromAsync(
        string request, HttpResponseMessage response, DateTimeOffset now, CancellationToken cancellationToken)
    {
        var body = await ReadStartAsync(response, cancellationToken).ConfigureAwait(false);
        var status = StatusJson.TryRead(body);
        var message = status?.Message ?? System.Text.Encoding.UTF8.GetString(body).ReplaceLineEndings(" ").Trim();
        return new ApiException(request, response.StatusCode, status?.Reason ?? "", message,
            Client.RetryAfter.Of(response, now) ?? status?.RetryAfter);
    }

    internal static ApiException FromErrorEvent(string request, ref Utf8JsonReader reader)
    {
        var status = StatusJson.Read(ref reader);
        var code = status.Code > 0 ? (HttpStatusCode)status.Code : HttpStatusCode.InternalServerError;
        return new ApiException(request, code, status.Reason, status.Message, status.RetryAfter);
    }

    // An error body is a Status object of a few hundred bytes; a proxy's error page is not read to its end.
    private static async Task<byte[]> ReadStartAsync(HttpResponseMessage response, CancellationToken cancellationToken)
    {
        var buffer = new byte[4096];
        try
        {
            await using var stream = await response.Content.ReadAsStreamAsync(cancellationToken).ConfigureAwait(false);
            var length = await stream.ReadAtLeastAsync(buffer, buffer.Length, throwOnEndOfStream: false, cancellationToken)
                .ConfigureAwait(false);
            return buffer[..length];
        }
        catch (Exception e) when (e is IOException or HttpRequestException)
        {
            return System.Text.Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture, $"(no body: {e.Message})"));
        }
    }
}

/// <summary>There is no usable configuration of the API server; the message says what was looked for and what would work.</summary>
public sealed class ApiConfigurationException(string message, Exception? inner = null) : Exception(message, inner);
