using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace LoadBalancer.Manifests.Tests.Kubernetes120;

/// <summary>The fields Kubernetes 1.20 knows, from <c>fields.txt</c>.</summary>
internal static class Fields
{
    private static readonly Dictionary<string, string> Kinds = [];
    private static readonly Dictionary<string, Dictionary<string, string>> Types = [];

    static Fields()
    {
        foreach (var line in ProjectFiles.Read("tests", "Manifests.Tests", "Kubernetes120", "fields.txt").Split('\n').Where(line => line.Length > 0 && line[0] != '#'))
        {
            if (line.Split(" = ") is [var kind, var type])
            {
                Kinds.Add(kind, type);
            }
            else
            {
                var colon = line.IndexOf(':', StringComparison.Ordinal);
                Types.Add(line[..colon], line[(colon + 1)..].Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(field => field.Split('=')).ToDictionary(f => f[0], f => f[1]));
            }
        }
    }

    /// <summary>What of an object 1.20 does not know or would refuse, each with its path.</summary>
    public static IReadOnlyList<string> Problems(JsonObject o)
    {
        var kind = $"{(string?)o["apiVersion"]} {(string?)o["kind"]}";
        return Kinds.TryGetValue(kind, out var type) ? [.. Of(o, type, (string)o["kind"]!)] : [$"{kind} is no kind"];
    }

    private static IEnumerable<string> Of(JsonNode? value, string type, string path)
    {
        if (Inner(type, "list") is { } element)
        {
            return value is JsonArray list ? list.SelectMany((item, index) => Of(item, element, $"{path}[{index}]")) : [$"{path} is no list"];
        }

        if (Inner(type, "map") is { } entry)
        {
            return value is JsonObject map ? map.SelectMany(item => Of(item.Value, entry, $"{path}.{item.Key}")) : [$"{path} is no map"];
        }

        if (Types.TryGetValue(type, out var fields))
        {
            return value is not JsonObject parts ? [$"{path} is no {type}"]
                : parts.SelectMany(part => fields.TryGetValue(part.Key, out var of) ? Of(part.Value, of, $"{path}.{part.Key}") : [$"{path}.{part.Key} is unknown"]);
        }

        return IsScalar(value, type) ? [] : [$"{path} is no {type}"];
    }

    private static bool IsScalar(JsonNode? value, string type) => value is JsonValue scalar && (type, scalar.GetValueKind()) switch
    {
        ("bool", System.Text.Json.JsonValueKind.True or System.Text.Json.JsonValueKind.False) => true,
        ("int", System.Text.Json.JsonValueKind.Number) => true,
        ("str" or "datetime", System.Text.Json.JsonValueKind.String) => true,
        // IntOrString and quantities.
        ("object", System.Text.Json.JsonValueKind.Number or System.Text.Json.JsonValueKind.String) => true,
        _ => false,
    };

    private static string? Inner(string type, string kind) =>
        Regex.Match(type, $@"^{kind}\((.*)\)$") is { Success: true } match ? match.Groups[1].Value : null;
}
