using System.Collections.Concurrent;
using System.Globalization;
using System.Reflection;
using LoadBalancer.LocalCluster.ApiServer.Schemas;

namespace LoadBalancer.LocalCluster.ApiServer.Protobuf;

/// <summary>The field numbers of the API types on the wire (Kubernetes <c>generated.proto</c>), by the name of the client's model.</summary>
/// <remarks>
/// A line of <c>fields.txt</c> reads <c>Model 1:name 2:(1:inner 2:other)</c>; parentheses are a message whose fields JSON has one
/// level higher.
/// </remarks>
public static class ProtobufFields
{
    private static readonly Lazy<Dictionary<string, string>> Lines = new(ReadLines);
    private static readonly ConcurrentDictionary<string, IReadOnlyDictionary<int, ProtobufField>?> Known = new(StringComparer.Ordinal);

    /// <summary>The fields of an object type by number, or null if the type is not known.</summary>
    public static IReadOnlyDictionary<int, ProtobufField>? Of(SchemaType type) =>
        Known.GetOrAdd(type.OpenApiName[(type.OpenApiName.LastIndexOf('.') + 1)..],
            static name => Lines.Value.TryGetValue(name, out var line) ? Parse(line.AsSpan(), out _) : null);

    private static Dictionary<int, ProtobufField> Parse(ReadOnlySpan<char> text, out int length)
    {
        var fields = new Dictionary<int, ProtobufField>();
        var i = 0;
        while (i < text.Length && text[i] != ')')
        {
            var colon = i + text[i..].IndexOf(':');
            var number = int.Parse(text[i..colon], NumberStyles.None, CultureInfo.InvariantCulture);
            i = colon + 1;
            if (text[i] == '(')
            {
                fields[number] = new ProtobufField("", Parse(text[(i + 1)..], out var inner));
                i += inner + 2;
            }
            else
            {
                var end = text[i..].IndexOfAny(' ', ')') is var at and >= 0 ? i + at : text.Length;
                fields[number] = new ProtobufField(text[i..end].ToString(), null);
                i = end;
            }

            if (i < text.Length && text[i] == ' ')
                i++;
        }

        length = i;
        return fields;
    }

    private static Dictionary<string, string> ReadLines()
    {
        var assembly = Assembly.GetExecutingAssembly();
        var name = assembly.GetManifestResourceNames().Single(n => n.EndsWith("Protobuf.fields.txt", StringComparison.Ordinal));
        using var reader = new StreamReader(assembly.GetManifestResourceStream(name)!);
        var lines = new Dictionary<string, string>(StringComparer.Ordinal);
        while (reader.ReadLine() is { } line)
        {
            var space = line.IndexOf(' ', StringComparison.Ordinal);
            if (space > 0)
                lines[line[..space]] = line[(space + 1)..];
        }

        return lines;
    }
}

/// <summary>One field: its name in JSON, or the fields of a message that JSON has one level higher.</summary>
public sealed record ProtobufField(string Name, IReadOnlyDictionary<int, ProtobufField>? Inline);
