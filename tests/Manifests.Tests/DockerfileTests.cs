using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using System.Xml.Linq;
using LoadBalancer.LocalCluster.ApiServer.Json;

namespace LoadBalancer.Manifests.Tests;

/// <summary>Images cannot be built in every place the tests run; what they say about the rest of the tree can be held against it.</summary>
public sealed partial class DockerfileTests
{
    public static TheoryData<string> Programs => ["controller", "speaker"];

    [Theory]
    [MemberData(nameof(Programs))]
    public void BaseImages_AreArgumentsPinnedToAnExactVersion(string program)
    {
        var lines = Lines(program);
        var arguments = lines.TakeWhile(line => !line.StartsWith("FROM ", StringComparison.Ordinal)).ToArray();
        Assert.NotEmpty(arguments);
        Assert.All(arguments, line => Assert.Matches(@"^ARG [A-Z]+=[a-z./-]+:\d+\.\d+\.\d+-[a-z-]+$", line));
        Assert.All(
            lines.Where(line => line.StartsWith("FROM ", StringComparison.Ordinal)),
            line => Assert.Matches(@"^FROM (--platform=\$BUILDPLATFORM )?\$\{(SDK|RUNTIME)\}( AS \w+)?$", line));
    }

    [Theory]
    [MemberData(nameof(Programs))]
    public void Sdk_IsThatOfTheTree(string program)
    {
        var sdk = JsonNode.Parse(ProjectFiles.Read("global.json"));
        var pinned = Version.Parse(SdkTag().Match(string.Join('\n', Lines(program))).Groups[1].Value);
        var wanted = Version.Parse(sdk.Text("sdk", "version"));
        Assert.Equal((wanted.Major, wanted.Minor), (pinned.Major, pinned.Minor));
        Assert.True(pinned >= wanted, $"global.json wants {wanted}, the image has {pinned}");
    }

    [Theory]
    [MemberData(nameof(Programs))]
    public void FinalStage_RunsTheProgramAsTheManifestDoes(string program)
    {
        var project = XDocument.Parse(ProjectFiles.Read(program, $"LoadBalancer.{(program == "speaker" ? "Speaker" : "Controller")}.csproj"));
        var executable = project.Descendants("AssemblyName").Single().Value;
        var container = Manifests.Container(Manifests.Workload(program));
        var user = container.Number("securityContext", "runAsUser")
            ?? Manifests.PodSpec(Manifests.Workload(program)).Number("securityContext", "runAsUser");
        var final = Lines(program).Reverse().TakeWhile(line => !line.StartsWith("FROM ", StringComparison.Ordinal)).Reverse().ToArray();
        Assert.Contains($"COPY --from=build /out/{executable} /{executable}", final);
        Assert.Contains($"USER {user}:{user}", final);
        Assert.Contains($"EXPOSE {container.Objects("ports").Single().Number("containerPort")}", final);
        Assert.Equal($"ENTRYPOINT [\"/{executable}\"]", final[^1]);

        // The runtime image has no shell, and what ran in it would need emulation for another architecture.
        Assert.DoesNotContain(final, line => line.StartsWith("RUN ", StringComparison.Ordinal));
    }

    [Theory]
    [MemberData(nameof(Programs))]
    public void Scripts_ThatTheImageIsBuiltWith_AreExecutable(string program)
    {
        var scripts = ScriptPath().Matches(string.Join('\n', Lines(program))).Select(match => match.Value).Distinct().ToArray();
        Assert.NotEmpty(scripts);
        Assert.All(scripts, script => Assert.True(File.GetUnixFileMode(ProjectFiles.At(script)).HasFlag(UnixFileMode.UserExecute), script));
    }

    private static string[] Lines(string program) => [.. ProjectFiles.Read($"Dockerfile.{program}").Split('\n')
        .Select(line => line.Trim()).Where(line => line.Length > 0 && !line.StartsWith('#'))];

    [GeneratedRegex(@"dotnet/sdk:([\d.]+)-")]
    private static partial Regex SdkTag();

    [GeneratedRegex(@"build/[\w-]+\.sh")]
    private static partial Regex ScriptPath();
}
