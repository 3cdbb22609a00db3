using System.Text.RegularExpressions;

namespace LoadBalancer.Manifests.Tests;

/// <summary>Each test that docs/acceptance.md names exists and is run.</summary>
public sealed partial class AcceptanceTests
{
    private static readonly IReadOnlyList<string> Sources =
    [
        .. Directory.EnumerateFiles(ProjectFiles.At("tests"), "*Tests.cs", SearchOption.AllDirectories)
            .Where(file => !file.Contains($"{Path.DirectorySeparatorChar}obj{Path.DirectorySeparatorChar}"))
            .Select(File.ReadAllText),
    ];

    public static TheoryData<string> Lines =>
        [.. ProjectFiles.Read("docs", "acceptance.md").Split('\n').Where(line => line.StartsWith("| ", StringComparison.Ordinal) && line.Contains('`'))];

    [Theory]
    [MemberData(nameof(Lines))]
    public void Line_NamesTestsThatExist(string line)
    {
        var tests = Named().Matches(line.Split('|')[^2]).Select(match => (Class: match.Groups[1].Value, Method: match.Groups[3].Value)).ToArray();
        Assert.NotEmpty(tests);
        Assert.All(tests, test => Assert.Contains(Sources, source => Has(source, test.Class, test.Method)));
    }

    private static bool Has(string source, string type, string method) =>
        Regex.IsMatch(source, $@"public sealed (partial )?class {type}\b")
        && (method.Length == 0 || Regex.IsMatch(source, $@"\[(Fact|Theory)\](\s*\[[^\n]*\])*\s*public (async )?(Task|void) {method}\("));

    [GeneratedRegex(@"`(\w+Tests)(\.(\w+))?`")]
    private static partial Regex Named();
}
