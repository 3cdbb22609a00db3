using System.Buffers;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using LoadBalancer.LocalCluster.ApiServer.Json;
using LoadBalancer.LocalCluster.ApiServer.Kinds;
using LoadBalancer.LocalCluster.ApiServer.Protobuf;
using LoadBalancer.LocalCluster.ApiServer.Schemas;
using Microsoft.AspNetCore.Http;

namespace LoadBalancer.LocalCluster.ApiServer.Requests;

/// <summary>Reads request bodies and decodes objects: type check, unknown and duplicate fields by <c>fieldValidation</c>.</summary>
public static class Bodies
{
    private const int MaxBytes = 3 * 1024 * 1024;

    public static async Task<byte[]> ReadAsync(HttpContext http)
    {
        var buffer = new ArrayBufferWriter<byte>();
        while (true)
        {
            var read = await http.Request.Body.ReadAsync(buffer.GetMemory(16 * 1024), http.RequestAborted);
            if (read == 0)
                return buffer.WrittenSpan.ToArray();
            buffer.Advance(read);
            if (buffer.WrittenCount > MaxBytes)
                throw new ApiException(413, "RequestEntityTooLarge", $"Request entity too large: limit is {MaxBytes}");
        }
    }

    /// <summary>The object a create or update brings, in the stored version.</summary>
    public static async Task<JsonObject> ReadObjectAsync(ApiContext context)
    {
        var type = MediaType(context.Http.Request);
        var duplicates = new List<string>();
        var body = await ReadAsync(context.Http);
        var node = type switch
        {
            "" or "application/json" or "application/yaml" => Parse(body, type == "application/yaml", context.Kind, duplicates),
            ProtobufBody.MediaType when context.Kind.Schema is { } schema => ParseProtobuf(body, schema),
            _ => throw ApiException.UnsupportedMediaType("application/json", "application/yaml", ProtobufBody.MediaType),
        };
        var o = node as JsonObject ?? throw ApiException.BadRequest("couldn't get version/kind; json parse error: the body is no JSON object");
        return Decode(context, o, duplicates);
    }

    /// <summary>Decodes an object of the requested version and converts it to the stored one.</summary>
    public static JsonObject Decode(ApiContext context, JsonObject o, IReadOnlyList<string> duplicates, bool patched = false)
    {
        var kind = context.Kind;
        o.Default("apiVersion", kind.ApiVersion);
        o.Default("kind", kind.Kind);
        if (o.Text("apiVersion") != kind.ApiVersion)
        {
            throw ApiException.BadRequest($"{o.Text("kind")} in version \"{o.Text("apiVersion").Split('/')[^1]}\" cannot be handled as a {kind.Kind}: "
                + $"no kind \"{o.Text("kind")}\" is registered for version \"{o.Text("apiVersion")}\"");
        }

        if (o.Text("kind") != kind.Kind)
        {
            throw ApiException.BadRequest($"{o.Text("kind")} in version \"{kind.Version}\" cannot be handled as a {kind.Kind}: "
                + $"converting ({kind.Version}.{o.Text("kind")}) to ({kind.Kind}): unknown conversion");
        }

        var before = patched && context.Query("fieldValidation") == "Strict" ? o.DeepClone().AsObject() : null;
        var unknown = kind.Schema is { } schema ? Clean(kind, o, schema) : [];
        Report(context, before, [.. unknown.Select(u => $"unknown field \"{u}\""), .. duplicates.Select(d => $"duplicate field \"{d}\"")]);
        kind.Conversion?.ToStored(o);
        if (kind.Conversion is { } conversion)
            o["apiVersion"] = conversion.StoredApiVersion;
        return o;
    }

    public static string MediaType(HttpRequest request) =>
        (request.ContentType ?? "").Split(';')[0].Trim().ToLowerInvariant();

    /// <summary>JSON, or YAML where that is allowed.</summary>
    public static JsonNode? Parse(byte[] body, bool yaml, ResourceKind kind, ICollection<string>? duplicates = null)
    {
        try
        {
            return yaml && !LooksLikeJson(body) ? YamlText.Parse(Encoding.UTF8.GetString(body)) : JsonText.Parse(body, duplicates);
        }
        catch (JsonException e)
        {
            throw ApiException.BadRequest($"the object provided is unrecognized (must be of type {kind.Kind}): couldn't get version/kind; json parse error: {e.Message}");
        }
    }

    /// <summary>A body of a known type that is no stored kind, in JSON or protobuf.</summary>
    public static async Task<JsonObject> ReadPlainAsync(HttpContext http, SchemaType schema)
    {
        var body = await ReadAsync(http);
        if (body.Length == 0)
            return [];
        try
        {
            return MediaType(http.Request) == ProtobufBody.MediaType ? ParseProtobuf(body, schema) : JsonText.Parse(body) as JsonObject ?? [];
        }
        catch (JsonException e)
        {
            throw ApiException.BadRequest($"couldn't get version/kind; json parse error: {e.Message}");
        }
    }

    private static JsonObject ParseProtobuf(byte[] body, SchemaType schema)
    {
        try
        {
            return ProtobufBody.Read(body, schema);
        }
        catch (FormatException e)
        {
            throw ApiException.BadRequest(e.Message);
        }
    }

    private static bool LooksLikeJson(ReadOnlySpan<byte> body) => body.TrimStart(" \t\r\n"u8) is [(byte)'{', ..];

    private static IReadOnlyList<string> Clean(ResourceKind kind, JsonObject o, SchemaType schema)
    {
        try
        {
            return TypedDecoder.Clean(o, schema);
        }
        catch (FormatException e)
        {
            throw ApiException.BadRequest($"{kind.Kind} in version \"{kind.Version}\" cannot be handled as a {kind.Kind}: {e.Message}");
        }
    }

    private static void Report(ApiContext context, JsonObject? patched, IReadOnlyList<string> problems)
    {
        if (problems.Count == 0)
            return;
        switch (context.Query("fieldValidation"))
        {
            case "Strict" when patched is not null:
                throw ApiException.PatchedInvalid(patched, $"strict decoding error: {string.Join(", ", problems)}");
            case "Strict":
                throw ApiException.BadRequest($"{context.Kind.Kind} in version \"{context.Kind.Version}\" cannot be handled as a {context.Kind.Kind}: "
                    + $"strict decoding error: {string.Join(", ", problems)}");
            case "Ignore":
                break;
            default:
                foreach (var problem in problems)
                    context.Http.Response.Headers.Append("Warning", $"299 - \"{problem.Replace("\"", "\\\"", StringComparison.Ordinal)}\"");
                break;
        }
    }
}
