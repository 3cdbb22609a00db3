using System.Buffers;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace LoadBalancer.LocalCluster.ApiServer.Json;

/// <summary>
/// JSON text to nodes and back. Nodes are built eagerly and numbers are <see cref="long"/> or <see cref="double"/>, so that a stored
/// object may be read by many threads; a duplicate field is reported, the last one wins (as in Go's decoder).
/// </summary>
public static class JsonText
{
    private static readonly JsonWriterOptions Compact = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <exception cref="JsonException">The text is no JSON value.</exception>
    public static JsonNode? Parse(ReadOnlySpan<byte> utf8, ICollection<string>? duplicates = null)
    {
        var reader = new Utf8JsonReader(utf8, new JsonReaderOptions { MaxDepth = 128 });
        reader.Read();
        var path = new List<string>();
        var node = ReadValue(ref reader, path, duplicates);
        if (reader.Read())
            throw new JsonException("There is more than one JSON value.");
        return node;
    }

    public static byte[] ToUtf8(JsonNode? node)
    {
        var buffer = new ArrayBufferWriter<byte>(1024);
        Write(buffer, node);
        return buffer.WrittenSpan.ToArray();
    }

    public static void Write(IBufferWriter<byte> output, JsonNode? node)
    {
        using var writer = new Utf8JsonWriter(output, Compact);
        if (node is null)
            writer.WriteNullValue();
        else
            node.WriteTo(writer);
    }

    public static string ToText(JsonNode? node) => Encoding.UTF8.GetString(ToUtf8(node));

    private static JsonNode? ReadValue(ref Utf8JsonReader reader, List<string> path, ICollection<string>? duplicates)
    {
        switch (reader.TokenType)
        {
            case JsonTokenType.StartObject:
                return ReadObject(ref reader, path, duplicates);
            case JsonTokenType.StartArray:
                return ReadArray(ref reader, path, duplicates);
            case JsonTokenType.String:
                return JsonValue.Create(reader.GetString());
            case JsonTokenType.True:
            case JsonTokenType.False:
                return JsonValue.Create(reader.GetBoolean());
            case JsonTokenType.Number:
                return reader.TryGetInt64(out var whole) ? JsonValue.Create(whole) : JsonValue.Create(reader.GetDouble());
            default:
                return null;
        }
    }

    private static JsonObject ReadObject(ref Utf8JsonReader reader, List<string> path, ICollection<string>? duplicates)
    {
        var result = new JsonObject();
        while (reader.Read() && reader.TokenType != JsonTokenType.EndObject)
        {
            var name = reader.GetString()!;
            path.Add(path.Count == 0 ? name : "." + name);
            if (duplicates is not null && result.ContainsKey(name))
                duplicates.Add(string.Concat(path));
            reader.Read();
            result[name] = ReadValue(ref reader, path, duplicates);
            path.RemoveAt(path.Count - 1);
        }

        return result;
    }

    private static JsonArray ReadArray(ref Utf8JsonReader reader, List<string> path, ICollection<string>? duplicates)
    {
        var result = new JsonArray();
        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
        {
            path.Add(duplicates is null ? "" : $"[{result.Count}]");
            result.Add(ReadValue(ref reader, path, duplicates));
            path.RemoveAt(path.Count - 1);
        }

        return result;
    }
}
