using System.Globalization;

namespace LoadBalancer.Kubernetes.Tests.Support;

/// <summary>Documents as an API server sends them.</summary>
internal static class Json
{
    internal const string Gone =
        """{"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure","message":"too old resource version: 1 (2)","reason":"Expired","code":410}""";

    internal static string Service(string name, int version, string annotations = "") =>
        """{"kind":"Service","apiVersion":"v1","metadata":{"name":"NAME","namespace":"shop","uid":"uid-NAME","resourceVersion":"VERSION","creationTimestamp":"2026-01-02T03:04:05Z"ANNOTATIONS},"spec":{"type":"LoadBalancer","clusterIP":"10.96.0.1","clusterIPs":["10.96.0.1"],"ports":[{"name":"http","protocol":"TCP","port":80,"targetPort":8080,"nodePort":30080}]},"status":{"loadBalancer":{}}}"""
            .Replace("NAME", name, StringComparison.Ordinal)
            .Replace("VERSION", version.ToString(CultureInfo.InvariantCulture), StringComparison.Ordinal)
            .Replace("ANNOTATIONS", annotations.Length == 0 ? "" : $",\"annotations\":{{{annotations}}}", StringComparison.Ordinal);

    internal static string List(int version, params string[] items) => ListPage(version, "", items);

    internal static string ListPage(int version, string next, params string[] items) =>
        $$$"""{"kind":"ServiceList","apiVersion":"v1","metadata":{"resourceVersion":"{{{version}}}","continue":"{{{next}}}"},"items":[{{{string.Join(',', items)}}}]}""";

    internal static string Event(string type, string body) => $$"""{"type":"{{type}}","object":{{body}}}""";

    internal static string Added(string name, int version) => Event("ADDED", Service(name, version));

    internal static string Modified(string name, int version) => Event("MODIFIED", Service(name, version));

    internal static string Deleted(string name, int version) => Event("DELETED", Service(name, version));

    internal static string Bookmark(int version) => Event("BOOKMARK",
        $$$$"""{"kind":"Service","apiVersion":"v1","metadata":{"resourceVersion":"{{{{version}}}}","creationTimestamp":null},"spec":{},"status":{"loadBalancer":{}}}""");

    internal static string Failure(int code, string reason) =>
        $$$"""{"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure","message":"no","reason":"{{{reason}}}","code":{{{code}}}}""";
}
