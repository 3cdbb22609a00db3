using System.Text.Json;

namespace LoadBalancer.Kubernetes.ListWatch.Json;

/// <summary>
/// Reading JSON field by field, so that what is not used is never turned into an object. Every method reads the value after a
/// property name; JSON null reads as absent, as Kubernetes writes it.
/// </summary>
internal static class JsonFields
{
    /// <summary>Enters an object; false if it is null.</summary>
    internal static bool EnterObject(this ref Utf8JsonReader reader)
    {
        Advance(ref reader);
        return reader.IsObject();
    }

    /// <summary>Whether the current token begins an object; false if it is null.</summary>
    internal static bool IsObject(this ref Utf8JsonReader reader) => reader.TokenType switch
    {
        JsonTokenType.StartObject => true,
        JsonTokenType.Null => false,
        var other => throw new JsonException($"an object was expected, found {other} at byte {reader.TokenStartIndex}"),
    };

    /// <summary>Moves to the next property name; false at the end of the object.</summary>
    internal static bool NextField(this ref Utf8JsonReader reader)
    {
        Advance(ref reader);
        return reader.TokenType == JsonTokenType.PropertyName;
    }

    /// <summary>Enters an array; false if it is null.</summary>
    internal static bool EnterArray(this ref Utf8JsonReader reader)
    {
        Advance(ref reader);
        return reader.TokenType switch
        {
            JsonTokenType.StartArray => true,
            JsonTokenType.Null => false,
            var other => throw new JsonException($"an array was expected, found {other} at byte {reader.TokenStartIndex}"),
        };
    }

    /// <summary>Moves to the next element's first token; false at the end of the array.</summary>
    internal static bool NextElement(this ref Utf8JsonReader reader)
    {
        Advance(ref reader);
        return reader.TokenType != JsonTokenType.EndArray;
    }

    /// <summary>A string; empty if null.</summary>
    internal static string ReadText(this ref Utf8JsonReader reader) => reader.ReadTextOrNull() ?? "";

    internal static string? ReadTextOrNull(this ref Utf8JsonReader reader)
    {
        Advance(ref reader);
        return reader.CurrentText();
    }

    /// <summary>A string of which there are few different ones; empty if null.</summary>
    internal static string ReadText(this ref Utf8JsonReader reader, StringPool strings)
    {
        Advance(ref reader);
        return reader.TokenType == JsonTokenType.Null ? "" : strings.Get(ref reader);
    }

    internal static string? CurrentText(this ref Utf8JsonReader reader) => reader.TokenType switch
    {
        JsonTokenType.String => reader.GetString(),
        JsonTokenType.Null => null,
        var other => throw new JsonException($"a string was expected, found {other} at byte {reader.TokenStartIndex}"),
    };

    internal static bool? ReadFlag(this ref Utf8JsonReader reader)
    {
        Advance(ref reader);
        return reader.TokenType switch
        {
            JsonTokenType.True => true,
            JsonTokenType.False => false,
            JsonTokenType.Null => null,
            var other => throw new JsonException($"true or false was expected, found {other} at byte {reader.TokenStartIndex}"),
        };
    }

    /// <summary>A whole number; 0 if null.</summary>
    internal static int ReadNumber(this ref Utf8JsonReader reader)
    {
        Advance(ref reader);
        return reader.TokenType switch
        {
            JsonTokenType.Null => 0,
            JsonTokenType.Number when reader.TryGetInt32(out var value) => value,
            var other => throw new JsonException($"a whole number was expected, found {other} at byte {reader.TokenStartIndex}"),
        };
    }

    /// <summary>A time in RFC 3339 form; null if null.</summary>
    internal static DateTimeOffset? ReadTime(this ref Utf8JsonReader reader)
    {
        Advance(ref reader);
        return reader.TokenType switch
        {
            JsonTokenType.Null => null,
            JsonTokenType.String when reader.TryGetDateTimeOffset(out var value) => value,
            var other => throw new JsonException($"a time was expected, found {other} at byte {reader.TokenStartIndex}"),
        };
    }

    /// <summary>A list of strings.</summary>
    internal static IReadOnlyList<string> ReadTexts(this ref Utf8JsonReader reader, StringPool? strings = null)
    {
        if (!reader.EnterArray())
        {
            return [];
        }

        var texts = new List<string>(2);
        while (reader.NextElement())
        {
            texts.Add(strings is null ? reader.CurrentText() ?? "" : strings.Get(ref reader));
        }

        return texts.Count == 0 ? [] : texts.ToArray();
    }

    private static void Advance(ref Utf8JsonReader reader)
    {
        if (!reader.Read())
        {
            throw new JsonException("the text ends in the middle of a value");
        }
    }
}
