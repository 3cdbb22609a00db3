using System.Text.RegularExpressions;

namespace LoadBalancer.Manifests.Tests.Pages;

/// <summary>A guide begins with what is to be seen, ends with an answer over the LAN, and claims no command to be tried that was not.</summary>
public sealed partial class GuideTests
{
    /// <summary>Pages whose blocks are followed on the local cluster (<c>PageTests</c>).</summary>
    private static readonly HashSet<string> Followed = [.. new[] { "README.md", "docs/getting-started.md", "docs/install.md", "docs/monitoring.md" }
        .SelectMany(path => Page.Of(path).Blocks).Where(block => block.Language == "console" && block.Needs is null).SelectMany(block => block.Commands())];

    public static TheoryData<string> Guides => [.. Page.All.Select(page => page.Path)
        .Where(path => path.StartsWith("docs/guides/", StringComparison.Ordinal) && !path.EndsWith("README.md", StringComparison.Ordinal))];

    [Theory]
    [MemberData(nameof(Guides))]
    public void Guide_BeginsWithWhatIsSeen_SaysWhatWasTried_AndEndsWithARequest(string path)
    {
        Page guide = Page.Of(path);
        Assert.Equal("What you see", guide.Headings[1].Words);
        Assert.Contains(guide.Headings, heading => heading.Words == "What was tried");
        Assert.Equal("console", guide.Blocks[^1].Language);
        Assert.Contains("curl", guide.Blocks[^1].Commands().Last(), StringComparison.Ordinal);
        Assert.EndsWith("```", guide.Text.TrimEnd(), StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(Guides))]
    public void Command_ThatNeedsNothingMore_IsOneThatAnotherPagesTestRuns(string path) => Assert.Empty(
        Page.Of(path).Blocks.Where(block => block.Language == "console" && block.Needs is null).SelectMany(block => block.Commands()).Except(Followed));

    [Theory]
    [MemberData(nameof(Guides))]
    public void Archive_OfTheImages_IsOneThatTheInstallPageNames(string path) => Assert.All(
        ArchiveName().Matches(Page.Of(path).Text).Select(match => match.Value),
        name => Assert.Contains(name, ProjectFiles.Read("docs", "install.md"), StringComparison.Ordinal));

    [Theory]
    [MemberData(nameof(Guides))]
    public void Block_SaysWhatItIs(string path) =>
        Assert.All(Page.Of(path).Blocks, block => Assert.Contains(block.Language, (string[])["console", "yaml", "text"]));

    [GeneratedRegex(@"[\w$.-]+\.tar\b")]
    private static partial Regex ArchiveName();
}
