using System.Buffers;
using System.Text;
using LoadBalancer.Core.Pools;
using YamlDotNet.Core;
using YamlDotNet.Core.Events;

namespace LoadBalancer.Kubernetes.Configuration;

/// <summary>What reading a YAML text came to.</summary>
/// <param name="Documents">The documents; none if the text has only white space and comments.</param>
/// <param name="Problems">Why it is refused, all of them errors; empty if it is not. Then the documents may be incomplete.</param>
public sealed record YamlReading(IReadOnlyList<YamlDocument> Documents, IReadOnlyList<ConfigProblem> Problems);

/// <summary>One document of a YAML text.</summary>
/// <param name="Line">1-based line on which it begins; that of <c>---</c> where that is written.</param>
/// <param name="Column">1-based column.</param>
/// <param name="Root">Its root; a null if it is empty.</param>
public sealed record YamlDocument(int Line, int Column, ConfigNode Root);

/// <summary>
/// Turns YAML into <see cref="ConfigNode"/>s by the parser's events, so that every node knows its place and nothing needs reflection.
/// Aliases and merge keys are resolved within bounds, so that a small text cannot grow into a large tree.
/// </summary>
public sealed class YamlConfigReader
{
    /// <summary>Deeper than any valid configuration; keeps recursion away from the stack's end.</summary>
    private const int MaxDepth = 32;

    /// <summary>Nodes that aliases may add altogether ("billion laughs"); nodes that are written out are bounded by the text.</summary>
    private const int MaxAliasedNodes = 10_000;

    /// <summary>Control characters that YAML 1.2 §5.1 leaves out, also in quotes.</summary>
    private static readonly SearchValues<char> NotInYaml = SearchValues.Create(
        [.. Enumerable.Range(0, 0x20).Select(code => (char)code).Except(['\t', '\n', '\r']), '\u007F', '\uFFFE', '\uFFFF']);

    private readonly Parser _parser;
    private readonly List<ConfigProblem> _problems = [];
    private readonly Dictionary<string, (ConfigNode Node, int Size)> _anchors = new(StringComparer.Ordinal);
    private int _nodes;
    private int _aliasedNodes;

    private YamlConfigReader(string text) => _parser = new Parser(new StringReader(text));

    /// <summary>Reads a text. Never throws: what is wrong with the text is in the result.</summary>
    public static YamlReading Read(string text)
    {
        text = text.TrimStart('\uFEFF');
        if (text.AsSpan().IndexOfAny(NotInYaml) is >= 0 and var index)
        {
            return new YamlReading([], [ForbiddenCharacter(text, index)]);
        }

        if (InvisibleCharacterCheck.Find(text) is { Count: > 0 } invisible)
        {
            return new YamlReading([], invisible);
        }

        var reader = new YamlConfigReader(text);
        try
        {
            return new YamlReading(reader.ReadStream(), reader._problems);
        }
        catch (YamlException error)
        {
            return new YamlReading([], [Syntax(text, error.End, error.Message)]);
        }
        catch (Exception error) when (error is InvalidOperationException or ArgumentException or FormatException or IndexOutOfRangeException)
        {
            // The parser leaves its grammar that way on some texts (found by fuzzing). A text must never end the program.
            return new YamlReading([], [Syntax(text, reader._parser.Current?.End ?? Mark.Empty, "the parser cannot make sense of it")]);
        }
    }

    private List<YamlDocument> ReadStream()
    {
        var documents = new List<YamlDocument>();
        _parser.Consume<StreamStart>();
        while (_parser.TryConsume<DocumentStart>(out var start))
        {
            // An anchor is known to the end of its document (YAML 1.2 §6.9.2).
            _anchors.Clear();
            documents.Add(new YamlDocument(Line(start.Start), Column(start.Start), ReadNode(0)));
            _parser.Consume<DocumentEnd>();
        }

        return documents;
    }

    private ConfigNode ReadNode(int depth)
    {
        if (_parser.TryConsume<AnchorAlias>(out var alias))
        {
            return Resolve(alias);
        }

        if (depth == MaxDepth)
        {
            var start = _parser.Current!.Start;
            Refuse(start, $"lists and maps are nested more than {MaxDepth} deep", "the deepest valid nesting is that of a selector, 7 levels");
            _parser.SkipThisAndNestedEvents();
            return Nothing(start);
        }

        var before = _nodes++;
        var (node, properties) = _parser.Current switch
        {
            MappingStart => ReadMapping(depth),
            SequenceStart => ReadSequence(depth),
            _ => ReadScalar(),
        };
        CheckTag(properties);
        if (!properties.Anchor.IsEmpty)
        {
            // Only from here on: an alias within its own anchor would be a tree without end.
            _anchors[properties.Anchor.Value] = (node, _nodes - before);
        }

        return node;
    }

    private (ConfigNode Node, NodeEvent Properties) ReadScalar()
    {
        var scalar = _parser.Consume<Scalar>();
        var isPlain = scalar is { Style: ScalarStyle.Plain, Tag.IsEmpty: true };
        if (InvisibleCharacters.FirstIn(scalar.Value) is { } invisible)
        {
            // Written as an escape, or behind what looked like the beginning of a comment.
            Refuse(scalar.Start, $"the value has the invisible character {InvisibleCharacters.Describe(invisible)}",
                InvisibleCharacters.Remedy(invisible));
        }

        return (new ConfigScalar(Line(scalar.Start), Column(scalar.Start), scalar.Value, isPlain), scalar);
    }

    private (ConfigNode Node, NodeEvent Properties) ReadSequence(int depth)
    {
        var start = _parser.Consume<SequenceStart>();
        var items = new List<ConfigNode>();
        while (!_parser.TryConsume<SequenceEnd>(out _))
        {
            items.Add(ReadNode(depth + 1));
        }

        return (new ConfigSequence(Line(start.Start), Column(start.Start), items), start);
    }

    private (ConfigNode Node, NodeEvent Properties) ReadMapping(int depth)
    {
        var start = _parser.Consume<MappingStart>();
        var entries = new List<ConfigEntry>();
        var merged = new List<ConfigMapping>();
        while (!_parser.TryConsume<MappingEnd>(out _))
        {
            var place = _parser.Current!.Start;
            var key = ReadNode(depth + 1);
            var value = ReadNode(depth + 1);
            if (key is not ConfigScalar name)
            {
                Refuse(place, "the key of a map is itself a map or a list", "write a word before the ':'");
            }
            else if (name is { IsPlain: true, Value: "<<" })
            {
                CollectMerged(place, value, merged);
            }
            else
            {
                entries.Add(new ConfigEntry(name, value));
            }
        }

        AddMerged(entries, merged);
        return (new ConfigMapping(Line(start.Start), Column(start.Start), entries), start);
    }

    private void CollectMerged(Mark place, ConfigNode value, List<ConfigMapping> merged)
    {
        var sources = value is ConfigSequence sequence ? sequence.Items : [value];
        merged.AddRange(sources.OfType<ConfigMapping>());
        if (sources.Any(source => source is not ConfigMapping))
        {
            Refuse(place, "'<<' merges something that is not a map", "merge the alias of a map, as in '<<: *defaults'");
        }
    }

    /// <summary>Keys that are written out win over merged ones, and an earlier merge over a later one.</summary>
    private static void AddMerged(List<ConfigEntry> entries, List<ConfigMapping> merged)
    {
        if (merged.Count == 0)
        {
            return;
        }

        var known = entries.Select(entry => entry.Key.Value).ToHashSet(StringComparer.Ordinal);
        foreach (var source in merged)
        {
            var added = source.Entries.Where(entry => !known.Contains(entry.Key.Value)).ToArray();
            entries.AddRange(added);
            known.UnionWith(added.Select(entry => entry.Key.Value));
        }
    }

    private ConfigNode Resolve(AnchorAlias alias)
    {
        if (!_anchors.TryGetValue(alias.Value.Value, out var anchored))
        {
            Refuse(alias.Start, $"the alias '*{alias.Value}' has no anchor before it", $"write '&{alias.Value}' before the value it stands for");
            return Nothing(alias.Start);
        }

        if (anchored.Size > MaxAliasedNodes - _aliasedNodes)
        {
            // One report is enough, and the aliases that follow are usually smaller parts of the same trick.
            if (_aliasedNodes < MaxAliasedNodes)
            {
                Refuse(alias.Start, $"the aliases stand for more than {MaxAliasedNodes} values", "write the values out");
                _aliasedNodes = MaxAliasedNodes;
            }

            return Nothing(alias.Start);
        }

        _aliasedNodes += anchored.Size;
        _nodes += anchored.Size;
        return anchored.Node;
    }

    private void CheckTag(NodeEvent node)
    {
        const string Core = "tag:yaml.org,2002:";
        if (node.Tag.IsEmpty || node.Tag.IsNonSpecific)
        {
            return;
        }

        var tag = node.Tag.Value.StartsWith(Core, StringComparison.Ordinal) ? "!!" + node.Tag.Value[Core.Length..] : node.Tag.Value;
        if (tag is not ("!!str" or "!!seq" or "!!map"))
        {
            Refuse(node.Start, $"the tag '{tag}' has no meaning here", "write the value without a tag");
        }
    }

    private void Refuse(Mark place, string message, string remedy) =>
        _problems.Add(new ConfigProblem(ConfigSeverity.Error, Line(place), Column(place), "", message, remedy));

    /// <summary>A syntax error, at the place where the parser stopped understanding, not where the construct it was in begins.</summary>
    private static ConfigProblem Syntax(string text, Mark place, string message)
    {
        var lines = text.Split('\n');
        var (line, column) = Line(place) <= lines.Length
            ? (Math.Max(1, Line(place)), Math.Max(1, Column(place)))
            : (lines.Length, lines[^1].Length + 1);
        var isTab = lines[line - 1].TakeWhile(char.IsWhiteSpace).Contains('\t');
        return new ConfigProblem(ConfigSeverity.Error, line, column, "", $"not YAML: {message.TrimEnd('.')}",
            isTab ? "indent with spaces: YAML allows no tabs there" : "check indentation, quotes, brackets and colons here and on the line before");
    }

    private static ConfigProblem ForbiddenCharacter(string text, int index)
    {
        var before = text.AsSpan(0, index);
        return new ConfigProblem(
            ConfigSeverity.Error, before.Count('\n') + 1, index - before.LastIndexOf('\n'), "",
            $"not YAML: the control character {InvisibleCharacters.Describe(new Rune(text[index]))}", "remove it; it is invisible in most editors, so type the line anew");
    }

    private static ConfigScalar Nothing(Mark place) => new(Line(place), Column(place), "", IsPlain: true);

    private static int Line(Mark mark) => (int)mark.Line;

    private static int Column(Mark mark) => (int)mark.Column;
}
