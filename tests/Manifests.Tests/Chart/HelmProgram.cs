using System.Text.Json.Nodes;
using LoadBalancer.LocalCluster.ApiServer.Json;
using LoadBalancer.LocalCluster.Isolation;

namespace LoadBalancer.Manifests.Tests.Chart;

/// <summary>The program that <c>HELM</c> names, Helm 3 or 4; without it these tests are skipped.</summary>
internal static class HelmProgram
{
    public static readonly string Folder = ProjectFiles.At("manifests", "chart");

    /// <summary>The objects that the chart renders to.</summary>
    /// <param name="values">A values file's text, or empty.</param>
    public static IReadOnlyList<JsonObject> Render(string values = "")
    {
        var result = Template(values);
        Assert.True(result.ExitCode == 0, result.Errors);
        return [.. YamlText.ParseAll(result.Output)];
    }

    /// <summary><c>helm template</c>, however it ends.</summary>
    public static ToolResult Template(string values)
    {
        var file = Path.GetTempFileName();
        try
        {
            File.WriteAllText(file, values);
            return Run("template", "loadbalancer", Folder, "-f", file);
        }
        finally
        {
            File.Delete(file);
        }
    }

    public static ToolResult Run(params string[] arguments)
    {
        var program = Environment.GetEnvironmentVariable("HELM");
        Assert.SkipWhen(string.IsNullOrEmpty(program), "HELM is not set: it names the program helm (3 or 4), with which the chart is rendered");
        return Tool.Try(program!, arguments);
    }
}
