using System.Collections.Concurrent;
using System.Net;
using System.Security.Cryptography.X509Certificates;
using k8s;
using LoadBalancer.Kubernetes.Client;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace LoadBalancer.Kubernetes.Tests.Support;

/// <summary>One request the server has seen.</summary>
internal sealed record Seen(string Method, string Path, string Query, string Body, IHeaderDictionary Headers)
{
    internal string Parameter(string name) =>
        System.Web.HttpUtility.ParseQueryString(Query)[name] ?? "";

    public override string ToString() => $"{Method} {Path}{Query}";

    /// <summary>The whole request, for a failure.</summary>
    internal string Text => Body.Length == 0 ? ToString() : $"{this}\n{Body}";
}

/// <summary>
/// A real HTTP server on loopback that answers each request with the next step of a script. A request beyond the script ends the test,
/// which fails with that request's text when the server is disposed of.
/// </summary>
internal sealed class ScriptedServer : IAsyncDisposable
{
    private readonly WebApplication application;
    private readonly ConcurrentQueue<Func<HttpContext, Task>> steps = new();
    private readonly ConcurrentQueue<Seen> seen = new();
    private readonly ConcurrentQueue<Seen> unexpected = new();
    private readonly ITestContext test = TestContext.Current;
    private int open;

    private ScriptedServer(WebApplication application) => this.application = application;

    /// <summary>Answers the requests beyond the script, where a test allows any.</summary>
    internal Func<HttpContext, Task>? Otherwise { get; set; }

    internal IReadOnlyList<Seen> Requests => [.. seen];

    /// <summary>How many requests are being answered right now.</summary>
    internal int Open => Volatile.Read(ref open);

    internal Uri Url { get; private set; } = new("http://localhost");

    internal static async Task<ScriptedServer> StartAsync(X509Certificate2? certificate = null)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseKestrelHttpsConfiguration();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0, listen =>
        {
            if (certificate is not null)
            {
                listen.UseHttps(certificate, https =>
                {
                    https.ClientCertificateMode = Microsoft.AspNetCore.Server.Kestrel.Https.ClientCertificateMode.AllowCertificate;
                    https.AllowAnyClientCertificate();
                });
            }
        }));
        var server = new ScriptedServer(builder.Build());
        server.application.UseWebSockets();
        server.application.Run(server.AnswerAsync);
        await server.application.StartAsync();
        server.Url = new Uri(server.application.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First());
        return server;
    }

    /// <summary>A client of this server.</summary>
    internal ApiClient Client(TimeProvider time, ApiUse? use = null) =>
        new(new ApiConnection(new KubernetesClientConfiguration { Host = Url.AbsoluteUri }, "test", "test/1"), use ?? Everything, time);

    /// <summary>The next request is answered by this.</summary>
    internal ScriptedServer Then(Func<HttpContext, Task> step)
    {
        steps.Enqueue(step);
        return this;
    }

    /// <summary>The next request gets this status and body.</summary>
    internal ScriptedServer Then(int status, string body, string? retryAfter = null) => Then(async context =>
    {
        context.Response.StatusCode = status;
        context.Response.ContentType = "application/json";
        if (retryAfter is not null)
        {
            context.Response.Headers.RetryAfter = retryAfter;
        }

        await context.Response.WriteAsync(body);
    });

    internal ScriptedServer Then(string body) => Then(200, body);

    /// <summary>The next request is a watch that sends these lines and stays open until its client goes away.</summary>
    internal ScriptedServer ThenWatch(params string[] lines) => Then(async context =>
    {
        await SendAsync(context, string.Concat(lines.Select(line => line + "\n")));
        await HangAsync(context);
    });

    /// <summary>As <see cref="ThenWatch"/>, but the server closes the stream after the lines.</summary>
    internal ScriptedServer ThenWatchAndClose(params string[] lines) =>
        Then(context => SendAsync(context, string.Concat(lines.Select(line => line + "\n"))));

    /// <summary>As <see cref="ThenWatch"/>, but the connection is reset when <paramref name="when"/> completes.</summary>
    internal ScriptedServer ThenWatchAndReset(Task when, params string[] lines) => Then(async context =>
    {
        await SendAsync(context, string.Concat(lines.Select(line => line + "\n")));
        await when.WaitAsync(TimeSpan.FromSeconds(20), TimeProvider.System);
        context.Abort();
    });

    internal static async Task SendAsync(HttpContext context, string text)
    {
        if (!context.Response.HasStarted)
        {
            context.Response.ContentType = "application/json";
        }

        await context.Response.WriteAsync(text);
        await context.Response.Body.FlushAsync();
    }

    internal static async Task HangAsync(HttpContext context)
    {
        await context.Response.Body.FlushAsync();
        try
        {
            await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, context.RequestAborted);
        }
        catch (OperationCanceledException)
        {
            // The client has gone.
        }
    }

    /// <summary>Waits until the server has seen this many requests.</summary>
    internal Task SeenAsync(int count) =>
        Eventually.TrueAsync(() => seen.Count >= count, () => $"the server has seen {count} requests; it saw {string.Join(", ", Requests)}");

    public async ValueTask DisposeAsync()
    {
        using var now = new CancellationTokenSource(TimeSpan.FromMilliseconds(200));
        await application.StopAsync(now.Token);
        await application.DisposeAsync();
        Assert.True(unexpected.IsEmpty, $"The server was asked more than its script has:\n{string.Join('\n', unexpected.Select(request => request.Text))}");
    }

    private static readonly ApiUse Everything = new("test",
    [
        .. new[]
        {
            ApiResource.Services, ApiResource.ServiceStatus, ApiResource.Nodes, ApiResource.Namespaces, ApiResource.ConfigMaps,
            ApiResource.Secrets, ApiResource.Events, ApiResource.EndpointSlices, ApiResource.Leases,
        }.Select(resource => new ApiGrant(resource, ApiScope.Cluster, Enum.GetValues<ApiVerb>())),
    ]);

    private async Task AnswerAsync(HttpContext context)
    {
        Interlocked.Increment(ref open);
        try
        {
            using var body = new StreamReader(context.Request.Body);
            var text = await body.ReadToEndAsync();
            var request = new Seen(
                context.Request.Method, context.Request.Path, context.Request.QueryString.Value ?? "", text, context.Request.Headers);
            var next = steps.TryDequeue(out var step) ? step : Otherwise;
            if (next is null)
            {
                unexpected.Enqueue(request);
                context.Response.StatusCode = StatusCodes.Status501NotImplemented;
                test.CancelCurrentTest();
            }

            seen.Enqueue(request);
            await (next?.Invoke(context) ?? Task.CompletedTask);
        }
        finally
        {
            Interlocked.Decrement(ref open);
        }
    }
}
