namespace LoadBalancer.Manifests.Tests.Pages;

/// <summary>Whoever follows a link of a page arrives.</summary>
public sealed class LinkTests
{
    public static TheoryData<string> Paths => [.. Page.All.Select(page => page.Path)];

    [Theory]
    [MemberData(nameof(Paths))]
    public void LinksOfAPage_LeadToAFileAndAHeadingThatExist(string path)
    {
        Page page = Page.Of(path);
        Assert.DoesNotContain(page.Links, link => page.Target(link) is { } target && !Exists(target));
    }

    [Fact]
    public void Index_LeadsToEveryPageOfTheDocuments()
    {
        Page index = Page.Of("docs/index.md");
        HashSet<string> reached = [.. Reached(index), .. index.Links.Select(link => index.Target(link)?.Path).OfType<string>()
            .Where(path => path.EndsWith("/README.md", StringComparison.Ordinal) && File.Exists(ProjectFiles.At(path)))
            .SelectMany(path => Reached(Page.Of(path)))];
        Assert.Empty(Page.All.Select(page => page.Path)
            .Where(path => path.StartsWith("docs/", StringComparison.Ordinal) && path != index.Path)
            .Where(path => !path.StartsWith("docs/decisions/0", StringComparison.Ordinal)) // their folder lists the records
            .Except(reached));
    }

    [Fact]
    public void Heading_IsFoundByTheNameThatLinksUse()
    {
        Assert.Equal("loadbalancerpoolnearlyexhausted", new Heading(2, "LoadBalancerPoolNearlyExhausted").Anchor);
        Assert.Equal("4-a-pod-network", new Heading(2, "4. A pod network").Anchor);
        Assert.Equal("3-쿠버네티스", new Heading(2, "3. 쿠버네티스").Anchor);
    }

    private static IEnumerable<string> Reached(Page page) => page.Links.Select(link => page.Target(link)?.Path).OfType<string>();

    private static bool Exists((string Path, string? Anchor) target) =>
        (File.Exists(ProjectFiles.At(target.Path)) || Directory.Exists(ProjectFiles.At(target.Path)))
        && (target.Anchor is null || Page.Of(target.Path).Headings.Any(heading => heading.Anchor == target.Anchor));
}
