using System.Text.RegularExpressions;
using LoadBalancer.Core.Allocation;
using LoadBalancer.Core.Packets;
using LoadBalancer.Kubernetes.Configuration;

namespace LoadBalancer.Manifests.Tests;

/// <summary>docs/configuration.md leaves nothing out that the code has.</summary>
public sealed partial class DocumentationTests
{
    private static readonly string Page = ProjectFiles.Read("docs", "configuration.md");
    private static readonly string Sources = string.Join('\n', new[] { "controller", "speaker", "shared" }
        .SelectMany(folder => Directory.EnumerateFiles(ProjectFiles.At(folder), "*.cs", SearchOption.AllDirectories))
        .Where(file => !file.Contains($"{Path.DirectorySeparatorChar}obj{Path.DirectorySeparatorChar}"))
        .Select(File.ReadAllText));

    [Fact]
    public void Metrics_OfThePrograms_AreOnThePage() => Assert.Empty(
        Words(MetricMade().Matches(Sources)).Except(Words(MetricListed().Matches(Page))));

    [Fact]
    public void Flags_OfThePrograms_AreOnThePage() => Assert.Empty(
        Words(FlagMade().Matches(Sources)).Except(Words(FlagListed().Matches(Page))));

    [Fact]
    public void KeysOfAPool_AreThoseTheReaderKnows()
    {
        var text = $"address-pools: [{{{string.Join(", ", Words(KeyListed().Matches(Page)).Select(key => $"{key}: "))}}}]";
        Assert.DoesNotContain(PoolConfigText.Read(text).Problems, problem => problem.Message.StartsWith("unknown key", StringComparison.Ordinal));

        var unknown = Assert.Single(
            PoolConfigText.Read("address-pools: [{xyzzy: }]").Problems, problem => problem.Message == "unknown key 'xyzzy'");
        var known = unknown.Remedy["valid here are ".Length..].Split(", ");
        Assert.Equal(known.Order(StringComparer.Ordinal), Words(KeyListed().Matches(Page)));
    }

    [Fact]
    public void EventReasons_AreOnThePage()
    {
        var reasons = Words(EventMade().Matches(Sources)).Concat(Enum.GetNames<PoolConfigEvent>()).Concat(NamesOf("AnnouncementEvent"));
        Assert.All(reasons, reason => Assert.Contains($"\n| `{reason}` | ", Page));
    }

    [Fact]
    public void ReasonsOfTheAllocator_AreOnThePage() =>
        Assert.All(Enum.GetNames<AllocationReason>(), reason => Assert.Contains($"`{reason}`", Page));

    [Fact]
    public void ReasonsOfUnansweredFrames_AreOnThePage() => Assert.All(
        Enum.GetValues<DropReason>().Except([DropReason.None]), reason => Assert.Contains($"`{reason.Label()}`", Page));

    private static IEnumerable<string> Words(MatchCollection matches) =>
        matches.Select(match => match.Groups[1].Value).Distinct().Order(StringComparer.Ordinal);

    /// <summary>The values of an enum of the sources that this project cannot reference.</summary>
    private static string[] NamesOf(string type)
    {
        var body = Regex.Match(Sources, $@"enum {type}\s*\{{(.*?)\n\}}", RegexOptions.Singleline).Groups[1].Value;
        return [.. Regex.Matches(body, @"^\s+(\w+),", RegexOptions.Multiline).Select(match => match.Groups[1].Value)];
    }

    [GeneratedRegex(@"(?:Metrics|factory)\.Create(?:Counter|Gauge|Histogram|Summary)\(\s*""(\w+)""")]
    private static partial Regex MetricMade();

    [GeneratedRegex(@"^\| `(loadbalancer_\w+)` \|", RegexOptions.Multiline)]
    private static partial Regex MetricListed();

    [GeneratedRegex(@"Add(?:<[^(]*>)?\(\s*""--([a-z-]+)""")]
    private static partial Regex FlagMade();

    [GeneratedRegex(@"^\| (?:`--\w+`, )?`--([a-z-]+)`", RegexOptions.Multiline)]
    private static partial Regex FlagListed();

    [GeneratedRegex(@"^\| `([a-z-]+)` \| [^|]* \| [^|]* \| [^|]* \|$", RegexOptions.Multiline)]
    private static partial Regex KeyListed();

    [GeneratedRegex(@"EventSeverity\.\w+, ""(\w+)""")]
    private static partial Regex EventMade();
}
