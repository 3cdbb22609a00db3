using System.Globalization;
using System.Text.Json.Nodes;
using LoadBalancer.LocalCluster.ApiServer.Json;

namespace LoadBalancer.LocalCluster.ApiServer.Patch;

/// <summary>JSON patch, RFC 6902, with JSON pointers, RFC 6901.</summary>
public static class JsonPatch
{
    /// <summary>Changes the target in place.</summary>
    /// <exception cref="PatchException">An operation is malformed, its path does not exist, or a test fails.</exception>
    public static void Apply(JsonObject target, JsonArray operations)
    {
        foreach (var node in operations)
        {
            var operation = node as JsonObject ?? throw new PatchException("an operation of a JSON patch must be an object");
            Apply(target, operation, operation.Text("op"), Pointer(operation, "path"));
        }
    }

    private static void Apply(JsonObject target, JsonObject operation, string op, string[] path)
    {
        switch (op)
        {
            case "add":
                Add(target, path, operation["value"]?.DeepClone());
                break;
            case "remove":
                Remove(target, path);
                break;
            case "replace":
                Find(target, path);
                Remove(target, path);
                Add(target, path, operation["value"]?.DeepClone());
                break;
            case "move":
                Add(target, path, Remove(target, Pointer(operation, "from")));
                break;
            case "copy":
                Add(target, path, Find(target, Pointer(operation, "from"))?.DeepClone());
                break;
            case "test":
                if (!JsonNode.DeepEquals(TryFind(target, path), operation["value"]))
                    throw new PatchException($"testing value {Text(path)} failed");
                break;
            default:
                throw new PatchException($"unexpected kind: {op}");
        }
    }

    private static void Add(JsonNode target, string[] path, JsonNode? value)
    {
        switch (Find(target, path[..^1]))
        {
            case JsonObject map:
                map[path[^1]] = value;
                break;
            case JsonArray list:
                list.Insert(path[^1] == "-" ? list.Count : Index(path, list.Count), value);
                break;
            default:
                throw Missing("add", path);
        }
    }

    private static JsonNode? Remove(JsonNode target, string[] path)
    {
        switch (Find(target, path[..^1]))
        {
            case JsonObject map when map.Remove(path[^1], out var value):
                return value;
            case JsonArray list:
                var index = Index(path, list.Count - 1);
                var item = list[index];
                list.RemoveAt(index);
                return item;
            default:
                throw Missing("remove", path);
        }
    }

    private static JsonNode? Find(JsonNode target, string[] path)
    {
        JsonNode? node = target;
        for (var i = 0; i < path.Length; i++)
        {
            node = node switch
            {
                JsonObject map when map.TryGetPropertyValue(path[i], out var value) => value,
                JsonArray list => list[Index(path[..(i + 1)], list.Count - 1)],
                _ => throw Missing("find", path),
            };
        }

        return node;
    }

    private static JsonNode? TryFind(JsonNode target, string[] path)
    {
        try
        {
            return Find(target, path);
        }
        catch (PatchException)
        {
            return null;
        }
    }

    private static int Index(string[] path, int last) =>
        int.TryParse(path[^1], NumberStyles.None, CultureInfo.InvariantCulture, out var index) && index <= last ? index : throw Missing("index", path);

    private static string[] Pointer(JsonObject operation, string field)
    {
        var text = operation.Text(field);
        if (!text.StartsWith('/'))
            throw new PatchException($"operation has no valid {field}: \"{text}\" is no JSON pointer");
        return [.. text[1..].Split('/').Select(p => p.Replace("~1", "/", StringComparison.Ordinal).Replace("~0", "~", StringComparison.Ordinal))];
    }

    private static PatchException Missing(string what, string[] path) => new($"{what} operation does not apply: doc is missing path: {Text(path)}: missing value");

    private static string Text(string[] path) => "/" + string.Join('/', path);
}

/// <summary>A patch that cannot be applied.</summary>
public sealed class PatchException(string message) : Exception(message);
