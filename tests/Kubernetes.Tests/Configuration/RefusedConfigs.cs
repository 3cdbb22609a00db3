namespace LoadBalancer.Kubernetes.Tests.Configuration;

/// <summary>
/// The configurations of <c>Refused/*.txt</c>, each with all its problems as the user reads them. A case is a line
/// <c>### subject</c>, the text, and a line <c>=> line, column: path: message (remedy)</c> for each problem.
/// </summary>
internal static class RefusedConfigs
{
    public static IEnumerable<RefusedConfig> All { get; } = [.. Files().SelectMany(Read)];

    private static IEnumerable<string> Files()
    {
        var assembly = typeof(RefusedConfigs).Assembly;
        foreach (var name in assembly.GetManifestResourceNames().Where(name => name.StartsWith("Refused/", StringComparison.Ordinal)))
        {
            using var reader = new StreamReader(assembly.GetManifestResourceStream(name)!);
            yield return reader.ReadToEnd();
        }
    }

    private static IEnumerable<RefusedConfig> Read(string file)
    {
        foreach (var section in ("\n" + file).Split("\n### ", StringSplitOptions.RemoveEmptyEntries))
        {
            var lines = section.TrimEnd('\n').Split('\n');
            var text = lines.Skip(1).TakeWhile(line => !line.StartsWith("=> ", StringComparison.Ordinal)).ToArray();
            yield return new RefusedConfig(
                lines[0], string.Concat(text.Select(line => line + "\n")), [.. lines.Skip(1 + text.Length).Select(line => line["=> ".Length..])]);
        }
    }
}

/// <summary>A configuration that is refused.</summary>
internal sealed record RefusedConfig(string Subject, string Text, IReadOnlyList<string> Problems);
