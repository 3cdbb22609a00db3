using System.Text.Json.Nodes;
using LoadBalancer.LocalCluster.ApiServer.Json;

namespace LoadBalancer.Manifests.Tests;

/// <summary>The objects of <c>manifests/loadbalancer.yaml</c>, which a test keeps equal to the kustomization.</summary>
internal static class Manifests
{
    public const string Namespace = "loadbalancer-system";

    public static IReadOnlyList<JsonObject> Installed { get; } =
        [.. YamlText.ParseAll(ProjectFiles.Read("manifests", "loadbalancer.yaml"))];

    /// <summary>The Deployment of the controller and the DaemonSet of the speaker.</summary>
    public static IEnumerable<JsonObject> Workloads => Installed.Where(o => o.Text("kind") is "Deployment" or "DaemonSet");

    public static JsonObject Workload(string name) => Workloads.Single(o => Name(o) == name);

    public static IEnumerable<JsonObject> OfKind(string kind) => Installed.Where(o => o.Text("kind") == kind);

    public static string Name(JsonNode o) => o.Text("metadata", "name");

    /// <summary><c>Kind namespace/name</c>, for messages.</summary>
    public static string Title(JsonNode o) => $"{o.Text("kind")} {o.Text("metadata", "namespace")}/{Name(o)}";

    public static JsonNode PodSpec(JsonNode workload) => workload.At("spec", "template", "spec")!;

    public static JsonObject Container(JsonNode workload) => Assert.Single(PodSpec(workload).Objects("containers"));

    /// <summary>Whether labels meet a selector's <c>matchLabels</c>; the manifests use no expressions.</summary>
    public static bool Selects(JsonNode? selector, JsonNode? labels)
    {
        Assert.Null(selector.At("matchExpressions"));
        return (selector.Map("matchLabels") ?? []).All(label => labels.Text(label.Key) == label.Value.Text());
    }
}
