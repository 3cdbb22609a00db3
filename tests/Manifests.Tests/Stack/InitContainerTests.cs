using System.Text.Json.Nodes;
using LoadBalancer.LocalCluster.ApiServer.Json;
using LoadBalancer.LocalCluster.Isolation;

namespace LoadBalancer.Manifests.Tests.Stack;

/// <summary>The commands of the containers that run first, as a shell runs them.</summary>
public sealed class InitContainerTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("init-container-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void Grafana_WithoutItsSecret_WaitsAndSaysWhichCommandMakesIt()
    {
        var result = Tool.Try("timeout", ["2", .. Command("grafana", "admin-secret", "/admin")]);
        Assert.Equal(124, result.ExitCode);
        Assert.Contains("Waiting for the Secret grafana-admin", result.Output, StringComparison.Ordinal);
        var command = result.Output.Split('\n').Single(line => line.Contains("kubectl", StringComparison.Ordinal)).Trim();
        Assert.Contains(command, ProjectFiles.Read("docs", "getting-started.md"), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("", "secret")]
    [InlineData("admin", "")]
    public void Grafana_WithHalfASecret_WaitsStill(string user, string password)
    {
        File.WriteAllText(Path.Combine(_folder, "user"), user);
        File.WriteAllText(Path.Combine(_folder, "password"), password);
        Assert.Equal(124, Tool.Try("timeout", ["1", .. Command("grafana", "admin-secret", "/admin")]).ExitCode);
    }

    [Fact]
    public void Grafana_WithItsSecret_GoesOn()
    {
        File.WriteAllText(Path.Combine(_folder, "user"), "admin");
        File.WriteAllText(Path.Combine(_folder, "password"), "secret");
        Assert.Equal(0, Tool.Try("timeout", ["5", .. Command("grafana", "admin-secret", "/admin")]).ExitCode);
    }

    [Theory]
    [InlineData("prometheus", "/prometheus", 65534)]
    [InlineData("grafana", "/var/lib/grafana", 472)]
    public void DataFolder_OfRoot_BelongsToTheProgramsUserAfterwards(string workload, string path, int user)
    {
        Assert.SkipUnless(Environment.UserName == "root", "chown takes root");
        File.WriteAllText(Path.Combine(_folder, "left-by-root"), "");
        Tool.Run("sh", Command(workload, "data-permissions", path)[1..]);
        Assert.Equal($"{user}:{user} 750\n{user}:{user} 644\n", Tool.Run("stat", ["-c", "%u:%g %a", _folder, Path.Combine(_folder, "left-by-root")]));
        var container = Manifests.PodSpec(Workload(workload)).Objects("containers").Single();
        Assert.Equal(user, container.Number("securityContext", "runAsUser"));
    }

    private static JsonObject Workload(string name) => Kustomization.Of("monitoring").Find("Deployment", "monitoring", name)!;

    private string[] Command(string workload, string container, string path)
    {
        var words = Manifests.PodSpec(Workload(workload)).Objects("initContainers").Single(c => c.Text("name") == container).Strings("command").ToArray();
        Assert.Equal(["sh", "-c"], words[..2]);
        return ["sh", "-c", words[2].Replace(path, _folder, StringComparison.Ordinal)];
    }
}
