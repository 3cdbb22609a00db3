using System.Globalization;
using System.Net;
using System.Net.Security;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Https;

namespace LoadBalancer.Hosting.SecureMetrics;

/// <summary>
/// What <c>--secure-metrics</c> does to requests: by TLS <c>/metrics</c> is told to whom the API server lets; without TLS the probes are answered
/// to everybody, and the rest on loopback only, where <c>kubectl port-forward</c> ends.
/// </summary>
internal sealed class SecureEndpoint(MetricsGate gate, ServingCertificate certificate, CommonOptions options)
{
    private const string RetrySeconds = "5";

    /// <summary>The options of one handshake.</summary>
    public ValueTask<SslServerAuthenticationOptions> HandshakeAsync(TlsHandshakeCallbackContext context) => ValueTask.FromResult(new SslServerAuthenticationOptions
    {
        ServerCertificateContext = certificate.Current(),
        ApplicationProtocols = [SslApplicationProtocol.Http2, SslApplicationProtocol.Http11],
    });

    /// <summary>Whether a request is to be answered; if not, it has been refused.</summary>
    public async ValueTask<bool> AdmitAsync(HttpContext context)
    {
        var path = context.Request.Path.Value;
        if (context.Request.IsHttps)
        {
            return path == "/metrics"
                ? await JudgeAsync(context).ConfigureAwait(false)
                : await RefuseAsync(context, StatusCodes.Status404NotFound, "There is /metrics.").ConfigureAwait(false);
        }

        if (path is "/healthz" or "/readyz" || IsFromHere(context.Connection.RemoteIpAddress))
        {
            return true;
        }

        var port = (path == "/metrics" ? options.SecureMetrics! : options.Listen).Port;
        return await RefuseAsync(context, StatusCodes.Status403Forbidden, path == "/metrics"
            ? string.Create(CultureInfo.InvariantCulture, $"/metrics is told at https, port {port}, to whoever may get it (--secure-metrics).")
            : string.Create(CultureInfo.InvariantCulture, $"With --secure-metrics this is told on loopback only: kubectl -n {options.Namespace} port-forward POD {port}")).ConfigureAwait(false);
    }

    private static bool IsFromHere(IPAddress? address) =>
        address is not null && IPAddress.IsLoopback(address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address);

    private async Task<bool> JudgeAsync(HttpContext context)
    {
        var verdict = await gate.JudgeAsync(context.Request.Headers.Authorization, context.RequestAborted).ConfigureAwait(false);
        switch (verdict.Refusal)
        {
            case MetricsRefusal.None:
                return true;
            case MetricsRefusal.NoToken or MetricsRefusal.NotAuthenticated:
                context.Response.Headers.WWWAuthenticate = "Bearer realm=\"loadbalancer\"";
                return await RefuseAsync(context, StatusCodes.Status401Unauthorized, verdict.Message).ConfigureAwait(false);
            case MetricsRefusal.NotAllowed:
                return await RefuseAsync(context, StatusCodes.Status403Forbidden, verdict.Message).ConfigureAwait(false);
            default:
                context.Response.Headers.RetryAfter = RetrySeconds;
                return await RefuseAsync(context, verdict.Refusal == MetricsRefusal.TooMany ? StatusCodes.Status429TooManyRequests : StatusCodes.Status503ServiceUnavailable, verdict.Message).ConfigureAwait(false);
        }
    }

    private static async Task<bool> RefuseAsync(HttpContext context, int status, string message)
    {
        context.Response.StatusCode = status;
        await context.Response.WriteAsync(message + "\n", context.RequestAborted).ConfigureAwait(false);
        return false;
    }
}
