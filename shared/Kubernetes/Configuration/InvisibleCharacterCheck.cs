using System.Globalization;
using System.Text;
using LoadBalancer.Core.Pools;

namespace LoadBalancer.Kubernetes.Configuration;

/// <summary>
/// Finds invisible characters in a YAML text before a parser sees it: to a parser a no-break space is a letter, so what it complains of is
/// somewhere else. One problem for each character, however often it is there.
/// </summary>
internal static class InvisibleCharacterCheck
{
    private const int MostLines = 5;

    /// <summary>The problems, in the order of the text. Comments may have what they like, except what ends a line.</summary>
    public static IReadOnlyList<ConfigProblem> Find(string text)
    {
        var found = new Dictionary<Rune, Places>();
        var (line, start, comment) = (1, 0, false);
        var before = new Rune('\n');
        var index = 0;
        foreach (var character in text.EnumerateRunes())
        {
            if (character.Value == '\n')
            {
                (line, start, comment) = (line + 1, index + 1, false);
            }
            else if (character.Value == '#' && (before.Value is '\n' or ' ' or '\t'))
            {
                // Perhaps within quotes, where it begins no comment: for that the parser's values are looked at, too.
                comment = true;
            }
            else if (InvisibleCharacters.IsInvisible(character) && (!comment || InvisibleCharacters.EndsLine(character)))
            {
                if (!found.TryGetValue(character, out var places))
                {
                    found.Add(character, places = new Places(line, index - start + 1));
                }

                places.Add(line);
            }

            before = character;
            index += character.Utf16SequenceLength;
        }

        return [.. found.OrderBy(entry => (entry.Value.Line, entry.Value.Column)).Select(entry => Problem(entry.Key, entry.Value))];
    }

    private static ConfigProblem Problem(Rune character, Places places) => new(
        ConfigSeverity.Error, places.Line, places.Column, "",
        $"the invisible character {InvisibleCharacters.Describe(character)}{places}", InvisibleCharacters.Remedy(character));

    private sealed class Places(int line, int column)
    {
        private readonly List<int> lines = [];
        private int count;

        public int Line { get; } = line;

        public int Column { get; } = column;

        public void Add(int at)
        {
            count++;
            if (lines.Count == 0 || lines[^1] != at)
            {
                lines.Add(at);
            }
        }

        public override string ToString()
        {
            if (count == 1)
            {
                return "";
            }

            var more = lines.Count > MostLines ? string.Create(CultureInfo.InvariantCulture, $" and {lines.Count - MostLines} more") : "";
            return string.Create(CultureInfo.InvariantCulture,
                $", {count} times: on line{(lines.Count == 1 ? "" : "s")} {string.Join(", ", lines.Take(MostLines))}{more}");
        }
    }
}
