namespace LoadBalancer.Manifests.Tests.Pages;

/// <summary>What is said in Korean has the same parts, commands and ways on as in English; only the words are its own.</summary>
public sealed class KoreanTests
{
    public static TheoryData<string, string> Pages => new() { { "README.md", "docs/ko/README.md" }, { "docs/getting-started.md", "docs/ko/getting-started.md" } };

    [Theory]
    [MemberData(nameof(Pages))]
    public void Headings_AreAsManyOfTheSameLevels(string english, string korean) => Assert.Equal(
        Page.Of(english).Headings.Select(heading => heading.Level), Page.Of(korean).Headings.Select(heading => heading.Level));

    [Theory]
    [MemberData(nameof(Pages))]
    public void HeadingWithoutKorean_IsANameThatStandsInTheEnglishOneToo(string english, string korean) => Assert.All(
        Page.Of(korean).Headings.Zip(Page.Of(english).Headings).Where(pair => !pair.First.Words.Any(c => c is >= '가' and <= '힣')),
        pair => Assert.Equal(pair.Second.Words, pair.First.Words));

    [Theory]
    [MemberData(nameof(Pages))]
    public void Commands_AreTheSame(string english, string korean) => Assert.Equal(Commands(english), Commands(korean));

    [Theory]
    [MemberData(nameof(Pages))]
    public void BlocksThatAreNoCommands_AreTheSame(string english, string korean) => Assert.Equal(
        Page.Of(english).Blocks.Where(block => block.Language != "console").Select(block => block.Text),
        Page.Of(korean).Blocks.Where(block => block.Language != "console").Select(block => block.Text));

    [Theory]
    [MemberData(nameof(Pages))]
    public void BlocksThatNeedMore_AreMarkedInBoth(string english, string korean) => Assert.Equal(
        Page.Of(english).Blocks.Select(block => block.Needs is null), Page.Of(korean).Blocks.Select(block => block.Needs is null));

    [Theory]
    [MemberData(nameof(Pages))]
    public void Links_LeadToTheSamePlaces(string english, string korean) => Assert.Equal(Places(english), Places(korean));

    private static IEnumerable<string> Commands(string path) =>
        Page.Of(path).Blocks.Where(block => block.Language == "console").SelectMany(block => block.Commands());

    /// <summary>Where a page's links lead, sorted: words stand in another order in Korean. A page in Korean counts as the English one, a heading by its number.</summary>
    private static IEnumerable<string> Places(string path)
    {
        Page page = Page.Of(path);
        var english = Pages.ToDictionary(pair => pair.Data.Item2, pair => pair.Data.Item1);
        return page.Links
            .Select(link => page.Target(link) is { } target
                ? (target.Anchor is null ? "" : Number(target) + " of ") + english.GetValueOrDefault(target.Path, target.Path)
                : link)
            .Distinct().Order(StringComparer.Ordinal);
    }

    private static string Number((string Path, string? Anchor) target) =>
        $"{Page.Of(target.Path).Headings.ToList().FindIndex(heading => heading.Anchor == target.Anchor)}";
}
