using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using LoadBalancer.LocalCluster.ApiServer.Json;
using LoadBalancer.LocalCluster.ApiServer.Schemas;

namespace LoadBalancer.LocalCluster.ApiServer.Protobuf;

/// <summary>
/// Reads request bodies of <c>application/vnd.kubernetes.protobuf</c>, which kubectl since 1.32 sends for <c>create</c> with a
/// name. Answers are always JSON, which every client takes.
/// </summary>
public static class ProtobufBody
{
    /// <summary>The media type.</summary>
    public const string MediaType = "application/vnd.kubernetes.protobuf";

    // Go writes fields that are not set as zero; where zero or false says something, the field is kept.
    private static readonly HashSet<string> ZeroCounts = new(StringComparer.Ordinal)
    {
        "replicas", "partition", "automountServiceAccountToken", "allowPrivilegeEscalation", "readOnlyRootFilesystem", "runAsNonRoot",
        "privileged", "ready", "serving", "terminating", "controller", "blockOwnerDeletion", "enableServiceLinks",
        "shareProcessNamespace", "gracePeriodSeconds", "allocateLoadBalancerNodePorts", "suspend", "terminationGracePeriodSeconds", "runAsUser", "runAsGroup",
    };

    private static ReadOnlySpan<byte> Magic => "k8s\0"u8;

    /// <summary>The object as JSON, with its apiVersion and kind.</summary>
    /// <exception cref="FormatException">The body is no such message, or holds something that is not known here.</exception>
    public static JsonObject Read(ReadOnlySpan<byte> body, SchemaType schema)
    {
        if (!body.StartsWith(Magic))
            throw new FormatException("provided data does not appear to be a protobuf message, expected prefix \"k8s\\0\"");
        var raw = ReadOnlySpan<byte>.Empty;
        var typeMeta = ReadOnlySpan<byte>.Empty;
        var envelope = new ProtobufReader(body[4..]);
        while (envelope.Next(out var number, out _, out var content))
        {
            if (number == 1)
                typeMeta = content;
            else if (number == 2)
                raw = content;
        }

        var o = ReadMessage(raw, schema, FieldsOf(schema), []);
        var meta = new ProtobufReader(typeMeta);
        while (meta.Next(out var number, out _, out var content))
            o[number == 1 ? "apiVersion" : "kind"] = Encoding.UTF8.GetString(content);
        return o;
    }

    private static IReadOnlyDictionary<int, ProtobufField> FieldsOf(SchemaType type) =>
        ProtobufFields.Of(type) ?? throw new FormatException($"protobuf bodies with a {type.Name} are not understood here; send JSON");

    private static JsonObject ReadMessage(ReadOnlySpan<byte> bytes, SchemaType type, IReadOnlyDictionary<int, ProtobufField> fields, JsonObject into)
    {
        var reader = new ProtobufReader(bytes);
        while (reader.Next(out var number, out var scalar, out var content))
        {
            if (!fields.TryGetValue(number, out var field))
                throw new FormatException($"field {number} of a protobuf {type.Name} is not known here; send JSON");
            if (field.Inline is { } inline)
                ReadMessage(content, type, inline, into);
            else
                ReadField(into, field.Name, type.Fields[field.Name].Type, scalar, content);
        }

        return into;
    }

    private static void ReadField(JsonObject into, string name, SchemaType type, ulong? scalar, ReadOnlySpan<byte> content)
    {
        switch (type.Shape)
        {
            case SchemaShape.List:
                if (into[name] is not JsonArray list)
                    into[name] = list = [];
                list.Add(ReadValue(type.Element!, scalar, content) ?? "");
                break;
            case SchemaShape.Map:
                ReadEntry(into.Need(name), type.Element!, content);
                break;
            default:
                var value = ReadValue(type, scalar, content);
                var zero = scalar == 0 || value is null || (value.IsString() && value.Text().Length == 0);
                if (value is not null && (!zero || (scalar == 0 && ZeroCounts.Contains(name))))
                    into[name] = value;
                break;
        }
    }

    private static void ReadEntry(JsonObject map, SchemaType type, ReadOnlySpan<byte> content)
    {
        var key = "";
        JsonNode? value = null;
        var reader = new ProtobufReader(content);
        while (reader.Next(out var number, out var scalar, out var part))
        {
            if (number == 1)
                key = Encoding.UTF8.GetString(part);
            else
                value = ReadValue(type, scalar, part);
        }

        map[key] = value ?? "";
    }

    private static JsonNode? ReadValue(SchemaType type, ulong? scalar, ReadOnlySpan<byte> content) => type.Shape switch
    {
        SchemaShape.Object => ReadMessage(content, type, FieldsOf(type), []),
        SchemaShape.Text => Encoding.UTF8.GetString(content),
        SchemaShape.Bytes => Convert.ToBase64String(content),
        SchemaShape.Bool => scalar != 0,
        SchemaShape.Int32 or SchemaShape.Int64 => (long)scalar.GetValueOrDefault(),
        SchemaShape.Time => ReadTime(content, "yyyy-MM-dd'T'HH:mm:ss'Z'"),
        SchemaShape.MicroTime => ReadTime(content, "yyyy-MM-dd'T'HH:mm:ss.ffffff'Z'"),
        SchemaShape.IntOrString => ReadIntOrString(content),
        SchemaShape.Quantity => ReadSingle(content) is { } text ? Encoding.UTF8.GetString(text) : null,
        SchemaShape.Any => ReadSingle(content) is { } json ? JsonText.Parse(json) : null,
        _ => throw new FormatException($"a protobuf {type.Name} is not known here; send JSON"),
    };

    private static JsonNode? ReadTime(ReadOnlySpan<byte> content, string format)
    {
        const long TicksPerNanosecondsHundred = 100;
        long seconds = 0, nanoseconds = 0;
        var reader = new ProtobufReader(content);
        while (reader.Next(out var number, out var scalar, out _))
        {
            if (number == 1)
                seconds = (long)scalar.GetValueOrDefault();
            else
                nanoseconds = (long)scalar.GetValueOrDefault();
        }

        if (content.IsEmpty)
            return null;
        var time = DateTimeOffset.FromUnixTimeSeconds(seconds).AddTicks(nanoseconds / TicksPerNanosecondsHundred);
        return time.UtcDateTime.ToString(format, CultureInfo.InvariantCulture);
    }

    private static JsonNode ReadIntOrString(ReadOnlySpan<byte> content)
    {
        var isText = false;
        long number = 0;
        var text = "";
        var reader = new ProtobufReader(content);
        while (reader.Next(out var field, out var scalar, out var part))
        {
            switch (field)
            {
                case 1:
                    isText = scalar == 1;
                    break;
                case 2:
                    number = (long)scalar.GetValueOrDefault();
                    break;
                default:
                    text = Encoding.UTF8.GetString(part);
                    break;
            }
        }

        return isText ? text : number;
    }

    private static byte[]? ReadSingle(ReadOnlySpan<byte> content)
    {
        var reader = new ProtobufReader(content);
        return reader.Next(out _, out _, out var only) ? only.ToArray() : null;
    }
}
