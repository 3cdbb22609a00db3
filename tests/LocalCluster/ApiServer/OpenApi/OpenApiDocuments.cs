using System.Text.Json.Nodes;
using LoadBalancer.LocalCluster.ApiServer.Kinds;
using LoadBalancer.LocalCluster.ApiServer.Schemas;

namespace LoadBalancer.LocalCluster.ApiServer.OpenApi;

/// <summary>
/// OpenAPI documents of what is served: enough for kubectl to see that the server validates fields, to make strategic merge
/// patches, to explain a kind, and for kubectl before 1.27, which validates by itself (version 2).
/// </summary>
public sealed class OpenApiDocuments(KindTable table)
{
    private const string GroupVersionKind = "x-kubernetes-group-version-kind";

    /// <summary>Version 3, the index: one document per group and version.</summary>
    public JsonObject Index()
    {
        var paths = new JsonObject();
        foreach (var (group, version) in table.Kinds.Select(k => (k.Group, k.Version)).Distinct())
        {
            var path = PathOf(group, version);
            paths[path] = new JsonObject { ["serverRelativeURL"] = $"/openapi/v3/{path}" };
        }

        return new JsonObject { ["paths"] = paths };
    }

    /// <summary>Version 3, the document of a group and version named as in the index; null if there is none.</summary>
    public JsonObject? V3(string path)
    {
        var kinds = table.Kinds.Where(k => PathOf(k.Group, k.Version) == path).ToList();
        if (kinds.Count == 0)
            return null;
        var paths = new JsonObject();
        foreach (var kind in kinds)
            paths[ResourcePath(kind)] = Operations(kind);
        return new JsonObject
        {
            ["openapi"] = "3.0.0",
            ["info"] = Info(),
            ["paths"] = paths,
            ["components"] = new JsonObject { ["schemas"] = Schemas(kinds, "#/components/schemas/") },
        };
    }

    /// <summary>Version 2, one document of everything.</summary>
    public JsonObject V2() => new()
    {
        ["swagger"] = "2.0",
        ["info"] = Info(),
        ["paths"] = new JsonObject(),
        ["definitions"] = Schemas(table.Kinds, "#/definitions/"),
    };

    private static JsonObject Info() => new() { ["title"] = "Kubernetes", ["version"] = "unversioned" };

    private static string PathOf(string group, string version) => group.Length == 0 ? $"api/{version}" : $"apis/{group}/{version}";

    private static string ResourcePath(ResourceKind kind) =>
        $"/{PathOf(kind.Group, kind.Version)}{(kind.Namespaced ? "/namespaces/{namespace}" : "")}/{kind.Plural}/{{name}}";

    private static JsonObject Operations(ResourceKind kind)
    {
        var content = new JsonObject
        {
            ["application/json-patch+json"] = new JsonObject(),
            ["application/merge-patch+json"] = new JsonObject(),
            ["application/apply-patch+yaml"] = new JsonObject(),
        };
        if (kind.Schema is not null)
            content["application/strategic-merge-patch+json"] = new JsonObject();
        JsonObject Parameter(string name) =>
            new() { ["name"] = name, ["in"] = "query", ["schema"] = new JsonObject { ["type"] = "string", ["uniqueItems"] = true } };
        return new JsonObject
        {
            ["get"] = new JsonObject { ["responses"] = new JsonObject(), ["x-kubernetes-action"] = "get", [GroupVersionKind] = Gvk(kind) },
            ["patch"] = new JsonObject
            {
                ["parameters"] = new JsonArray(Parameter("dryRun"), Parameter("fieldManager"), Parameter("fieldValidation"), Parameter("force")),
                ["requestBody"] = new JsonObject { ["content"] = content, ["required"] = true },
                ["responses"] = new JsonObject(),
                ["x-kubernetes-action"] = "patch",
                [GroupVersionKind] = Gvk(kind),
            },
        };
    }

    private static JsonObject Gvk(ResourceKind kind) => new() { ["group"] = kind.Group, ["kind"] = kind.Kind, ["version"] = kind.Version };

    private static JsonObject Schemas(IEnumerable<ResourceKind> kinds, string prefix)
    {
        var schemas = new JsonObject();
        foreach (var kind in kinds)
        {
            if (kind.Schema is not { } schema)
                continue;
            AddType(schemas, schema, prefix);
            var definition = schemas[schema.OpenApiName]!.AsObject();
            if (definition[GroupVersionKind] is JsonArray known)
                known.Add(Gvk(kind));
            else
                definition[GroupVersionKind] = new JsonArray(Gvk(kind));
        }

        return schemas;
    }

    private static void AddType(JsonObject schemas, SchemaType type, string prefix)
    {
        if (type.Shape is SchemaShape.List or SchemaShape.Map)
            AddType(schemas, type.Element!, prefix);
        if (type.Shape != SchemaShape.Object || schemas.ContainsKey(type.OpenApiName))
            return;
        var properties = new JsonObject();
        schemas[type.OpenApiName] = new JsonObject { ["type"] = "object", ["properties"] = properties };
        foreach (var (name, field) in type.Fields)
        {
            AddType(schemas, field.Type, prefix);
            properties[name] = Field(field, prefix);
        }
    }

    private static JsonObject Field(SchemaField field, string prefix)
    {
        var described = Reference(field.Type, prefix);
        var rule = field.Patch;
        if (!rule.Merge && !rule.RetainKeys)
            return described;
        // A reference may not have siblings in version 3: it goes into allOf, as the API server does it.
        if (described.ContainsKey("$ref") && prefix.Contains("components", StringComparison.Ordinal))
            described = new JsonObject { ["allOf"] = new JsonArray(described) };
        described["x-kubernetes-patch-strategy"] = (rule.Merge, rule.RetainKeys) switch
        {
            (true, true) => "merge,retainKeys",
            (true, false) => "merge",
            _ => "retainKeys",
        };
        if (rule.Key is not null)
            described["x-kubernetes-patch-merge-key"] = rule.Key;
        return described;
    }

    private static JsonObject Reference(SchemaType type, string prefix) => type.Shape switch
    {
        SchemaShape.Object => new JsonObject { ["$ref"] = prefix + type.OpenApiName },
        SchemaShape.Map => new JsonObject { ["type"] = "object", ["additionalProperties"] = Reference(type.Element!, prefix) },
        SchemaShape.List => new JsonObject { ["type"] = "array", ["items"] = Reference(type.Element!, prefix) },
        SchemaShape.Int32 => Scalar("integer", "int32"),
        SchemaShape.Int64 => Scalar("integer", "int64"),
        SchemaShape.Double => Scalar("number", "double"),
        SchemaShape.Bool => Scalar("boolean", null),
        SchemaShape.Text => Scalar("string", null),
        SchemaShape.Quantity => Scalar("string", null),
        SchemaShape.Bytes => Scalar("string", "byte"),
        SchemaShape.Time or SchemaShape.MicroTime => Scalar("string", "date-time"),
        SchemaShape.IntOrString => Scalar("string", "int-or-string"),
        _ => new JsonObject(),
    };

    private static JsonObject Scalar(string type, string? format)
    {
        var scalar = new JsonObject { ["type"] = type };
        if (format is not null)
            scalar["format"] = format;
        return scalar;
    }
}
