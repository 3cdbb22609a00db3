using System.Globalization;

namespace LoadBalancer.Core.Pools;

/// <summary>The fields of another program's resource: what is not understood is noted and left out.</summary>
/// <param name="node">The mapping, or null for none.</param>
/// <param name="subject">The resource, for notes.</param>
/// <param name="losses">Where notes go.</param>
internal sealed class LenientFields(ConfigNode? node, string subject, List<string> losses)
{
    private readonly HashSet<string> read = new(StringComparer.Ordinal);

    /// <summary>The value of a key of a mapping; null if it is absent, null, or there is no mapping.</summary>
    public static ConfigNode? At(ConfigNode? node, string key) => node is ConfigMapping mapping
        && mapping.Entries.FirstOrDefault(entry => entry.Key.Value == key)?.Value is { } value && !ConfigFields.IsNull(value) ? value : null;

    public static string TextAt(ConfigNode? node, string key) => At(node, key) is ConfigScalar scalar ? scalar.Value.Trim() : "";

    /// <summary>A mapping of texts; null if it is none.</summary>
    public static Dictionary<string, string>? Pairs(ConfigNode? node)
    {
        if (node is not ConfigMapping mapping)
        {
            return null;
        }

        var pairs = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var entry in mapping.Entries)
        {
            if (entry.Value is not ConfigScalar value)
            {
                return null;
            }

            pairs[entry.Key.Value] = ConfigFields.IsNull(value) ? "" : value.Value;
        }

        return pairs;
    }

    public LenientFields? Child(string key) => Find(key) is { } child ? new LenientFields(child, $"{subject}: {key}", losses) : null;

    public string Text(string key)
    {
        Find(key);
        return TextAt(node, key);
    }

    public bool? Flag(string key)
    {
        switch (Find(key))
        {
            case null:
                return null;
            case ConfigScalar { Value: "true" or "True" or "TRUE" }:
                return true;
            case ConfigScalar { Value: "false" or "False" or "FALSE" }:
                return false;
            default:
                Note(key, "is neither true nor false");
                return null;
        }
    }

    public int? Integer(string key)
    {
        switch (Find(key))
        {
            case null:
                return null;
            case ConfigScalar scalar when int.TryParse(scalar.Value, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var value):
                return value;
            default:
                Note(key, "is not a whole number");
                return null;
        }
    }

    public IReadOnlyList<string> Texts(string key)
    {
        var found = Find(key);
        if (found is ConfigSequence sequence && sequence.Items.All(static item => item is ConfigScalar))
        {
            return [.. sequence.Items.Cast<ConfigScalar>().Select(static item => item.Value.Trim())];
        }

        if (found is not null)
        {
            Note(key, "is not a list of texts");
        }

        return [];
    }

    public IReadOnlyList<LabelSelector> Selectors(string key)
    {
        var found = Find(key);
        var selectors = (found as ConfigSequence)?.Items.Select(Selector).ToList();
        if (selectors is not null && !selectors.Contains(null))
        {
            return [.. selectors.OfType<LabelSelector>()];
        }

        if (found is not null)
        {
            Note(key, "is not a list of label selectors");
        }

        return [];
    }

    /// <summary>Notes what has a value and was not asked for.</summary>
    public void NoteRest()
    {
        foreach (var entry in (node as ConfigMapping)?.Entries ?? [])
        {
            if (!read.Contains(entry.Key.Value) && !IsEmpty(entry.Value))
            {
                Note(ConfigFields.Shorten(entry.Key.Value), "has no counterpart here");
            }
        }
    }

    private static bool IsEmpty(ConfigNode value) => ConfigFields.IsNull(value)
        || value is ConfigSequence { Items.Count: 0 } or ConfigMapping { Entries.Count: 0 };

    private static LabelSelector? Selector(ConfigNode node)
    {
        if (node is not ConfigMapping mapping
            || mapping.Entries.Any(static entry => entry.Key.Value is not ("matchLabels" or "matchExpressions")))
        {
            return null;
        }

        var labels = At(mapping, "matchLabels") is { } map ? Pairs(map) : [];
        var expressions = At(mapping, "matchExpressions") switch
        {
            null => [],
            ConfigSequence sequence => sequence.Items.Select(Requirement).ToList(),
            _ => null,
        };
        return labels is null || expressions is null || expressions.Contains(null)
            ? null
            : new LabelSelector(
            [
                .. labels.Select(static pair => new LabelRequirement(pair.Key, LabelOperator.In, [pair.Value])),
                .. expressions.OfType<LabelRequirement>(),
            ]);
    }

    private static LabelRequirement? Requirement(ConfigNode node)
    {
        var values = At(node, "values") switch
        {
            null => [],
            ConfigSequence sequence when sequence.Items.All(static item => item is ConfigScalar) =>
                sequence.Items.Cast<ConfigScalar>().Select(static item => item.Value).ToList(),
            _ => null,
        };
        return values is not null && TextAt(node, "key") is { Length: > 0 } key
            && Enum.TryParse<LabelOperator>(TextAt(node, "operator"), out var op) && Enum.IsDefined(op)
            && (op is LabelOperator.In or LabelOperator.NotIn) == (values.Count > 0)
            ? new LabelRequirement(key, op, values)
            : null;
    }

    private ConfigNode? Find(string key)
    {
        read.Add(key);
        return At(node, key);
    }

    private void Note(string key, string what) => losses.Add($"{subject}: {key} {what}");
}
