using System.Text.Json;

namespace LoadBalancer.Kubernetes.ListWatch.Json;

/// <summary>
/// Gives the same string object for the same text: namespaces, label keys, "TCP" and the like come thousands of times. Used by one
/// reader at a time.
/// </summary>
internal sealed class StringPool
{
    // Above this the texts are not few after all; starting anew bounds what the pool holds on to.
    private const int Capacity = 16_384;
    private const int LongestPooled = 128;

    private readonly HashSet<string> strings = new(StringComparer.Ordinal);
    private readonly HashSet<string>.AlternateLookup<ReadOnlySpan<char>> lookup;

    private readonly HashSet<string[]> lists = new(new SameTexts());

    internal StringPool() => lookup = strings.GetAlternateLookup<ReadOnlySpan<char>>();

    /// <summary>The string or property name the reader stands on.</summary>
    internal string Get(ref Utf8JsonReader reader)
    {
        if (reader.TokenType is not (JsonTokenType.String or JsonTokenType.PropertyName))
        {
            throw new JsonException($"a string was expected, found {reader.TokenType} at byte {reader.TokenStartIndex}");
        }

        var bytes = reader.HasValueSequence ? reader.ValueSequence.Length : reader.ValueSpan.Length;
        if (bytes > LongestPooled)
        {
            return reader.GetString()!;
        }

        Span<char> text = stackalloc char[LongestPooled];
        return Get(text[..reader.CopyString(text)]);
    }

    internal string Get(ReadOnlySpan<char> text)
    {
        if (text.IsEmpty)
        {
            return "";
        }

        if (lookup.TryGetValue(text, out var known))
        {
            return known;
        }

        if (strings.Count >= Capacity)
        {
            strings.Clear();
        }

        var added = text.ToString();
        strings.Add(added);
        return added;
    }

    /// <summary>The same list for the same texts in the same order.</summary>
    internal IReadOnlyList<string> Get(List<string> texts)
    {
        if (texts.Count == 0)
        {
            return [];
        }

        var list = texts.ToArray();
        if (lists.TryGetValue(list, out var known))
        {
            return known;
        }

        if (lists.Count >= Capacity)
        {
            lists.Clear();
        }

        lists.Add(list);
        return list;
    }

    private sealed class SameTexts : IEqualityComparer<string[]>
    {
        public bool Equals(string[]? x, string[]? y) => x.AsSpan().SequenceEqual(y);

        public int GetHashCode(string[] texts)
        {
            var hash = default(HashCode);
            foreach (var text in texts)
            {
                hash.Add(text, StringComparer.Ordinal);
            }

            return hash.ToHashCode();
        }
    }
}
