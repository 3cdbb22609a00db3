using System.Collections.Concurrent;
using System.Text.Json.Nodes;
using LoadBalancer.LocalCluster.ApiServer.Json;
using LoadBalancer.LocalCluster.ApiServer.Kinds;

namespace LoadBalancer.LocalCluster.ApiServer.Tables;

/// <summary>The column sets of the kinds (Kubernetes <c>pkg/printers/internalversion</c>); the others have name and age.</summary>
public static class Columns
{
    private static readonly Column Name = new("Name", (o, _) => o.Text("metadata", "name"));
    private static readonly Column AgeColumn = new("Age", (o, now) => Age.Of(o["metadata"].At("creationTimestamp"), now));
    private static readonly Column CreatedAt = new("Created At", (o, _) => o.Text("metadata", "creationTimestamp"), Type: "date");
    private static readonly Column Containers = Wide("Containers", o => Join(PodSpec(o).Objects("containers").Select(c => c.Text("name"))));
    private static readonly Column Images = Wide("Images", o => Join(PodSpec(o).Objects("containers").Select(c => c.Text("image"))));
    private static readonly Column Selector = Wide("Selector", o => JsonPaths.Pairs(o.Map("spec", "selector", "matchLabels")));
    private static readonly Column[] Plain = [Name, AgeColumn];

    private static readonly Dictionary<string, Column[]> Sets = new(StringComparer.Ordinal)
    {
        ["services"] = ServiceColumns.All,
        ["pods"] = PodColumns.All,
        ["nodes"] = NodeColumns.All,
        ["events"] = EventColumns.All,
        ["events.events.k8s.io"] = EventColumns.All,
        ["namespaces"] = [Name, Text("Status", o => o.Text("status", "phase")), AgeColumn],
        ["configmaps"] = [Name, Items("Data", o => Count(o, "data") + Count(o, "binaryData")), AgeColumn],
        ["secrets"] = [Name, Text("Type", o => o.Text("type")), Items("Data", o => Count(o, "data")), AgeColumn],
        ["endpoints"] = [Name, Text("Endpoints", EndpointsText), AgeColumn],
        ["endpointslices.discovery.k8s.io"] =
        [
            Name, Text("AddressType", o => o.Text("addressType")), Text("Ports", o => Some(o.Objects("ports").Select(p => p.Number("port")?.ToString(Invariant) ?? "*"), 3)),
            Text("Endpoints", o => Some(o.Objects("endpoints").SelectMany(e => e.Strings("addresses")), 3)), AgeColumn,
        ],
        ["deployments.apps"] =
        [
            Name, Text("Ready", o => $"{Number(o, "status", "readyReplicas")}/{Number(o, "spec", "replicas")}"),
            Items("Up-to-date", o => Number(o, "status", "updatedReplicas")), Items("Available", o => Number(o, "status", "availableReplicas")), AgeColumn, Containers, Images, Selector,
        ],
        ["daemonsets.apps"] =
        [
            Name, Whole("Desired", "status", "desiredNumberScheduled"), Whole("Current", "status", "currentNumberScheduled"),
            Whole("Ready", "status", "numberReady"), Whole("Up-to-date", "status", "updatedNumberScheduled"), Whole("Available", "status", "numberAvailable"),
            Text("Node Selector", o => JsonPaths.Pairs(PodSpec(o).Map("nodeSelector"))), AgeColumn, Containers, Images, Selector,
        ],
        ["statefulsets.apps"] =
            [Name, Text("Ready", o => $"{Number(o, "status", "readyReplicas")}/{Number(o, "spec", "replicas")}"), AgeColumn, Containers, Images],
        ["replicasets.apps"] =
        [
            Name, Whole("Desired", "spec", "replicas"), Whole("Current", "status", "replicas"), Whole("Ready", "status", "readyReplicas"),
            AgeColumn, Containers, Images, Selector,
        ],
        ["leases.coordination.k8s.io"] = [Name, Text("Holder", o => o.Text("spec", "holderIdentity")), AgeColumn],
        ["networkpolicies.networking.k8s.io"] = [Name, Text("Pod-Selector", o => JsonPaths.Pairs(o.Map("spec", "podSelector", "matchLabels"))), AgeColumn],
        ["ingresses.networking.k8s.io"] =
        [
            Name, Text("Class", o => o.Text("spec", "ingressClassName") is { Length: > 0 } c ? c : "<none>"),
            Text("Hosts", o => Some(o.Objects("spec", "rules").Select(r => r.Text("host")).Where(h => h.Length > 0), 3, "*")),
            Text("Address", o => Join(ServiceColumns.IngressPoints(o))), Text("Ports", o => o.List("spec", "tls") is null ? "80" : "80, 443"), AgeColumn,
        ],
        ["ingressclasses.networking.k8s.io"] = [Name, Text("Controller", o => o.Text("spec", "controller")), Text("Parameters", _ => "<none>"), AgeColumn],
        ["poddisruptionbudgets.policy"] =
        [
            Name, Text("Min Available", o => o["spec"].At("minAvailable")?.ToString() ?? "N/A"),
            Text("Max Unavailable", o => o["spec"].At("maxUnavailable")?.ToString() ?? "N/A"), Whole("Allowed Disruptions", "status", "disruptionsAllowed"), AgeColumn,
        ],
        ["priorityclasses.scheduling.k8s.io"] =
        [
            Name, Whole("Value", "value"), new("Global-Default", (o, _) => o.Flag("globalDefault") ?? false, Type: "boolean"), AgeColumn,
            Text("PreemptionPolicy", o => o.Text("preemptionPolicy")),
        ],
        ["roles.rbac.authorization.k8s.io"] = [Name, CreatedAt],
        ["clusterroles.rbac.authorization.k8s.io"] = [Name, CreatedAt],
        ["rolebindings.rbac.authorization.k8s.io"] = Binding,
        ["clusterrolebindings.rbac.authorization.k8s.io"] = Binding,
        ["customresourcedefinitions.apiextensions.k8s.io"] = [Name, CreatedAt],
        ["validatingwebhookconfigurations.admissionregistration.k8s.io"] = [Name, new("Webhooks", (o, _) => o.Objects("webhooks").LongCount(), Type: "integer"), AgeColumn],
        ["mutatingwebhookconfigurations.admissionregistration.k8s.io"] = [Name, new("Webhooks", (o, _) => o.Objects("webhooks").LongCount(), Type: "integer"), AgeColumn],
        ["jobs.batch"] =
        [
            Name, Text("Status", o => Number(o, "status", "succeeded") > 0 ? "Complete" : "Running"),
            Text("Completions", o => $"{Number(o, "status", "succeeded")}/{o.Number("spec", "completions") ?? 1}"), Text("Duration", _ => ""), AgeColumn, Containers, Images, Selector,
        ],
        ["horizontalpodautoscalers.autoscaling"] =
        [
            Name, Text("Reference", o => $"{o.Text("spec", "scaleTargetRef", "kind")}/{o.Text("spec", "scaleTargetRef", "name")}"), Text("Targets", _ => "<unknown>"),
            Text("MinPods", o => $"{o.Number("spec", "minReplicas") ?? 1}"), Items("MaxPods", o => Number(o, "spec", "maxReplicas")),
            Items("Replicas", o => Number(o, "status", "currentReplicas")), AgeColumn,
        ],
    };

    private static readonly ConcurrentDictionary<ResourceKind, Column[]> Cached = new();

    private static System.Globalization.CultureInfo Invariant => System.Globalization.CultureInfo.InvariantCulture;

    private static Column[] Binding =>
    [
        Name, Text("Role", o => $"{o.Text("roleRef", "kind")}/{o.Text("roleRef", "name")}"), AgeColumn,
        Wide("Users", o => Subjects(o, "User")), Wide("Groups", o => Subjects(o, "Group")), Wide("ServiceAccounts", o => Subjects(o, "ServiceAccount")),
    ];

    public static IReadOnlyList<Column> Of(ResourceKind kind) =>
        Cached.GetOrAdd(kind, k => k.PrinterColumns.Count > 0 ? [Name, .. k.PrinterColumns] : Sets.GetValueOrDefault(k.QualifiedPlural, Plain));

    internal static Column Text(string name, Func<JsonObject, string> cell) => new(name, (o, _) => cell(o));

    internal static Column Wide(string name, Func<JsonObject, string> cell) => new(name, (o, _) => cell(o), Wide: true);

    internal static Column Whole(string name, params string[] path) => new(name, (o, _) => o.Number(path) ?? 0, Type: "integer");

    /// <summary>A number in a column that is declared as text, as the API server has some.</summary>
    private static Column Items(string name, Func<JsonObject, long> cell) => new(name, (o, _) => cell(o));

    internal static string Join(IEnumerable<string> texts) => string.Join(',', texts);

    /// <summary>The first few, and how many more there are.</summary>
    private static string Some(IEnumerable<string> texts, int shown, string none = "<unset>")
    {
        var all = texts.ToList();
        if (all.Count == 0)
            return none;
        var text = Join(all.Take(shown));
        return all.Count > shown ? $"{text} + {all.Count - shown} more..." : text;
    }

    private static string EndpointsText(JsonObject o)
    {
        var all = o.Objects("subsets").SelectMany(s => s.Objects("addresses").SelectMany(a =>
            s.Objects("ports").Select(p => $"{a.Text("ip")}:{p.Number("port")}").DefaultIfEmpty(a.Text("ip"))));
        return Some(all, 3, "<none>");
    }

    private static string Subjects(JsonObject o, string kind) => string.Join(", ", o.Objects("subjects").Where(s => s.Text("kind") == kind)
        .Select(s => kind == "ServiceAccount" ? $"{s.Text("namespace")}/{s.Text("name")}" : s.Text("name")));

    private static JsonObject? PodSpec(JsonObject o) => o.Map("spec", "template", "spec");

    private static long Number(JsonObject o, params string[] path) => o.Number(path) ?? 0;

    private static int Count(JsonObject o, string field) => o.Map(field)?.Count ?? 0;
}
