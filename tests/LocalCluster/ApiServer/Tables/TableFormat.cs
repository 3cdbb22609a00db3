using System.Text.Json.Nodes;
using LoadBalancer.LocalCluster.ApiServer.Kinds;
using Microsoft.AspNetCore.Http;

namespace LoadBalancer.LocalCluster.ApiServer.Tables;

/// <summary>Server-side printing (Kubernetes API concepts, "Receiving resources as Tables").</summary>
public static class TableFormat
{
    /// <summary>The Table version the first usable Accept entry asks for, or null if that asks for the objects themselves.</summary>
    public static string? Requested(HttpRequest request)
    {
        foreach (var entry in request.Headers.Accept.ToString().Split(','))
        {
            var parts = entry.Split(';', StringSplitOptions.TrimEntries);
            if (parts[0] is not ("application/json" or "*/*"))
                continue;
            var wanted = parts.FirstOrDefault(p => p.StartsWith("as=", StringComparison.Ordinal));
            var version = parts.FirstOrDefault(p => p.StartsWith("v=", StringComparison.Ordinal))?[2..] ?? "v1";
            if (wanted is null)
                return null;
            if (wanted == "as=Table" && version is "v1" or "v1beta1")
                return $"meta.k8s.io/{version}";
        }

        return null;
    }

    public static JsonObject Render(ResourceKind kind, IEnumerable<JsonObject> objects, JsonObject? listMetadata, string includeObject,
        string apiVersion, DateTimeOffset now, bool withColumns)
    {
        var columns = Columns.Of(kind);
        var definitions = withColumns ? new JsonArray([.. columns.Select(Definition)]) : null;
        var rows = new JsonArray([.. objects.Select(o => Row(o, columns, includeObject, now))]);
        return new JsonObject
        {
            ["kind"] = "Table",
            ["apiVersion"] = apiVersion,
            ["metadata"] = listMetadata ?? [],
            ["columnDefinitions"] = definitions,
            ["rows"] = rows,
        };
    }

    private static JsonObject Definition(Column column) => new()
    {
        ["name"] = column.Name,
        ["type"] = column.Type,
        ["format"] = column.Name == "Name" ? "name" : "",
        ["description"] = "",
        ["priority"] = column.Wide ? 1L : 0L,
    };

    private static JsonObject Row(JsonObject o, IReadOnlyList<Column> columns, string includeObject, DateTimeOffset now)
    {
        var row = new JsonObject { ["cells"] = new JsonArray([.. columns.Select(c => c.Cell(o, now))]) };
        switch (includeObject)
        {
            case "None":
                break;
            case "Object":
                row["object"] = o.DeepClone();
                break;
            default:
                row["object"] = new JsonObject
                {
                    ["kind"] = "PartialObjectMetadata",
                    ["apiVersion"] = "meta.k8s.io/v1",
                    ["metadata"] = o["metadata"]?.DeepClone(),
                };
                break;
        }

        return row;
    }
}

/// <summary>One column of a kind's table.</summary>
/// <param name="Name">The heading; kubectl prints it in capitals.</param>
/// <param name="Cell">The cell of an object at a time.</param>
/// <param name="Wide">Only shown with <c>-o wide</c>.</param>
/// <param name="Type">string, integer or boolean.</param>
public sealed record Column(string Name, Func<JsonObject, DateTimeOffset, JsonNode?> Cell, bool Wide = false, string Type = "string");
