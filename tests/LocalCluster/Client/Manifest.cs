using System.Globalization;
using System.Text.Json.Nodes;
using YamlDotNet.Core;
using YamlDotNet.RepresentationModel;

namespace LoadBalancer.LocalCluster.Client;

/// <summary>Reads Kubernetes manifests and knows where each object belongs.</summary>
public static class Manifest
{
    private static readonly Dictionary<string, string> Plurals = new(StringComparer.Ordinal) { ["NetworkPolicy"] = "networkpolicies", ["Ingress"] = "ingresses", ["PriorityClass"] = "priorityclasses" };
    private static readonly HashSet<string> ClusterScoped = ["Namespace", "Node", "ClusterRole", "ClusterRoleBinding", "PriorityClass", "IngressClass", "PersistentVolume"];

    /// <summary>The objects of a YAML file.</summary>
    public static IReadOnlyList<JsonObject> Read(string path) => Parse(File.ReadAllText(path));

    /// <summary>The objects of a YAML text.</summary>
    public static IReadOnlyList<JsonObject> Parse(string text)
    {
        var yaml = new YamlStream();
        yaml.Load(new StringReader(text));
        return [.. yaml.Documents.Select(document => Convert(document.RootNode)).OfType<JsonObject>()];
    }

    /// <summary>The collection an object is created in.</summary>
    public static string Collection(JsonObject value)
    {
        string version = (string)value["apiVersion"]!;
        string kind = (string)value["kind"]!;
        string root = version.Contains('/', StringComparison.Ordinal) ? $"/apis/{version}" : $"/api/{version}";
        string plural = Plurals.GetValueOrDefault(kind) ?? kind.ToLowerInvariant() + "s";
        return ClusterScoped.Contains(kind) ? $"{root}/{plural}" : $"{root}/namespaces/{(string?)value["metadata"]!["namespace"] ?? "default"}/{plural}";
    }

    private static JsonNode? Convert(YamlNode node) => node switch
    {
        YamlMappingNode map => new JsonObject(map.Children.Select(pair => KeyValuePair.Create(((YamlScalarNode)pair.Key).Value!, Convert(pair.Value)))),
        YamlSequenceNode list => new JsonArray([.. list.Children.Select(Convert)]),
        YamlScalarNode scalar => Scalar(scalar),
        _ => null,
    };

    private static JsonValue? Scalar(YamlScalarNode scalar) => scalar switch
    {
        { Style: not ScalarStyle.Plain } => JsonValue.Create(scalar.Value),
        { Value: null or "" or "null" or "~" } => null,
        { Value: "true" } => JsonValue.Create(true),
        { Value: "false" } => JsonValue.Create(false),
        _ when long.TryParse(scalar.Value, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long number) => JsonValue.Create(number),
        _ => JsonValue.Create(scalar.Value),
    };
}
