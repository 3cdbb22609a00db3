using System.Net;
using LoadBalancer.Hosting;
using LoadBalancer.Hosting.SecureMetrics;
using LoadBalancer.Kubernetes.Access;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace LoadBalancer.Controller.Tests.Hosting;

/// <summary>The HTTP part of a program with <c>--secure-metrics</c>, as it listens.</summary>
public sealed class SecureEndpointTests : IAsyncLifetime
{
    private static readonly IPAddress Neighbour = IPAddress.Parse("192.168.96.7");
    private readonly HttpClient http = new(new HttpClientHandler { ServerCertificateCustomValidationCallback = static (_, _, _, _) => true });
    private WebApplication? app;
    private string plain = "";
    private string secure = "";

    public async ValueTask InitializeAsync()
    {
        var builder = ProgramHost.CreateBuilder(new CommonOptions
        {
            Namespace = "lb", ConfigMap = "config", LogLevel = LogLevel.None, Listen = new IPEndPoint(IPAddress.Loopback, 0), SecureMetrics = new IPEndPoint(IPAddress.Loopback, 0),
        });
        builder.Services.AddSingleton(new MetricsGate(static (token, _) => Task.FromResult(token switch
        {
            "good" => new AccessReview("prometheus", true, ""),
            "other" => new AccessReview("other", false, ""),
            "down" => throw new HttpRequestException("no route to host"),
            _ => new AccessReview(null, false, "token has expired"),
        }), TimeProvider.System));
        app = builder.Build();

        // What comes from another host, as far as a test on one host can show it.
        app.Use(static (context, next) =>
        {
            if (context.Request.Headers.ContainsKey("X-From-The-Lan"))
            {
                context.Connection.RemoteIpAddress = Neighbour;
            }

            return next(context);
        });
        ProgramHost.Answer(app);
        await app.StartAsync(Cancel);
        var addresses = app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses;
        (plain, secure) = (addresses.Single(static address => address.StartsWith("http:", StringComparison.Ordinal)), addresses.Single(static address => address.StartsWith("https:", StringComparison.Ordinal)));
    }

    public async ValueTask DisposeAsync()
    {
        http.Dispose();
        await app!.DisposeAsync();
    }

    [Fact]
    public async Task Metrics_WithATokenThatMay_AreToldByTls()
    {
        var (status, body) = await GetAsync(secure, "/metrics", "good");
        Assert.Equal(HttpStatusCode.OK, status);
        Assert.Contains("# TYPE", body, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(null, HttpStatusCode.Unauthorized, "Authorization: Bearer")]
    [InlineData("stale", HttpStatusCode.Unauthorized, "token has expired")]
    [InlineData("other", HttpStatusCode.Forbidden, "user \"other\" cannot get the path /metrics")]
    [InlineData("down", HttpStatusCode.ServiceUnavailable, "no route to host")]
    public async Task Metrics_WithoutOne_AreRefusedWithTheReason(string? token, HttpStatusCode expected, string said)
    {
        var (status, body) = await GetAsync(secure, "/metrics", token);
        Assert.Equal(expected, status);
        Assert.Contains(said, body, StringComparison.Ordinal);
        Assert.DoesNotContain("# TYPE", body, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("/status")]
    [InlineData("/healthz")]
    [InlineData("/")]
    public async Task TlsPort_HasNothingElse_NotEvenForAGoodToken(string path) => Assert.Equal(HttpStatusCode.NotFound, (await GetAsync(secure, path, "good")).Status);

    [Theory]
    [InlineData("/healthz", HttpStatusCode.OK)]
    [InlineData("/readyz", HttpStatusCode.OK)]
    [InlineData("/metrics", HttpStatusCode.Forbidden)]
    [InlineData("/status", HttpStatusCode.Forbidden)]
    [InlineData("/status?all", HttpStatusCode.Forbidden)]
    [InlineData("/", HttpStatusCode.Forbidden)]
    [InlineData("/anything", HttpStatusCode.Forbidden)]
    public async Task PlainPort_TellsAnotherHostTheProbesOnly(string path, HttpStatusCode expected) =>
        Assert.Equal(expected, (await GetAsync(plain, path, "good", fromTheLan: true)).Status);

    [Theory]
    [InlineData("/healthz", HttpStatusCode.OK)]
    [InlineData("/metrics", HttpStatusCode.OK)]
    [InlineData("/status", HttpStatusCode.ServiceUnavailable)]
    public async Task PlainPort_TellsLoopbackEverything(string path, HttpStatusCode expected) => Assert.Equal(expected, (await GetAsync(plain, path, null)).Status);

    [Fact]
    public async Task Refusal_OnThePlainPort_SaysWhereItIsTold()
    {
        Assert.Contains("kubectl -n lb port-forward POD", (await GetAsync(plain, "/status", null, fromTheLan: true)).Body, StringComparison.Ordinal);
        Assert.Contains("https", (await GetAsync(plain, "/metrics", null, fromTheLan: true)).Body, StringComparison.Ordinal);
    }

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private async Task<(HttpStatusCode Status, string Body)> GetAsync(string at, string path, string? token, bool fromTheLan = false)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, at + path);
        if (token is not null)
        {
            request.Headers.Authorization = new("Bearer", token);
        }

        if (fromTheLan)
        {
            request.Headers.Add("X-From-The-Lan", "yes");
        }

        using var response = await http.SendAsync(request, Cancel);
        return (response.StatusCode, await response.Content.ReadAsStringAsync(Cancel));
    }
}
