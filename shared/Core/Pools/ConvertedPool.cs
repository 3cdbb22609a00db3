using System.Globalization;

namespace LoadBalancer.Core.Pools;

/// <summary>A pool to be written as an item of <c>address-pools</c>; its addresses are text, as somebody wrote them.</summary>
internal sealed class ConvertedPool
{
    private static readonly string[] WordsOfYaml = ["true", "false", "yes", "no", "on", "off", "y", "n", "null"];

    public required string Name { get; init; }

    public required IReadOnlyDictionary<string, string> Labels { get; init; }

    public required IReadOnlyList<string> Addresses { get; init; }

    public bool AutoAssign { get; init; } = true;

    public bool AvoidBuggyIps { get; init; }

    public int? Priority { get; set; }

    public IReadOnlyList<string> Namespaces { get; set; } = [];

    public IReadOnlyList<LabelSelector> NamespaceSelectors { get; set; } = [];

    public IReadOnlyList<LabelSelector> ServiceSelectors { get; set; } = [];

    public IReadOnlyList<LabelSelector> NodeSelectors { get; set; } = [];

    public IReadOnlyList<string> Interfaces { get; set; } = [];

    public static string Selectors(IEnumerable<LabelSelector> selectors) => List(selectors.Select(Selector));

    public string ToLine() => Map(Fields());

    public string ToText() => $"- {string.Join("\n  ", Fields())}\n";

    private static string Selector(LabelSelector selector)
    {
        var labels = selector.Requirements.Where(IsLabel).Select(static r => $"{Scalar(r.Key)}: {Scalar(r.Values[0])}").ToArray();
        var expressions = selector.Requirements.Where(static r => !IsLabel(r)).Select(static r =>
            $"{{key: {Scalar(r.Key)}, operator: {r.Operator}{(r.Values.Count == 0 ? "" : $", values: {List(r.Values.Select(Scalar))}")}}}").ToArray();
        return Map(
        [
            .. labels.Length == 0 ? Array.Empty<string>() : [$"match-labels: {Map(labels)}"],
            .. expressions.Length == 0 ? Array.Empty<string>() : [$"match-expressions: {List(expressions)}"],
        ]);
    }

    private static bool IsLabel(LabelRequirement requirement) => requirement is { Operator: LabelOperator.In, Values.Count: 1 };

    private static string Map(IEnumerable<string> entries) => $"{{{string.Join(", ", entries)}}}";

    private static string List(IEnumerable<string> items) => $"[{string.Join(", ", items)}]";

    /// <summary>Plain where nobody can take it for anything but a text, otherwise in single quotes, in which nothing is special.</summary>
    private static string Scalar(string text)
    {
        var isPlain = text.Length > 0 && text[^1] != ' '
            && text.All(static c => char.IsAsciiLetterOrDigit(c) || c is '.' or '_' or '/' or '-' or ' ')
            && (char.IsAsciiLetter(text[0]) || (char.IsAsciiDigit(text[0]) && text.Count(static c => c == '.') >= 3))
            && !WordsOfYaml.Contains(text, StringComparer.OrdinalIgnoreCase);
        return isPlain ? text : $"'{text.Replace("'", "''", StringComparison.Ordinal)}'";
    }

    private IEnumerable<string> Fields()
    {
        yield return $"name: {Scalar(Name)}";
        yield return "protocol: layer2";
        yield return $"addresses: {List(Addresses.Select(Scalar))}";
        if (!AutoAssign)
        {
            yield return "auto-assign: false";
        }

        if (AvoidBuggyIps)
        {
            yield return "avoid-buggy-ips: true";
        }

        if (Priority is { } priority)
        {
            yield return string.Create(CultureInfo.InvariantCulture, $"priority: {priority}");
        }

        foreach (var (key, list, isEmpty) in new[]
        {
            ("namespaces", List(Namespaces.Select(Scalar)), Namespaces.Count == 0),
            ("namespace-selectors", Selectors(NamespaceSelectors), NamespaceSelectors.Count == 0),
            ("service-selectors", Selectors(ServiceSelectors), ServiceSelectors.Count == 0),
            ("node-selectors", Selectors(NodeSelectors), NodeSelectors.Count == 0),
            ("interfaces", List(Interfaces.Select(Scalar)), Interfaces.Count == 0),
        })
        {
            if (!isEmpty)
            {
                yield return $"{key}: {list}";
            }
        }
    }
}
