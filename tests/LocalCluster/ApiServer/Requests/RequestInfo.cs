using Microsoft.AspNetCore.Http;

namespace LoadBalancer.LocalCluster.ApiServer.Requests;

/// <summary>What a request asks for, read off its method and path (Kubernetes API concepts, "Resource URIs" and "API verbs").</summary>
public sealed record RequestInfo
{
    /// <summary>Whether the path names a resource; otherwise it is discovery, health and the like.</summary>
    public bool IsResource { get; init; }

    /// <summary>get, list, watch, create, update, patch, delete or deletecollection; the method in lower case for other paths.</summary>
    public required string Verb { get; init; }

    public required string Path { get; init; }

    public string Group { get; init; } = "";

    public string Version { get; init; } = "";

    public string Namespace { get; init; } = "";

    public string Resource { get; init; } = "";

    public string Name { get; init; } = "";

    public string Subresource { get; init; } = "";

    /// <summary>The name RBAC sees: a list or watch of <c>fieldSelector=metadata.name=x</c> counts as one of x.</summary>
    public string AuthorizedName { get; init; } = "";

    public static RequestInfo Of(HttpRequest request)
    {
        var path = request.Path.Value ?? "/";
        var parts = path.Split('/', StringSplitOptions.RemoveEmptyEntries);
        var plain = new RequestInfo { Verb = request.Method.ToLowerInvariant(), Path = path };
        return parts switch
        {
            ["api", var version, .. var rest] when rest.Length > 0 => Resources(request, plain with { Version = version }, rest),
            ["apis", var group, var version, .. var rest] when rest.Length > 0 =>
                Resources(request, plain with { Group = group, Version = version }, rest),
            _ => plain,
        };
    }

    private static RequestInfo Resources(HttpRequest request, RequestInfo info, string[] parts)
    {
        // /namespaces/x is the namespace itself, /namespaces/x/status its status, /namespaces/x/services what is in it.
        if (parts is ["namespaces", var ns, var inside, .. var rest] && inside is not ("status" or "finalize"))
            info = info with { Namespace = ns, Resource = inside, Name = At(rest, 0), Subresource = Rest(rest, 1) };
        else if (parts is ["namespaces", var name, ..])
            info = info with { Namespace = name, Resource = "namespaces", Name = name, Subresource = Rest(parts, 2) };
        else
            info = info with { Resource = parts[0], Name = At(parts, 1), Subresource = Rest(parts, 2) };
        return info with { IsResource = true, Verb = VerbOf(request, info), AuthorizedName = info.Name.Length > 0 ? info.Name : SelectedName(request) };
    }

    private static string SelectedName(HttpRequest request)
    {
        const string ByName = "metadata.name=";
        var term = request.Query["fieldSelector"].ToString().Split(',').FirstOrDefault(t => t.StartsWith(ByName, StringComparison.Ordinal));
        return term?[ByName.Length..].TrimStart('=') ?? "";
    }

    private static string VerbOf(HttpRequest request, RequestInfo info) => request.Method switch
    {
        "GET" or "HEAD" when info.Name.Length > 0 => "get",
        "GET" or "HEAD" => IsWatch(request) ? "watch" : "list",
        "POST" => "create",
        "PUT" => "update",
        "PATCH" => "patch",
        "DELETE" => info.Name.Length > 0 ? "delete" : "deletecollection",
        var method => method.ToLowerInvariant(),
    };

    private static bool IsWatch(HttpRequest request) => request.Query["watch"].ToString() is "1" or "true" or "True";

    private static string At(string[] parts, int index) => index < parts.Length ? Uri.UnescapeDataString(parts[index]) : "";

    // What follows /proxy is the pod's own path, not the API's.
    private static string Rest(string[] parts, int from) => At(parts, from) == "proxy" ? "proxy" : string.Join('/', parts.Skip(from));
}
