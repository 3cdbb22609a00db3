using System.Text;
using System.Text.RegularExpressions;

namespace LoadBalancer.Manifests.Tests.Pages;

/// <summary>A Markdown page of the tree, as far as other pages depend on it.</summary>
/// <param name="Path">Its path below the root of the tree.</param>
/// <param name="Text">What is in it.</param>
internal sealed partial record Page(string Path, string Text)
{
    private static readonly string[] Places = [".", "docs", ".github"];

    /// <summary>Every page that is read by people.</summary>
    public static IReadOnlyList<Page> All { get; } =
    [
        .. Places.SelectMany(place => Directory.EnumerateFiles(
                ProjectFiles.At(place), "*.md", place == "." ? SearchOption.TopDirectoryOnly : SearchOption.AllDirectories))
            .Select(file => Of(System.IO.Path.GetRelativePath(ProjectFiles.Root, file)))
            .OrderBy(page => page.Path, StringComparer.Ordinal),
    ];

    /// <summary>The headings, in order, outside of blocks.</summary>
    public IReadOnlyList<Heading> Headings { get; } =
        [.. HeadingLine().Matches(Prose(Text)).Select(match => new Heading(match.Groups[1].Length, match.Groups[2].Value.Trim()))];

    /// <summary>What the page links to, in order, outside of blocks.</summary>
    public IReadOnlyList<string> Links { get; } =
        [.. Link().Matches(Prose(Text)).Select(match => match.Groups[1].Success ? match.Groups[1].Value : match.Groups[2].Value)];

    /// <summary>The fenced blocks, in order.</summary>
    public IReadOnlyList<Block> Blocks { get; } =
        [.. Fenced().Matches(Text).Select(match => new Block(match.Groups[2].Value, match.Groups[3].Value, match.Groups[1].Success ? match.Groups[1].Value : null))];

    public static Page Of(string path) => new(path, ProjectFiles.Read(path));

    /// <summary>The path below the root that a link of this page leads to, and the heading there; null for another site.</summary>
    public (string Path, string? Anchor)? Target(string link)
    {
        if (link.Contains("://", StringComparison.Ordinal) || link.StartsWith("mailto:", StringComparison.Ordinal))
        {
            return null;
        }

        string[] parts = link.Split('#', 2);
        string path = parts[0].Length == 0
            ? Path
            : System.IO.Path.GetRelativePath(ProjectFiles.Root, System.IO.Path.GetFullPath(
                System.IO.Path.Combine(System.IO.Path.GetDirectoryName(ProjectFiles.At(Path))!, parts[0])));
        return (path, parts.Length == 2 ? parts[1] : null);
    }

    private static string Prose(string text) => InlineCode().Replace(Fenced().Replace(text, ""), match => match.Value.Replace('[', ' '));

    [GeneratedRegex(@"^(#{1,6}) (.+)$", RegexOptions.Multiline)]
    private static partial Regex HeadingLine();

    [GeneratedRegex(@"\]\(([^)\s]+)\)|(?:src|srcset)=""([^""]+)""")]
    private static partial Regex Link();

    [GeneratedRegex(@"(?:^ *<!-- needs: (\S.*) -->\n)?^ *```(\w*)\n((?:.*\n)*?) *```$", RegexOptions.Multiline)]
    private static partial Regex Fenced();

    [GeneratedRegex("`[^`\n]+`")]
    private static partial Regex InlineCode();
}

/// <summary>A heading of a page.</summary>
/// <param name="Level">1 for the title.</param>
/// <param name="Words">What it says.</param>
internal sealed record Heading(int Level, string Words)
{
    /// <summary>What a link to it ends in: letters and digits in lower case, blanks as dashes, the rest left out.</summary>
    public string Anchor
    {
        get
        {
            var anchor = new StringBuilder();
            foreach (char c in Words.ToLowerInvariant())
            {
                anchor.Append(c == ' ' ? "-" : char.IsLetterOrDigit(c) || c is '-' or '_' ? c.ToString() : "");
            }

            return anchor.ToString();
        }
    }
}

/// <summary>A fenced block.</summary>
/// <param name="Language">What its fence says.</param>
/// <param name="Text">What is in it.</param>
/// <param name="Needs">What more than the local cluster it needs, if the line above it says so.</param>
internal sealed record Block(string Language, string Text, string? Needs)
{
    /// <summary>The commands of a console block, without prompt, remark and what they print.</summary>
    public IEnumerable<string> Commands()
    {
        string? command = null;
        foreach (string line in Text.TrimEnd('\n').Split('\n'))
        {
            string at = line.TrimStart();
            if (at.StartsWith("$ ", StringComparison.Ordinal))
            {
                if (command is not null)
                {
                    yield return command;
                }

                command = WithoutRemark(at[2..]);
            }
            else if (command is not null && line.StartsWith("  ", StringComparison.Ordinal))
            {
                command += "\n" + WithoutRemark(at);
            }
            else if (command is not null)
            {
                yield return command;
                command = null;
            }
        }

        if (command is not null)
        {
            yield return command;
        }
    }

    private static string WithoutRemark(string line)
    {
        int remark = line.IndexOf("  #", StringComparison.Ordinal);
        return (remark < 0 ? line : line[..remark]).TrimEnd();
    }
}
