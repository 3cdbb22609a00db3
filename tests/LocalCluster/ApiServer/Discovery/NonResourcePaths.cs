using System.Text.Json.Nodes;
using LoadBalancer.LocalCluster.ApiServer.Access;
using LoadBalancer.LocalCluster.ApiServer.Json;
using LoadBalancer.LocalCluster.ApiServer.OpenApi;
using LoadBalancer.LocalCluster.ApiServer.Requests;
using Microsoft.AspNetCore.Http;

namespace LoadBalancer.LocalCluster.ApiServer.Discovery;

/// <summary>Every path that names no resource: health, version, metrics, discovery, OpenAPI.</summary>
public sealed class NonResourcePaths(DiscoveryDocuments discovery, OpenApiDocuments openApi, AccessLog accessLog)
{
    /// <summary>Whether everyone may read the path, as the bootstrap role <c>system:public-info-viewer</c> grants.</summary>
    public static bool IsOpen(RequestInfo info) =>
        !info.IsResource && info.Verb is "get" or "head" && info.Path.TrimEnd('/') is "/healthz" or "/readyz" or "/livez" or "/version";

    public async Task AnswerAsync(HttpContext http, RequestInfo info)
    {
        if (info.Verb is not ("get" or "head"))
            throw ApiException.MethodNotAllowed();
        var path = info.Path.TrimEnd('/');
        if (path is "/healthz" or "/readyz" or "/livez" || path.StartsWith("/readyz/", StringComparison.Ordinal) || path.StartsWith("/livez/", StringComparison.Ordinal))
        {
            http.Response.ContentType = "text/plain; charset=utf-8";
            await http.Response.WriteAsync("ok", http.RequestAborted);
            return;
        }

        if (path == "/metrics")
        {
            http.Response.ContentType = "text/plain; version=0.0.4; charset=utf-8";
            await http.Response.WriteAsync(accessLog.ToMetrics(), http.RequestAborted);
            return;
        }

        if (path == "/openapi/v2" && http.Request.Headers.Accept.ToString().Contains("proto-openapi.spec.v2", StringComparison.Ordinal))
        {
            // Not as it was asked for, with an '@': kubectl 1.20 does not take that for a media type, nor does RFC 6838 §4.2.
            http.Response.ContentType = "application/com.github.proto-openapi.spec.v2.v1.0+protobuf";
            await http.Response.Body.WriteAsync(OpenApiProtobuf.Encode(openApi.V2()), http.RequestAborted);
            return;
        }

        var (document, type) = Document(path, http.Request.Headers.Accept.ToString());
        http.Response.StatusCode = document is null ? StatusCodes.Status404NotFound : StatusCodes.Status200OK;
        http.Response.ContentType = document is null ? "text/plain; charset=utf-8" : type;
        await http.Response.Body.WriteAsync(document is null ? "404 page not found\n"u8.ToArray() : JsonText.ToUtf8(document), http.RequestAborted);
    }

    private (JsonObject? Document, string ContentType) Document(string path, string accept)
    {
        const string Json = "application/json";
        if (path is "/api" or "/apis" && AggregatedVersion(accept) is { } version)
            return (discovery.Aggregated(path == "/api", version), $"{Json};g=apidiscovery.k8s.io;v={version};as=APIGroupDiscoveryList");
        var parts = path.Split('/', StringSplitOptions.RemoveEmptyEntries);
        return (parts switch
        {
            [] => Root(),
            ["version"] => discovery.Version(),
            ["api"] => discovery.CoreVersions(),
            ["api", var v] => discovery.Resources("", v),
            ["apis"] => discovery.Groups(),
            ["apis", var group] => discovery.OneGroup(group),
            ["apis", var group, var v] => discovery.Resources(group, v),
            ["openapi", "v2"] => openApi.V2(),
            ["openapi", "v3"] => openApi.Index(),
            ["openapi", "v3", .. var rest] => openApi.V3(string.Join('/', rest)),
            _ => null,
        }, Json);
    }

    private static JsonObject Root() =>
        new() { ["paths"] = JsonPaths.ListOf(["/api", "/api/v1", "/apis", "/healthz", "/livez", "/metrics", "/openapi/v2", "/openapi/v3", "/readyz", "/version"]) };

    private static string? AggregatedVersion(string accept)
    {
        foreach (var entry in accept.Split(','))
        {
            if (!entry.Contains("as=APIGroupDiscoveryList", StringComparison.Ordinal))
                continue;
            if (entry.Contains("v=v2beta1", StringComparison.Ordinal))
                return "v2beta1";
            if (entry.Contains("v=v2", StringComparison.Ordinal))
                return "v2";
        }

        return null;
    }
}
