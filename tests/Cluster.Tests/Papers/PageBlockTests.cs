namespace LoadBalancer.Cluster.Tests.Papers;

/// <summary>What counts as a block, a command and a mark.</summary>
public sealed class PageBlockTests
{
    [Fact]
    public void Commands_BeginAtThePrompt_IndentedLinesGoOn_TheRestIsOutput()
    {
        PageBlock block = Assert.Single(PageBlock.ReadAll("text\n\n```console\n$ for n in 1 2; do\n    echo $n\n  done\n1\n2\n$ true   # why\n```\n"));
        Assert.Equal(["for n in 1 2; do\n    echo $n\n  done", "true   # why"], block.Commands());
        Assert.Equal((3, "console", null), (block.Line, block.Language, block.Needs));
    }

    [Theory]
    [InlineData("<!-- needs: a registry -->\n```console\n$ push\n```", "a registry")]
    [InlineData("<!-- needs: a registry -->\n\n```console\n$ push\n```", null)]
    [InlineData("<!-- needs:  -->\n```console\n$ push\n```", null)]
    public void Mark_IsTheLineDirectlyAbove_WithAReason(string page, string? needs) =>
        Assert.Equal(needs, Assert.Single(PageBlock.ReadAll(page)).Needs);
}
