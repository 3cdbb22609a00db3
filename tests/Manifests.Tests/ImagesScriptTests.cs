namespace LoadBalancer.Manifests.Tests;

/// <summary><c>make images</c> with tools that only write down what they are asked to do.</summary>
public sealed class ImagesScriptTests : IDisposable
{
    private readonly FakeTools _tools = new("sh", "sed", "dirname");

    [Fact]
    public async Task Docker_IsTakenIfItsEngineRuns()
    {
        _tools.Add("docker");
        _tools.Add("podman");
        Assert.Equal(
            [
                "docker info",
                "docker build -f Dockerfile.controller -t localhost/loadbalancer/controller:0.1.0 .",
                "docker build -f Dockerfile.speaker -t localhost/loadbalancer/speaker:0.1.0 .",
            ],
            await CallsAsync());
    }

    [Theory]
    [InlineData("podman")]
    [InlineData("buildah")]
    public async Task AnotherTool_IsTakenIfDockerHasNoEngine(string tool)
    {
        _tools.Add("docker", exitStatus: 1);
        _tools.Add(tool);
        Assert.Equal(
            [
                "docker info",
                $"{tool} build -f Dockerfile.controller -t localhost/loadbalancer/controller:0.1.0 .",
                $"{tool} build -f Dockerfile.speaker -t localhost/loadbalancer/speaker:0.1.0 .",
            ],
            await CallsAsync());
    }

    [Fact]
    public async Task OtherBaseImages_AreHandedOn()
    {
        _tools.Add("podman");
        Assert.Equal(
            [
                "podman build --build-arg SDK=mirror.lan/sdk --build-arg LIBPCAP=libpcap0.8 -f Dockerfile.controller -t localhost/loadbalancer/controller:0.1.0 .",
                "podman build --build-arg SDK=mirror.lan/sdk --build-arg LIBPCAP=libpcap0.8 -f Dockerfile.speaker -t localhost/loadbalancer/speaker:0.1.0 .",
            ],
            await CallsAsync(("SDK", "mirror.lan/sdk"), ("LIBPCAP", "libpcap0.8")));
    }

    [Fact]
    public async Task Registry_TakesThePlaceOfTheHostAndGetsTheImages()
    {
        _tools.Add("podman");
        Assert.Equal(
            [
                "podman build -f Dockerfile.controller -t registry.lan:5000/loadbalancer/controller:0.1.0 .",
                "podman push registry.lan:5000/loadbalancer/controller:0.1.0",
                "podman build -f Dockerfile.speaker -t registry.lan:5000/loadbalancer/speaker:0.1.0 .",
                "podman push registry.lan:5000/loadbalancer/speaker:0.1.0",
            ],
            await CallsAsync(("REGISTRY", "registry.lan:5000")));
    }

    [Fact]
    public async Task Platforms_AreBuiltIntoOneManifest()
    {
        _tools.Add("buildah");
        Assert.Equal(
            [
                "buildah build --platform linux/amd64,linux/arm64 --manifest r/loadbalancer/controller:0.1.0 -f Dockerfile.controller .",
                "buildah manifest push --all r/loadbalancer/controller:0.1.0 docker://r/loadbalancer/controller:0.1.0",
            ],
            (await CallsAsync(("REGISTRY", "r"), ("PLATFORMS", "linux/amd64,linux/arm64"))).Take(2));
    }

    [Fact]
    public async Task NoTool_IsSaidWithWhatToInstall()
    {
        var (status, errors) = await _tools.RunAsync("images.sh", []);
        Assert.Equal(1, status);
        Assert.Contains("none of docker (with a running engine), podman, buildah is here; install one", errors);
    }

    public void Dispose() => _tools.Dispose();

    private async Task<string[]> CallsAsync(params (string Name, string Value)[] environment)
    {
        var (status, errors) = await _tools.RunAsync("images.sh", [], environment);
        Assert.True(status == 0, errors);
        return _tools.Calls;
    }
}
