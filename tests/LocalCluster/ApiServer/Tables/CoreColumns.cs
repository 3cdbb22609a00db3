using System.Text.Json.Nodes;
using LoadBalancer.LocalCluster.ApiServer.Json;

namespace LoadBalancer.LocalCluster.ApiServer.Tables;

/// <summary>Services: what <c>kubectl get svc</c> shows.</summary>
internal static class ServiceColumns
{
    public static Column[] All { get; } =
    [
        Columns.Text("Name", o => o.Text("metadata", "name")),
        Columns.Text("Type", o => o.Text("spec", "type")),
        Columns.Text("Cluster-IP", o => o.Text("spec", "clusterIP") is { Length: > 0 } ip ? ip : "<none>"),
        Columns.Text("External-IP", ExternalIp),
        Columns.Text("Port(s)", Ports),
        new("Age", (o, now) => Age.Of(o["metadata"].At("creationTimestamp"), now)),
        Columns.Wide("Selector", o => JsonPaths.Pairs(o.Map("spec", "selector"))),
    ];

    public static IEnumerable<string> IngressPoints(JsonObject o) =>
        o["status"].Objects("loadBalancer", "ingress").Select(i => i.Text("ip") is { Length: > 0 } ip ? ip : i.Text("hostname")).Distinct();

    private static string ExternalIp(JsonObject o)
    {
        var given = o.Strings("spec", "externalIPs").ToList();
        switch (o.Text("spec", "type"))
        {
            case "ExternalName":
                return o.Text("spec", "externalName");
            case "LoadBalancer":
                var all = IngressPoints(o).Concat(given).ToList();
                return all.Count == 0 ? "<pending>" : Columns.Join(all);
            default:
                return given.Count == 0 ? "<none>" : Columns.Join(given);
        }
    }

    private static string Ports(JsonObject o)
    {
        var ports = o.Objects("spec", "ports").Select(p => p["nodePort"] is { } node
            ? $"{p.Number("port")}:{node.Number()}/{p.Text("protocol")}"
            : $"{p.Number("port")}/{p.Text("protocol")}").ToList();
        return ports.Count == 0 ? "<none>" : Columns.Join(ports);
    }
}

/// <summary>Pods.</summary>
internal static class PodColumns
{
    public static Column[] All { get; } =
    [
        Columns.Text("Name", o => o.Text("metadata", "name")),
        Columns.Text("Ready", o => $"{o.Objects("status", "containerStatuses").Count(c => c.Flag("ready") == true)}/{o.Objects("spec", "containers").Count()}"),
        Columns.Text("Status", Status),
        Columns.Text("Restarts", o => $"{o.Objects("status", "containerStatuses").Sum(c => c.Number("restartCount") ?? 0)}"),
        new("Age", (o, now) => Age.Of(o["metadata"].At("creationTimestamp"), now)),
        Columns.Wide("IP", o => OrNone(o.Text("status", "podIP"))),
        Columns.Wide("Node", o => OrNone(o.Text("spec", "nodeName"))),
        Columns.Wide("Nominated Node", o => OrNone(o.Text("status", "nominatedNodeName"))),
        Columns.Wide("Readiness Gates", _ => "<none>"),
    ];

    private static string Status(JsonObject o)
    {
        if (o["metadata"].At("deletionTimestamp") is not null)
            return "Terminating";
        var waiting = o.Objects("status", "containerStatuses").Select(c => c.Text("state", "waiting", "reason")).FirstOrDefault(r => r.Length > 0);
        return waiting ?? (o.Text("status", "reason") is { Length: > 0 } reason ? reason : o.Text("status", "phase"));
    }

    private static string OrNone(string text) => text.Length > 0 ? text : "<none>";
}

/// <summary>Nodes.</summary>
internal static class NodeColumns
{
    private const string RolePrefix = "node-role.kubernetes.io/";

    public static Column[] All { get; } =
    [
        Columns.Text("Name", o => o.Text("metadata", "name")),
        Columns.Text("Status", Status),
        Columns.Text("Roles", Roles),
        new("Age", (o, now) => Age.Of(o["metadata"].At("creationTimestamp"), now)),
        Columns.Text("Version", o => o.Text("status", "nodeInfo", "kubeletVersion")),
        Columns.Wide("Internal-IP", o => Address(o, "InternalIP")),
        Columns.Wide("External-IP", o => Address(o, "ExternalIP")),
        Columns.Wide("OS-Image", o => Info(o, "osImage")),
        Columns.Wide("Kernel-Version", o => Info(o, "kernelVersion")),
        Columns.Wide("Container-Runtime", o => Info(o, "containerRuntimeVersion")),
    ];

    private static string Status(JsonObject o)
    {
        var ready = o.Objects("status", "conditions").FirstOrDefault(c => c.Text("type") == "Ready");
        var text = ready is null ? "Unknown" : ready.Text("status") == "True" ? "Ready" : "NotReady";
        return o.Flag("spec", "unschedulable") == true ? $"{text},SchedulingDisabled" : text;
    }

    private static string Roles(JsonObject o)
    {
        var roles = (o.Map("metadata", "labels") ?? []).Select(l => l.Key).Where(k => k.StartsWith(RolePrefix, StringComparison.Ordinal))
            .Select(k => k[RolePrefix.Length..]).Order(StringComparer.Ordinal).ToList();
        return roles.Count == 0 ? "<none>" : Columns.Join(roles);
    }

    private static string Address(JsonObject o, string type) =>
        o.Objects("status", "addresses").FirstOrDefault(a => a.Text("type") == type)?.Text("address") ?? "<none>";

    private static string Info(JsonObject o, string field) => o.Text("status", "nodeInfo", field) is { Length: > 0 } text ? text : "<unknown>";
}

/// <summary>Events, in either API version.</summary>
internal static class EventColumns
{
    public static Column[] All { get; } =
    [
        new("Last Seen", (o, now) => LastSeen(o, now)),
        Columns.Text("Type", o => o.Text("type")),
        Columns.Text("Reason", o => o.Text("reason")),
        Columns.Text("Object", About),
        Columns.Wide("Subobject", o => Either(o, "involvedObject", "regarding").Text("fieldPath")),
        Columns.Wide("Source", Source),
        Columns.Text("Message", o => (o.Text("message") is { Length: > 0 } m ? m : o.Text("note")).Trim()),
        new("First Seen", (o, now) => FirstSeen(o, now), Wide: true),
        Columns.Wide("Count", o => $"{o.Number("series", "count") ?? Either(o, "count", "deprecatedCount").Number() ?? 1}"),
        Columns.Wide("Name", o => o.Text("metadata", "name")),
    ];

    private static string LastSeen(JsonObject o, DateTimeOffset now)
    {
        var last = o["series"].At("lastObservedTime") ?? Either(o, "lastTimestamp", "deprecatedLastTimestamp");
        return last is null ? FirstSeen(o, now) : Age.Of(last, now);
    }

    private static string FirstSeen(JsonObject o, DateTimeOffset now) => Age.Of(Either(o, "firstTimestamp", "deprecatedFirstTimestamp") ?? o["eventTime"], now);

    private static string About(JsonObject o)
    {
        var about = Either(o, "involvedObject", "regarding");
        var kind = about.Text("kind").ToLowerInvariant();
        return about.Text("name").Length > 0 ? $"{kind}/{about.Text("name")}" : kind;
    }

    private static string Source(JsonObject o)
    {
        var source = Either(o, "source", "deprecatedSource");
        var component = source.Text("component") is { Length: > 0 } c ? c : Either(o, "reportingComponent", "reportingController").Text();
        var host = source.Text("host") is { Length: > 0 } h ? h : o.Text("reportingInstance");
        return host.Length > 0 ? $"{component}, {host}" : component;
    }

    private static JsonNode? Either(JsonObject o, string core, string newer) => o[core] ?? o[newer];
}
