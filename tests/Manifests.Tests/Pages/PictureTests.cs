using LoadBalancer.LocalCluster.Isolation;

namespace LoadBalancer.Manifests.Tests.Pages;

/// <summary>The pictures of the pages are what their sources make.</summary>
public sealed class PictureTests
{
    public static TheoryData<string, string> Pictures => new(
        from source in Directory.EnumerateFiles(ProjectFiles.At("docs", "pictures"), "*.picture")
        from theme in (string[])["light", "dark"]
        select (Path.GetFileNameWithoutExtension(source), theme));

    [Theory]
    [MemberData(nameof(Pictures))]
    public void Picture_IsWhatItsSourceMakes(string name, string theme)
    {
        string made = Draw(theme, ProjectFiles.At("docs", "pictures", $"{name}.picture")).Output;
        Assert.True(
            made.Trim() == ProjectFiles.Read("docs", "pictures", $"{name}-{theme}.svg").Trim(),
            $"docs/pictures/{name}-{theme}.svg is not what {name}.picture makes: run 'make picture'.");
    }

    [Fact]
    public void SourceWithAMistake_IsRefusedWithItsLine()
    {
        string file = Path.GetTempFileName();
        File.WriteAllText(file, "size 10 10\ntitle a\nabout b\ncircle 1 2\n");
        ToolResult result = Draw("light", file);
        File.Delete(file);
        Assert.Equal(1, result.ExitCode);
        Assert.Contains("line 4: not understood: circle 1 2", result.Errors, StringComparison.Ordinal);
    }

    private static ToolResult Draw(string theme, string source) =>
        Tool.Try("sh", ["-c", "exec \"$1\" \"$2\" < \"$3\"", "sh", ProjectFiles.At("build", "picture.sh"), theme, source]);
}
