using System.CommandLine;

namespace LoadBalancer.Kubectl.Commands;

/// <summary>
/// What <c>kubectl_complete-lb</c> asks: kubectl calls that program with the words typed so far, and expects one completion a line, then
/// a directive (cobra's ShellCompDirective: 4 is "no file names", 0 lets the shell offer them).
/// </summary>
internal static class Completion
{
    private static readonly string[] WithFiles = ["check", "plan", "migrate"];

    /// <summary>The answer.</summary>
    /// <param name="root">The commands.</param>
    /// <param name="words">The words after <c>kubectl lb</c>; the last one is being typed, and may be empty.</param>
    public static string Of(RootCommand root, string[] words)
    {
        var last = words.Length > 0 ? words[^1] : "";
        var before = words.Length > 0 ? words[..^1] : [];
        var line = string.Join(' ', words.Select(static word => word.Contains(' ', StringComparison.Ordinal) ? $"\"{word}\"" : word));
        var parsed = root.Parse(line);
        var names = parsed.GetCompletions(line.Length).Select(static item => item.Label)
            .Where(label => label.StartsWith(last, StringComparison.Ordinal) && (last.StartsWith('-') || !label.StartsWith('-')) && label is not ("-?" or "/?" or "/h"))
            .Distinct().Order(StringComparer.Ordinal).ToArray();
        var files = names.Length == 0 && before.Any(WithFiles.Contains);
        return string.Concat(names.Select(static name => name + "\n")) + (files ? ":0\n" : ":4\n");
    }
}
