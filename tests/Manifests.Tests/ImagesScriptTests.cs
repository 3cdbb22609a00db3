namespace LoadBalancer.Manifests.Tests;

/// <summary><c>make images</c> in a tree of its own, with tools that only write down what they are asked to do.</summary>
public sealed class ImagesScriptTests : IDisposable
{
    /// <summary>What the fakes do: they know no earlier image, and write the digest of what they pushed.</summary>
    private const string AsTheToolDoes =
        """
        [ "$1 $2" != "manifest exists" ] || exit 1
        while [ $# -gt 0 ]; do
            case $1 in
                --digestfile) echo sha256:0123 > "$2" ;;
                --metadata-file) echo '{ "containerimage.digest": "sha256:4567" }' > "$2" ;;
            esac
            shift
        done
        """;

    private const string Commit = "1f0e";
    private readonly FakeTools _tools = new("sh", "sed", "dirname", "tr", "cat", "rm", "mkdir", "date");
    private readonly string _tree;

    public ImagesScriptTests()
    {
        _tree = Path.Combine(_tools.Folder, "tree");
        Directory.CreateDirectory(Path.Combine(_tree, "build"));
        Directory.CreateDirectory(Path.Combine(_tree, "manifests"));
        File.Copy(ProjectFiles.At("build", "images.sh"), Script);
        File.Copy(ProjectFiles.At("manifests", "loadbalancer.yaml"), Path.Combine(_tree, "manifests", "loadbalancer.yaml"));
        _tools.AddAt(Path.Combine(_tree, "build", "prepare.sh"), "prepare.sh");
        _tools.AddAt(
            Path.Combine(_tree, "build", "image-root.sh"), "image-root.sh", script: "echo of $REVISION at $SOURCE_DATE_EPOCH >> environment");
        AddGit(changes: "");
    }

    private string Script => Path.Combine(_tree, "build", "images.sh");

    [Theory]
    [InlineData("buildah")]
    [InlineData("podman")]
    public async Task BothPrograms_AreBuiltForBothPlatforms(string tool)
    {
        _tools.Add("docker");
        _tools.Add(tool, script: AsTheToolDoes);
        Assert.Equal((string[])[.. Roots("controller"), .. Packed("controller"), .. Roots("speaker"), .. Packed("speaker")], await CallsAsync());
        Assert.Equal(["localhost/loadbalancer/controller@sha256:0123", "localhost/loadbalancer/speaker@sha256:0123"], Digests());

        string[] Packed(string program) =>
        [
            $"{tool} manifest rm localhost/loadbalancer/{program}:0.1.0",
            $"{tool} manifest exists localhost/loadbalancer/{program}:0.1.0",
            .. new[] { "amd64", "arm64" }.Select(architecture =>
                $"{tool} build --platform linux/{architecture} --format oci --identity-label=false --timestamp 1700000000 "
                + $"--manifest localhost/loadbalancer/{program}:0.1.0 {Arguments(program)}"),
            $"{tool} manifest push --all --digestfile artifacts/images/digest localhost/loadbalancer/{program}:0.1.0 "
                + $"oci-archive:artifacts/images/{program}.oci.tar:localhost/loadbalancer/{program}:0.1.0",
        ];
    }

    [Fact]
    public async Task Docker_IsTakenIfItsEngineRunsAndNothingElseIsHere()
    {
        _tools.Add("docker", script: AsTheToolDoes);
        Assert.Equal(
            (string[])["docker info", .. Roots("controller"), Packed("controller"), .. Roots("speaker"), Packed("speaker")], await CallsAsync());
        Assert.Equal(["localhost/loadbalancer/controller@sha256:4567", "localhost/loadbalancer/speaker@sha256:4567"], Digests());

        static string Packed(string program) =>
            $"docker buildx build --platform linux/amd64,linux/arm64 --provenance=false --sbom=false --output type=oci,dest=artifacts/images/{program}.oci.tar,"
            + $"name=localhost/loadbalancer/{program}:0.1.0,rewrite-timestamp=true --metadata-file artifacts/images/digest {Arguments(program)}";
    }

    [Fact]
    public async Task Registry_TakesThePlaceOfTheHostAndGetsTheImages()
    {
        _tools.Add("buildah", script: AsTheToolDoes);
        Assert.Contains(
            "buildah manifest push --all --digestfile artifacts/images/digest registry.lan:5000/loadbalancer/speaker:0.1.0 "
                + "docker://registry.lan:5000/loadbalancer/speaker:0.1.0",
            await CallsAsync(("REGISTRY", "registry.lan:5000")));
        Assert.Equal(["registry.lan:5000/loadbalancer/controller@sha256:0123", "registry.lan:5000/loadbalancer/speaker@sha256:0123"], Digests());
    }

    [Fact]
    public async Task Registry_GetsTheImagesFromDocker()
    {
        _tools.Add("docker", script: AsTheToolDoes);
        Assert.Contains(
            "docker buildx build --platform linux/amd64,linux/arm64 --provenance=false --sbom=false --output type=image,push=true,name=registry.lan:5000/loadbalancer/speaker:0.1.0,"
                + $"rewrite-timestamp=true --metadata-file artifacts/images/digest {Arguments("speaker")}",
            await CallsAsync(("REGISTRY", "registry.lan:5000")));
    }

    [Fact]
    public async Task OnePlatform_IsEnough()
    {
        _tools.Add("buildah", script: AsTheToolDoes);
        var calls = await CallsAsync(("PLATFORMS", "linux/arm64"));
        Assert.Equal(
            ["image-root.sh controller arm64 artifacts/images", "image-root.sh speaker arm64 artifacts/images"],
            calls.Where(call => call.StartsWith("image-root.sh", StringComparison.Ordinal)));
        Assert.Contains(calls, call => call.Contains(" --platform linux/arm64 ", StringComparison.Ordinal));
    }

    [Fact]
    public async Task TimesAndRevision_AreTheCommits()
    {
        _tools.Add("buildah", script: AsTheToolDoes);
        await CallsAsync();
        Assert.Equal(Enumerable.Repeat($"of {Commit} at 1700000000", 4), await EnvironmentsAsync());
    }

    [Fact]
    public async Task ChangesThatAreNotCommitted_MarkTheRevision()
    {
        AddGit(changes: " M speaker/Program.cs");
        _tools.Add("buildah", script: AsTheToolDoes);
        var calls = await CallsAsync();
        Assert.Equal(Enumerable.Repeat($"of {Commit}-dirty at 1700000000", 4), await EnvironmentsAsync());
        Assert.Contains(calls, call => call.Contains($" --build-arg REVISION={Commit}-dirty ", StringComparison.Ordinal));
    }

    /// <summary>Found with buildah: it does not remove by <c>rmi</c> what <c>manifest rm</c> removes, and the next build adds to it.</summary>
    [Fact]
    public async Task EarlierImages_ThatStayUnderTheName_AreRefused()
    {
        _tools.Add("buildah");
        var (status, errors) = await _tools.RunAsync(Script, []);
        Assert.Equal(1, status);
        Assert.Contains("buildah keeps an older localhost/loadbalancer/controller:0.1.0; what would work: ", errors);
        Assert.DoesNotContain(_tools.Calls, call => call.StartsWith("buildah build ", StringComparison.Ordinal));
    }

    [Fact]
    public async Task NoTool_IsSaidWithWhatToInstall()
    {
        _tools.Add("docker", exitStatus: 1);
        var (status, errors) = await _tools.RunAsync(Script, []);
        Assert.Equal(1, status);
        Assert.Contains("none of buildah, podman, docker (with a running engine) is here; install one", errors);
    }

    public void Dispose() => _tools.Dispose();

    private static string[] Roots(string program) =>
        [$"image-root.sh {program} amd64 artifacts/images", $"image-root.sh {program} arm64 artifacts/images"];

    private static string Arguments(string program) =>
        $"--build-arg VERSION=0.1.0 --build-arg REVISION={Commit} --build-arg CREATED=2023-11-14T22:13:20Z "
        + $"-f Dockerfile.{program} artifacts/images";

    private string[] Digests() => File.ReadAllLines(Path.Combine(_tree, "artifacts", "images", "digests.txt"));

    private Task<string[]> EnvironmentsAsync() =>
        File.ReadAllLinesAsync(Path.Combine(_tree, "environment"), TestContext.Current.CancellationToken);

    private void AddGit(string changes) => _tools.Add(
        "git", script: $"case $1 in rev-parse) echo {Commit} ;; log) echo 1700000000 ;; status) printf '%s' '{changes}' ;; esac; exit 0");

    /// <summary>Calls of git and of prepare.sh left out.</summary>
    private async Task<string[]> CallsAsync(params (string Name, string Value)[] environment)
    {
        var (status, errors) = await _tools.RunAsync(Script, [], environment);
        Assert.True(status == 0, errors);
        Assert.Contains("prepare.sh images", _tools.Calls);
        return [.. _tools.Calls.Where(call => call.Split(' ')[0] is not ("git" or "prepare.sh"))];
    }
}
