namespace LoadBalancer.Core.Pools;

/// <summary>What was probably meant by a word that is not among the valid ones.</summary>
internal static class NearestKey
{
    /// <summary>The valid word it is close to, or null.</summary>
    public static string? Find(string word, IReadOnlyList<string> valid)
    {
        var (nearest, distance) = valid.Select(candidate => (candidate, Distance(Fold(word), Fold(candidate)))).MinBy(pair => pair.Item2);
        return distance <= Math.Min(3, word.Length / 3) ? nearest : null;
    }

    /// <summary>The remedy for an unknown word: the valid one it is close to, or all valid ones.</summary>
    public static string Suggest(string word, IReadOnlyList<string> valid) =>
        Find(word, valid) is { } nearest ? $"did you mean '{nearest}'?"
        : valid.Count == 1 ? $"the only valid key here is '{valid[0]}'"
        : $"valid here are {string.Join(", ", valid)}";

    /// <summary>The way a word is written (<c>matchLabels</c>, <c>match_labels</c>) is no difference in meaning.</summary>
    private static string Fold(string word) =>
        string.Concat(word.Take(40).Where(char.IsLetterOrDigit).Select(char.ToLowerInvariant));

    /// <summary>Optimal string alignment: insertions, deletions, replacements and swaps of neighbours.</summary>
    private static int Distance(string from, string to)
    {
        var previous = new int[to.Length + 1];
        var current = new int[to.Length + 1];
        var beforePrevious = new int[to.Length + 1];
        for (var j = 0; j <= to.Length; j++)
        {
            previous[j] = j;
        }

        for (var i = 1; i <= from.Length; i++)
        {
            current[0] = i;
            for (var j = 1; j <= to.Length; j++)
            {
                var replaced = previous[j - 1] + (from[i - 1] == to[j - 1] ? 0 : 1);
                current[j] = Math.Min(replaced, Math.Min(previous[j], current[j - 1]) + 1);
                if (i > 1 && j > 1 && from[i - 1] == to[j - 2] && from[i - 2] == to[j - 1])
                {
                    current[j] = Math.Min(current[j], beforePrevious[j - 2] + 1);
                }
            }

            (beforePrevious, previous, current) = (previous, current, beforePrevious);
        }

        return previous[to.Length];
    }
}
