using LoadBalancer.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Hosting;

namespace LoadBalancer.Controller.StatusPage;

/// <summary>Serves the status page: a document, its script and its style, all from within the program, and the stream that feeds them.</summary>
/// <param name="feed">What is streamed.</param>
/// <param name="lifetime">Streams end when the program begins to stop.</param>
internal sealed class StatusPages(StatusFeed feed, IHostApplicationLifetime lifetime) : IPages
{
    private static readonly TimeSpan Retry = TimeSpan.FromSeconds(2);

    private static readonly Dictionary<string, (string Type, byte[] Content)> Files = new(StringComparer.Ordinal)
    {
        ["/"] = ("text/html; charset=utf-8", Read("page.html")),
        ["/page.css"] = ("text/css; charset=utf-8", Read("page.css")),
        ["/page.js"] = ("text/javascript; charset=utf-8", Read("page.js")),
        ["/addresses.js"] = ("text/javascript; charset=utf-8", Read("addresses.js")),
        ["/poolmap.js"] = ("text/javascript; charset=utf-8", Read("poolmap.js")),
        ["/icon.svg"] = ("image/svg+xml", Read("icon.svg")),
    };

    /// <inheritdoc/>
    public string Paths => "the status page at /";

    /// <inheritdoc/>
    public async Task<bool> AnswerAsync(HttpContext context)
    {
        var (request, response) = (context.Request, context.Response);
        var path = request.Path.Value ?? "";
        var isStream = path == "/events";
        if (!isStream && !Files.ContainsKey(path))
        {
            return false;
        }

        // Nothing but what is served here is loaded or run, and no other site may frame it.
        response.Headers.ContentSecurityPolicy = "default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
        response.Headers.XContentTypeOptions = "nosniff";
        response.Headers["Referrer-Policy"] = "no-referrer";
        if (!HttpMethods.IsGet(request.Method) && !HttpMethods.IsHead(request.Method))
        {
            response.StatusCode = StatusCodes.Status405MethodNotAllowed;
            response.Headers.Allow = "GET, HEAD";
        }
        else if (isStream)
        {
            await StreamAsync(context).ConfigureAwait(false);
        }
        else
        {
            var (type, content) = Files[path];
            response.ContentType = type;
            response.ContentLength = content.Length;

            // After an upgrade the page is the new program's.
            response.Headers.CacheControl = "no-cache";
            if (HttpMethods.IsGet(request.Method))
            {
                await response.Body.WriteAsync(content, context.RequestAborted).ConfigureAwait(false);
            }
        }

        return true;
    }

    private async Task StreamAsync(HttpContext context)
    {
        var response = context.Response;
        response.Headers.CacheControl = "no-store";
        if (feed.Join() is not { } messages)
        {
            response.StatusCode = StatusCodes.Status503ServiceUnavailable;
            response.Headers.RetryAfter = "5";
            await response.WriteAsync($"The program is starting, or {StatusFeed.MostReaders} pages are open already.\n", context.RequestAborted).ConfigureAwait(false);
            return;
        }

        using var ends = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted, lifetime.ApplicationStopping);
        try
        {
            response.ContentType = "text/event-stream";
            if (HttpMethods.IsHead(context.Request.Method))
            {
                return;
            }

            await response.WriteAsync($"retry: {Retry.TotalMilliseconds:0}\n\n", ends.Token).ConfigureAwait(false);
            await foreach (var message in messages.ReadAllAsync(ends.Token).ConfigureAwait(false))
            {
                await response.Body.WriteAsync("data: "u8.ToArray(), ends.Token).ConfigureAwait(false);
                await response.Body.WriteAsync(message, ends.Token).ConfigureAwait(false);
                await response.Body.WriteAsync("\n\n"u8.ToArray(), ends.Token).ConfigureAwait(false);
                await response.Body.FlushAsync(ends.Token).ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException)
        {
            // The reader went, or the program stops.
        }
        finally
        {
            feed.Leave(messages);
        }
    }

    private static byte[] Read(string name)
    {
        using var stream = typeof(StatusPages).Assembly.GetManifestResourceStream($"StatusPage/{name}")
            ?? throw new InvalidOperationException($"{name} is not in the program");
        var content = new byte[stream.Length];
        stream.ReadExactly(content);
        return content;
    }
}
