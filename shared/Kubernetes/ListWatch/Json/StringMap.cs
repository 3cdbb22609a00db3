using System.Collections;
using System.Collections.ObjectModel;
using System.Diagnostics.CodeAnalysis;
using System.Text.Json;

namespace LoadBalancer.Kubernetes.ListWatch.Json;

/// <summary>
/// A few strings by key: an array searched from its start. Labels and selectors have a handful of entries, for which a hash table
/// costs five times the memory and is no faster.
/// </summary>
internal sealed class StringMap : IReadOnlyDictionary<string, string>
{
    private readonly KeyValuePair<string, string>[] entries;

    private StringMap(KeyValuePair<string, string>[] entries) => this.entries = entries;

    public int Count => entries.Length;

    public IEnumerable<string> Keys => entries.Select(static entry => entry.Key);

    public IEnumerable<string> Values => entries.Select(static entry => entry.Value);

    public string this[string key] =>
        TryGetValue(key, out var value) ? value : throw new KeyNotFoundException($"There is no key '{key}'.");

    public bool ContainsKey(string key) => TryGetValue(key, out _);

    public bool TryGetValue(string key, [MaybeNullWhen(false)] out string value)
    {
        foreach (var entry in entries)
        {
            if (string.Equals(entry.Key, key, StringComparison.Ordinal))
            {
                value = entry.Value;
                return true;
            }
        }

        value = null;
        return false;
    }

    public IEnumerator<KeyValuePair<string, string>> GetEnumerator() =>
        ((IEnumerable<KeyValuePair<string, string>>)entries).GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    /// <summary>Reads a JSON object of strings; keys that <paramref name="keep"/> refuses are not kept.</summary>
    internal static IReadOnlyDictionary<string, string> Read(
        ref Utf8JsonReader reader, StringPool strings, Func<string, bool>? keep = null, bool poolValues = true)
    {
        if (!reader.EnterObject())
        {
            return ReadOnlyDictionary<string, string>.Empty;
        }

        List<KeyValuePair<string, string>>? entries = null;
        while (reader.NextField())
        {
            var key = strings.Get(ref reader);
            if (keep is not null && !keep(key))
            {
                reader.Skip();
                continue;
            }

            (entries ??= []).Add(new(key, poolValues ? reader.ReadText(strings) : reader.ReadText()));
        }

        return entries is null ? ReadOnlyDictionary<string, string>.Empty : new StringMap(entries.ToArray());
    }
}
