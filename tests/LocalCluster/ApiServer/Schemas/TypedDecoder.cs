using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using LoadBalancer.LocalCluster.ApiServer.Json;

namespace LoadBalancer.LocalCluster.ApiServer.Schemas;

/// <summary>
/// Makes of a request's JSON what the API server's typed decoder would: unknown fields are dropped and named, nulls are absent,
/// wrong types are refused.
/// </summary>
public sealed partial class TypedDecoder
{
    private readonly List<string> _unknown = [];

    private TypedDecoder()
    {
    }

    /// <summary>Cleans the object in place and returns the paths of the fields that were dropped.</summary>
    /// <exception cref="FormatException">A value has the wrong type; the message is that of Go's decoder.</exception>
    public static IReadOnlyList<string> Clean(JsonObject o, SchemaType schema)
    {
        var decoder = new TypedDecoder();
        decoder.CleanObject(o, schema, "", "");
        return decoder._unknown;
    }

    // path carries list indexes (for unknown fields), goPath does not (for type errors): the two decoders differ in that.
    private void CleanObject(JsonObject o, SchemaType type, string path, string goPath)
    {
        List<string>? drop = null;
        foreach (var (name, value) in o)
        {
            if (value is null)
            {
                (drop ??= []).Add(name);
                if (!type.Fields.ContainsKey(name))
                    _unknown.Add(Join(path, name));
            }
            else if (!type.Fields.TryGetValue(name, out var field))
            {
                (drop ??= []).Add(name);
                _unknown.Add(Join(path, name));
            }
            else
            {
                CleanValue(value, field.Type, Join(path, name), Join(goPath, name), type.Name);
            }
        }

        foreach (var name in drop ?? [])
            o.Remove(name);
    }

    private void CleanValue(JsonNode value, SchemaType type, string path, string goPath, string owner)
    {
        switch (type.Shape)
        {
            case SchemaShape.Object:
                CleanObject(value as JsonObject ?? throw Mismatch(value, type.Name, goPath, owner), type, path, goPath);
                break;
            case SchemaShape.Map:
                foreach (var (key, item) in value as JsonObject ?? throw Mismatch(value, $"map[string]{type.Name}", goPath, owner))
                {
                    if (item is not null)
                        CleanValue(item, type.Element!, Join(path, key), goPath, owner);
                }

                break;
            case SchemaShape.List:
                var list = value as JsonArray ?? throw Mismatch(value, $"[]{type.Name}", goPath, owner);
                for (var i = 0; i < list.Count; i++)
                {
                    if (list[i] is { } item)
                        CleanValue(item, type.Element!, $"{path}[{i}]", goPath, owner);
                }

                break;
            default:
                CheckScalar(value, type, goPath, owner);
                break;
        }
    }

    private static void CheckScalar(JsonNode value, SchemaType type, string goPath, string owner)
    {
        var kind = value.GetValueKind();
        var fits = type.Shape switch
        {
            SchemaShape.Any => true,
            SchemaShape.Text => kind == JsonValueKind.String,
            SchemaShape.Bool => kind is JsonValueKind.True or JsonValueKind.False,
            SchemaShape.Int32 => value.Number() is >= int.MinValue and <= int.MaxValue,
            SchemaShape.Int64 => value.Number() is not null,
            SchemaShape.Double => kind == JsonValueKind.Number,
            SchemaShape.IntOrString or SchemaShape.Quantity => kind is JsonValueKind.String or JsonValueKind.Number,
            _ => kind == JsonValueKind.String,
        };
        if (!fits)
            throw Mismatch(value, type.Name, goPath, owner);
        switch (type.Shape)
        {
            case SchemaShape.Time when !IsTime(value.Text()):
                throw new FormatException(
                    $"parsing time \"{value.Text()}\" as \"2006-01-02T15:04:05Z07:00\": cannot parse \"{value.Text()}\" as \"2006\"");
            case SchemaShape.MicroTime when !SixDigits().IsMatch(value.Text()) || !IsTime(value.Text()):
                throw new FormatException(
                    $"parsing time \"{value.Text()}\" as \"2006-01-02T15:04:05.000000Z07:00\": {Unparsed(value.Text())}");
            case SchemaShape.Bytes when !IsBase64(value.Text()):
                throw new FormatException("illegal base64 data at input byte 0");
            case SchemaShape.Quantity when kind == JsonValueKind.String && !QuantityForm().IsMatch(value.Text()):
                throw new FormatException(
                    "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'");
        }
    }

    private static bool IsTime(string text) =>
        TimeForm().IsMatch(text) && DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.None, out _);

    private static bool IsBase64(string text) => System.Buffers.Text.Base64.IsValid(text);

    // Go reads exactly six digits and stops at what follows.
    private static string Unparsed(string text) => text.Length > 26 && text[19] == '.' && text.AsSpan(20, 6).ContainsAnyExceptInRange('0', '9') is false
        ? $"cannot parse \"{text[26..]}\" as \"Z07:00\""
        : $"cannot parse \"{(text.Length > 19 ? text[19..] : text)}\" as \".000000\"";

    private static FormatException Mismatch(JsonNode value, string goType, string goPath, string owner)
    {
        var found = value.GetValueKind() switch
        {
            JsonValueKind.String => "string",
            JsonValueKind.Number => goType.StartsWith("int", StringComparison.Ordinal) ? $"number {value.ToJsonString()}" : "number",
            JsonValueKind.True or JsonValueKind.False => "bool",
            JsonValueKind.Array => "array",
            _ => "object",
        };
        return new FormatException($"json: cannot unmarshal {found} into Go struct field {owner}.{goPath} of type {goType}");
    }

    private static string Join(string path, string name) => path.Length == 0 ? name : $"{path}.{name}";

    [GeneratedRegex(@"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}(Z|[+-]\d\d:\d\d)$")]
    private static partial Regex SixDigits();

    [GeneratedRegex(@"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d([.,]\d+)?(Z|[+-]\d\d:\d\d)$")]
    private static partial Regex TimeForm();

    [GeneratedRegex("^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$")]
    private static partial Regex QuantityForm();
}
