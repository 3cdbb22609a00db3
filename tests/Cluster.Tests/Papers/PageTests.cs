using LoadBalancer.LocalCluster.Isolation;
using LoadBalancer.LocalCluster.Programs;

namespace LoadBalancer.Cluster.Tests.Papers;

/// <summary>
/// What an operator reads on the first day is followed to the letter: every block of the page is done, top to bottom, on a cluster of its own,
/// unless the line above it says what more than that it needs.
/// </summary>
public sealed class PageTests(ClusterFixture fixture, ITestOutputHelper output) : OwnClusterTest(fixture, output)
{
    [Theory]
    [InlineData("README.md")]
    [InlineData("docs/getting-started.md")]
    [InlineData("docs/install.md")]
    [InlineData("docs/monitoring.md")]
    public async Task EveryBlockOfThePage_SucceedsOrSaysWhatItNeeds(string page)
    {
        Assert.SkipWhen(Tool.Find("kubectl") is null, "kubectl is not installed");
        Cluster.Programs.StartAll();
        var reader = new PageReader(Cluster);
        reader.Begin();
        int followed = 0;
        foreach (PageBlock block in PageBlock.ReadAll(await File.ReadAllTextAsync(Path.Combine(ProgramFile.Root, page), Cancel)))
        {
            if (block.Needs is null)
            {
                Figure($"{page}:{block.Line} {block.Language}: {string.Join(" | ", block.Commands())}");
                await reader.FollowAsync(block);
                followed++;
            }
            else
            {
                Figure($"{page}:{block.Line} needs {block.Needs}");
            }
        }

        reader.End();
        Assert.True(followed > 1, "hardly a block of this page is followed");
    }
}
