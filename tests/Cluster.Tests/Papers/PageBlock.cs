using System.Text.RegularExpressions;

namespace LoadBalancer.Cluster.Tests.Papers;

/// <summary>A fenced block of a page.</summary>
/// <param name="Line">The line of its opening fence, from 1.</param>
/// <param name="Language">What the fence says it is: <c>console</c> is run, <c>yaml</c> is written or applied, <c>text</c> is to be read.</param>
/// <param name="Lines">What is in it.</param>
/// <param name="Needs">What more than the local cluster it needs, if the line above it says so: <c>&lt;!-- needs: … --&gt;</c>.</param>
internal sealed partial record PageBlock(int Line, string Language, IReadOnlyList<string> Lines, string? Needs)
{
    private const string Fence = "```";

    /// <summary>Every block of a page, in order.</summary>
    internal static IReadOnlyList<PageBlock> ReadAll(string page)
    {
        string[] lines = page.Split('\n');
        var blocks = new List<PageBlock>();
        for (int open = 0; open < lines.Length; open++)
        {
            if (lines[open].StartsWith(Fence, StringComparison.Ordinal))
            {
                int close = Array.IndexOf(lines, Fence, open + 1);
                Match mark = Mark().Match(open == 0 ? "" : lines[open - 1]);
                blocks.Add(new PageBlock(open + 1, lines[open][Fence.Length..], lines[(open + 1)..close], mark.Success ? mark.Groups[1].Value : null));
                open = close;
            }
        }

        return blocks;
    }

    /// <summary>The commands of a console block: each begins at the prompt, and indented lines go on with it. The rest is what they print.</summary>
    internal IEnumerable<string> Commands()
    {
        string? command = null;
        foreach (string line in Lines)
        {
            bool begins = line.StartsWith("$ ", StringComparison.Ordinal);
            if (command is not null && !begins && line.StartsWith("  ", StringComparison.Ordinal))
            {
                command += $"\n{line}";
                continue;
            }

            if (command is not null)
            {
                yield return command;
            }

            command = begins ? line[2..] : null;
        }

        if (command is not null)
        {
            yield return command;
        }
    }

    [GeneratedRegex(@"^<!-- needs: (\S.*) -->$")]
    private static partial Regex Mark();
}
