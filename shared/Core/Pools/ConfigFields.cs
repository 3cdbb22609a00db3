using System.Globalization;

namespace LoadBalancer.Core.Pools;

/// <summary>
/// A mapping read by the names of its keys: unknown, retired and duplicate keys and values of a wrong type become problems,
/// an absent key and a null value are the same.
/// </summary>
internal sealed class ConfigFields
{
    private readonly Dictionary<string, ConfigEntry> _entries = new(StringComparer.Ordinal);
    private readonly ConfigMapping _mapping;
    private readonly string _path;
    private readonly ConfigProblems _problems;

    private ConfigFields(ConfigMapping mapping, string path, ConfigProblems problems)
    {
        _mapping = mapping;
        _path = path;
        _problems = problems;
    }

    /// <summary>The mapping itself: where an absent key is reported.</summary>
    public ConfigNode Node => _mapping;

    /// <summary>The keys present, in the order of the text.</summary>
    public IEnumerable<string> Keys => _entries.Values.Select(entry => entry.Key.Value);

    /// <summary>Opens a mapping.</summary>
    /// <param name="node">What should be a mapping.</param>
    /// <param name="path">Its path, empty for the document.</param>
    /// <param name="keys">The keys it may have; null for any.</param>
    /// <param name="problems">Where problems go.</param>
    /// <param name="servesOnlyLayer2">Keys of MetalLB's format that belong to BGP.</param>
    /// <returns>The fields, or null if the node is no mapping.</returns>
    public static ConfigFields? Open(
        ConfigNode node, string path, IReadOnlyList<string>? keys, ConfigProblems problems, IReadOnlyList<string>? servesOnlyLayer2 = null)
    {
        if (node is not ConfigMapping mapping)
        {
            problems.Error(node, path, $"expected a map, found {Describe(node)}",
                keys is null ? "write 'key: value' lines here" : $"write 'key: value' lines here, with the keys {string.Join(", ", keys)}");
            return null;
        }

        var fields = new ConfigFields(mapping, path, problems);
        foreach (var entry in mapping.Entries)
        {
            fields.Add(entry, keys, servesOnlyLayer2 ?? []);
        }

        foreach (var entry in mapping.Entries)
        {
            fields.TakeForTheKeyMeant(entry, keys);
        }

        return fields;
    }

    public string PathOf(string key) => _path.Length == 0 ? key : $"{_path}.{key}";

    /// <summary>The value, or null if it is absent or null.</summary>
    public ConfigNode? Find(string key) =>
        _entries.TryGetValue(key, out var entry) && !IsNull(entry.Value) ? entry.Value : null;

    /// <summary>Where a problem with the value is reported: the value, or the key if there is none, or the mapping.</summary>
    public ConfigNode PlaceOf(string key) =>
        !_entries.TryGetValue(key, out var entry) ? _mapping : IsNull(entry.Value) ? entry.Key : entry.Value;

    public string? Text(string key) => Find(key) is { } node ? TextOf(node, PathOf(key), _problems) : null;

    public IReadOnlyList<ConfigItem> List(string key)
    {
        switch (Find(key))
        {
            case null:
                return [];
            case ConfigSequence sequence:
                var path = PathOf(key);
                return [.. sequence.Items.Select((item, index) =>
                    new ConfigItem(item, string.Create(CultureInfo.InvariantCulture, $"{path}[{index}]")))];
            case var node:
                _problems.Error(node, PathOf(key), $"expected a list, found {Describe(node)}",
                    "write one item per line, each beginning with '- ', or all of them in brackets: [first, second]");
                return [];
        }
    }

    /// <summary>The texts of a list of scalars; an empty one is a problem.</summary>
    public IReadOnlyList<string> Texts(string key)
    {
        var texts = new List<string>();
        foreach (var item in List(key))
        {
            if (TextOf(item.Node, item.Path, _problems) is not { } text)
            {
                continue;
            }

            if (text.Length == 0)
            {
                _problems.Error(item.Node, item.Path, "the item is empty", "give it a value or remove it");
            }
            else
            {
                texts.Add(text);
            }
        }

        return texts;
    }

    public bool Flag(string key, bool absent)
    {
        if (Find(key) is not { } node)
        {
            return absent;
        }

        if (node is not ConfigScalar { IsPlain: true } scalar)
        {
            RefuseFlag(node, key);
            return absent;
        }

        switch (scalar.Value)
        {
            case "true" or "True" or "TRUE":
                return true;
            case "false" or "False" or "FALSE":
                return false;

            // The YAML 1.1 words, which MetalLB's parser took for booleans: a ConfigMap that worked there works here.
            case "yes" or "Yes" or "YES" or "on" or "On" or "ON" or "y" or "Y":
                _problems.Warn(node, PathOf(key), $"'{scalar.Value}' is read as true", "write true");
                return true;
            case "no" or "No" or "NO" or "off" or "Off" or "OFF" or "n" or "N":
                _problems.Warn(node, PathOf(key), $"'{scalar.Value}' is read as false", "write false");
                return false;
            default:
                RefuseFlag(node, key);
                return absent;
        }
    }

    public int? Integer(string key)
    {
        if (Find(key) is not { } node)
        {
            return null;
        }

        if (node is ConfigScalar { IsPlain: true, Value: var text }
            && int.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var value)
            && text == value.ToString(CultureInfo.InvariantCulture))
        {
            return value;
        }

        _problems.Error(node, PathOf(key), $"expected a whole number, found {Describe(node)}",
            $"write plain digits, such as 10, from {int.MinValue} to {int.MaxValue} and without quotes");
        return null;
    }

    /// <summary>The text of a scalar; null, with a problem, for anything else.</summary>
    public static string? TextOf(ConfigNode node, string path, ConfigProblems problems)
    {
        if (node is ConfigScalar scalar)
        {
            return IsNull(scalar) ? "" : scalar.Value;
        }

        // 'fd00::' or 'a: b' without quotes is a map to YAML.
        var isUnquotedColon = node is ConfigMapping { Entries: [{ Value: var value }] } && IsNull(value);
        problems.Error(node, path, $"expected a text, found {Describe(node)}",
            isUnquotedColon ? "put it in quotes: a colon at the end makes it the key of a map" : "write a single value here");
        return null;
    }

    public static bool IsNull(ConfigNode node) =>
        node is ConfigScalar { IsPlain: true, Value: "" or "~" or "null" or "Null" or "NULL" };

    public static string Describe(ConfigNode node) => node switch
    {
        ConfigMapping => "a map",
        ConfigSequence => "a list",
        ConfigScalar scalar when IsNull(scalar) => "nothing",
        ConfigScalar { IsPlain: true, Value: var value } => $"'{Shorten(value)}'",
        ConfigScalar { Value: var value } => $"the quoted text '{Shorten(value)}'",
        _ => "something else",
    };

    /// <summary>Keeps a value readable in one line of a log or an Event.</summary>
    public static string Shorten(string text)
    {
        const int Longest = 60;
        var line = text.ReplaceLineEndings(" ");
        return line.Length <= Longest ? line : string.Concat(line.AsSpan(0, Longest), "…");
    }

    private void Add(ConfigEntry entry, IReadOnlyList<string>? keys, IReadOnlyList<string> servesOnlyLayer2)
    {
        var key = entry.Key.Value;
        var path = PathOf(Shorten(key));
        if (_entries.TryGetValue(key, out var first))
        {
            _problems.Error(entry.Key, path, $"the key '{Shorten(key)}' is given twice, first on line {first.Key.Line}", "keep one of the two");
            return;
        }

        _entries.Add(key, entry);
        if (servesOnlyLayer2.Contains(key))
        {
            ReportBgp(entry, path);
        }
        else if (keys is not null && !keys.Contains(key))
        {
            _problems.Error(entry.Key, path, $"unknown key '{Shorten(key)}'", NearestKey.Suggest(key, keys));
        }
    }

    /// <summary>Generators write the keys they have nothing for; what is empty configured nothing before either.</summary>
    private void ReportBgp(ConfigEntry entry, string path)
    {
        var key = entry.Key.Value;
        var found = $"'{key}' configures BGP, and only layer2 is served here";
        if (IsNull(entry.Value) || entry.Value is ConfigSequence { Items.Count: 0 } or ConfigMapping { Entries.Count: 0 })
        {
            _problems.Warn(entry.Key, path, $"{found}; it is empty, so nothing is lost", $"remove '{key}'");
        }
        else
        {
            _problems.Error(entry.Key, path, found, $"remove '{key}' and announce the pools with 'protocol: layer2'");
        }
    }

    /// <summary>
    /// A misspelt key is read as the one it is close to: the document is refused either way, but what else is wrong is found in the
    /// same pass, and the right key is not reported as absent.
    /// </summary>
    private void TakeForTheKeyMeant(ConfigEntry entry, IReadOnlyList<string>? keys)
    {
        if (keys?.Contains(entry.Key.Value) == false && NearestKey.Find(entry.Key.Value, keys) is { } meant)
        {
            _entries.TryAdd(meant, entry);
        }
    }

    private void RefuseFlag(ConfigNode node, string key) =>
        _problems.Error(node, PathOf(key), $"expected true or false, found {Describe(node)}", "write true or false, without quotes");
}

/// <summary>An item of a list.</summary>
/// <param name="Node">The item.</param>
/// <param name="Path">Its path, such as <c>address-pools[0]</c>.</param>
internal readonly record struct ConfigItem(ConfigNode Node, string Path);
