using System.Net;
using LoadBalancer.Hosting.SecureMetrics;
using LoadBalancer.Kubernetes.Access;
using LoadBalancer.Kubernetes.Client;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Prometheus;

namespace LoadBalancer.Hosting;

/// <summary>The process around a program: logging, /healthz, /readyz, /metrics, /status, orderly shutdown and an honest exit status.</summary>
public static class ProgramHost
{
    // Hand-over and in-flight writes need a few seconds; the manifests grant 30 s before SIGKILL.
    private static readonly TimeSpan ShutdownTimeout = TimeSpan.FromSeconds(20);

    /// <summary>
    /// A builder with logging and Kestrel at <see cref="CommonOptions.Listen"/>, and with <see cref="TimeProvider"/>,
    /// <see cref="Readiness"/>, <see cref="ExitStatus"/>, <see cref="StatusEndpoint"/>, <see cref="MetricsEndpoint"/> and <paramref name="options"/> registered. No configuration file is read.
    /// </summary>
    public static WebApplicationBuilder CreateBuilder(CommonOptions options)
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions { ContentRootPath = AppContext.BaseDirectory });
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            Listen(kestrel, options.Listen, static _ => { });
            if (options.SecureMetrics is { } secure)
            {
                var endpoint = kestrel.ApplicationServices.GetRequiredService<SecureEndpoint>();
                Listen(kestrel, secure, listen => listen.UseHttps(new TlsHandshakeCallbackOptions { OnConnection = endpoint.HandshakeAsync }));
            }
        });
        AddLogging(builder.Logging, options.LogLevel);

        builder.Services.Configure<HostOptions>(host => host.ShutdownTimeout = ShutdownTimeout);
        builder.Services.AddSingleton(options);
        builder.Services.AddSingleton(TimeProvider.System);
        builder.Services.AddSingleton<Readiness>();
        builder.Services.AddSingleton<ExitStatus>();
        builder.Services.AddSingleton<StatusEndpoint>();
        builder.Services.AddSingleton<MetricsEndpoint>();
        builder.Services.AddSingleton<IHostedService>(static services => new MemoryReturn(services.GetRequiredService<TimeProvider>()));
        if (options.SecureMetrics is not null)
        {
            builder.Services.AddSingleton<SecureEndpoint>();
            builder.Services.AddSingleton(static services => new MetricsGate(
                (token, stop) => new AccessReviewer(services.GetRequiredService<ApiClient>()).AskAsync(token, "get", "/metrics", stop), services.GetRequiredService<TimeProvider>()));
            builder.Services.AddSingleton(services => new ServingCertificate(
                options.SecureMetricsCertificate, ProgramIdentity.Name, services.GetRequiredService<TimeProvider>(), services.GetRequiredService<ILogger<ServingCertificate>>()));
        }

        return builder;
    }

    /// <summary>Runs until SIGTERM, SIGINT or the failure of a <see cref="Worker"/>.</summary>
    /// <returns>The exit status.</returns>
    public static async Task<int> RunAsync(WebApplication app)
    {
        // Process metrics stay; the runtime's event counters and meters cost memory and name nothing an operator acts on.
        Metrics.SuppressDefaultMetrics(new SuppressDefaultMetricOptions { SuppressEventCounters = true, SuppressMeters = true });
        Metrics.CreateGauge("loadbalancer_build_info", "Always 1; the labels say what is running.", "program", "version")
            .WithLabels(ProgramIdentity.Name, ProgramIdentity.Version).Set(1);

        var exitStatus = app.Services.GetRequiredService<ExitStatus>();
        var options = app.Services.GetRequiredService<CommonOptions>();
        Answer(app);
        try
        {
            await app.RunAsync().ConfigureAwait(false);
        }
        catch (IOException e)
        {
            await Console.Error.WriteLineAsync($"--listen {options.Listen}{(options.SecureMetrics is { } secured ? $", --secure-metrics {secured}" : "")}: {e.Message} Choose another address or port.").ConfigureAwait(false);
            return 1;
        }

        return exitStatus.Value;
    }

    /// <summary>Puts the answers to requests at the end of the pipeline.</summary>
    internal static void Answer(WebApplication app)
    {
        var readiness = app.Services.GetRequiredService<Readiness>();
        var status = app.Services.GetRequiredService<StatusEndpoint>();
        var metrics = app.Services.GetRequiredService<MetricsEndpoint>();
        var secure = app.Services.GetService<SecureEndpoint>();
        app.Run(async context =>
        {
            if (secure is null || await secure.AdmitAsync(context).ConfigureAwait(false))
            {
                await AnswerAsync(context, readiness, status, metrics).ConfigureAwait(false);
            }
        });
    }

    private static void Listen(KestrelServerOptions kestrel, IPEndPoint endpoint, Action<ListenOptions> configure)
    {
        if (endpoint.Address.Equals(IPAddress.IPv6Any))
        {
            kestrel.ListenAnyIP(endpoint.Port, configure); // falls back to IPv4 where the kernel has no IPv6
        }
        else
        {
            kestrel.Listen(endpoint, configure);
        }
    }

    private static void AddLogging(ILoggingBuilder logging, LogLevel level)
    {
        logging.SetMinimumLevel(level);
        logging.AddFilter("Microsoft", level < LogLevel.Information ? level : LogLevel.Warning);

        // Workers report their failures themselves, and a taken port gets one clear line instead of a stack trace.
        logging.AddFilter("Microsoft.Extensions.Hosting.Internal.Host", level < LogLevel.Information ? level : LogLevel.None);
        if (Console.IsOutputRedirected)
        {
            logging.AddJsonConsole(json =>
            {
                json.UseUtcTimestamp = true;
                json.TimestampFormat = "yyyy-MM-dd'T'HH:mm:ss.fff'Z'";
            });
        }
        else
        {
            logging.AddSimpleConsole(text =>
            {
                text.SingleLine = true;
                text.TimestampFormat = "HH:mm:ss.fff ";
            });
        }
    }

    private static async Task AnswerAsync(HttpContext context, Readiness readiness, StatusEndpoint status, MetricsEndpoint metrics)
    {
        var response = context.Response;
        switch (context.Request.Path.Value)
        {
            case "/healthz":
                await response.WriteAsync("ok\n", context.RequestAborted).ConfigureAwait(false);
                break;
            case "/readyz":
                response.StatusCode = readiness.IsReady ? StatusCodes.Status200OK : StatusCodes.Status503ServiceUnavailable;
                await response.WriteAsync(readiness.Describe(), context.RequestAborted).ConfigureAwait(false);
                break;
            case "/metrics":
                await metrics.AnswerAsync(context).ConfigureAwait(false);
                break;
            case "/status":
                await status.AnswerAsync(context).ConfigureAwait(false);
                break;
            default:
                var pages = context.RequestServices.GetService<IPages>();
                if (pages is null || !await pages.AnswerAsync(context).ConfigureAwait(false))
                {
                    response.StatusCode = StatusCodes.Status404NotFound;
                    await response.WriteAsync($"There is /healthz, /readyz, /metrics and /status{(pages is null ? "" : $", and {pages.Paths}")}.\n", context.RequestAborted).ConfigureAwait(false);
                }

                break;
        }
    }
}
