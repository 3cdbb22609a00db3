using System.Xml.Linq;
using LoadBalancer.LocalCluster.ApiServer.Json;

namespace LoadBalancer.Manifests.Tests;

/// <summary>Images cannot be built in every place the tests run; what they say about the rest of the tree can be held against it.</summary>
public sealed class DockerfileTests
{
    public static TheoryData<string> Programs => ["controller", "speaker"];

    /// <summary>A base image would be another's, and what ran in it would differ from day to day and need emulation for another architecture.</summary>
    [Theory]
    [MemberData(nameof(Programs))]
    public void Image_ConsistsOfOneArchiveAndNothingRunsInIt(string program)
    {
        var lines = Lines(program);
        Assert.Equal("FROM scratch", lines[0]);
        Assert.Equal([$"ADD {program}-${{TARGETARCH}}.tar /"], lines.Where(line => line.Split(' ')[0] is "FROM" or "ADD" or "COPY" or "RUN").Skip(1));
    }

    [Theory]
    [MemberData(nameof(Programs))]
    public void Image_RunsTheProgramAsTheManifestDoes(string program)
    {
        var project = XDocument.Parse(ProjectFiles.Read(program, $"LoadBalancer.{(program == "speaker" ? "Speaker" : "Controller")}.csproj"));
        var executable = project.Descendants("AssemblyName").Single().Value;
        var container = Manifests.Container(Manifests.Workload(program));
        var user = container.Number("securityContext", "runAsUser")
            ?? Manifests.PodSpec(Manifests.Workload(program)).Number("securityContext", "runAsUser");
        var lines = Lines(program);
        Assert.Contains($"USER {user}:{user}", lines);
        Assert.Contains($"EXPOSE {container.Objects("ports").Single().Number("containerPort")}", lines);
        Assert.Equal($"ENTRYPOINT [\"/{executable}\"]", lines[^1]);
    }

    [Theory]
    [MemberData(nameof(Programs))]
    public void Labels_AreThoseOfTheImageSpecification(string program)
    {
        var text = ProjectFiles.Read($"Dockerfile.{program}");
        Assert.All(
            [$"title=\"loadbalancer-{program}\"", "description=", "licenses=\"Apache-2.0\"", "version=\"${VERSION}\"", "revision=\"${REVISION}\"", "created=\"${CREATED}\""],
            label => Assert.Contains($"org.opencontainers.image.{label}", text));
    }

    private static string[] Lines(string program) => [.. ProjectFiles.Read($"Dockerfile.{program}").Split('\n')
        .Select(line => line.Trim()).Where(line => line.Length > 0 && !line.StartsWith('#'))];
}
