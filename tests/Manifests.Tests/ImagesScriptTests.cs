using System.Diagnostics;

namespace LoadBalancer.Manifests.Tests;

/// <summary><c>make images</c> with tools that only write down what they are asked to do.</summary>
public sealed class ImagesScriptTests : IDisposable
{
    private readonly DirectoryInfo _tools = Directory.CreateTempSubdirectory("images-script-");

    public ImagesScriptTests()
    {
        foreach (var name in new[] { "sh", "sed", "dirname" })
        {
            var program = new[] { "/bin", "/usr/bin" }.Select(folder => Path.Combine(folder, name)).First(File.Exists);
            File.CreateSymbolicLink(Path.Combine(_tools.FullName, name), program);
        }
    }

    [Fact]
    public async Task Docker_IsTakenIfItsEngineRuns()
    {
        AddTool("docker");
        AddTool("podman");
        Assert.Equal(
            [
                "docker info",
                "docker build -f Dockerfile.controller -t loadbalancer/controller:0.1.0 .",
                "docker build -f Dockerfile.speaker -t loadbalancer/speaker:0.1.0 .",
            ],
            await CallsAsync());
    }

    [Theory]
    [InlineData("podman")]
    [InlineData("buildah")]
    public async Task AnotherTool_IsTakenIfDockerHasNoEngine(string tool)
    {
        AddTool("docker", exitStatus: 1);
        AddTool(tool);
        Assert.Equal(
            [
                "docker info",
                $"{tool} build -f Dockerfile.controller -t loadbalancer/controller:0.1.0 .",
                $"{tool} build -f Dockerfile.speaker -t loadbalancer/speaker:0.1.0 .",
            ],
            await CallsAsync());
    }

    [Fact]
    public async Task OtherBaseImages_AreHandedOn()
    {
        AddTool("podman");
        Assert.Equal(
            [
                "podman build --build-arg SDK=mirror.lan/sdk --build-arg LIBPCAP=libpcap0.8 -f Dockerfile.controller -t loadbalancer/controller:0.1.0 .",
                "podman build --build-arg SDK=mirror.lan/sdk --build-arg LIBPCAP=libpcap0.8 -f Dockerfile.speaker -t loadbalancer/speaker:0.1.0 .",
            ],
            await CallsAsync(("SDK", "mirror.lan/sdk"), ("LIBPCAP", "libpcap0.8")));
    }

    [Fact]
    public async Task Registry_PrefixesTheNamesAndGetsTheImages()
    {
        AddTool("podman");
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
        AddTool("buildah");
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
        var (status, errors) = await RunAsync();
        Assert.Equal(1, status);
        Assert.Contains("none of docker (with a running engine), podman, buildah is here; install one", errors);
    }

    public void Dispose() => _tools.Delete(recursive: true);

    private void AddTool(string name, int exitStatus = 0)
    {
        var file = Path.Combine(_tools.FullName, name);
        File.WriteAllText(file, $"#!/bin/sh\necho {name} \"$@\" >> '{_tools.FullName}/calls'\nexit {exitStatus}\n");
        File.SetUnixFileMode(file, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
    }

    private async Task<string[]> CallsAsync(params (string Name, string Value)[] environment)
    {
        var (status, errors) = await RunAsync(environment);
        Assert.True(status == 0, errors);
        return await File.ReadAllLinesAsync(Path.Combine(_tools.FullName, "calls"), TestContext.Current.CancellationToken);
    }

    private async Task<(int Status, string Errors)> RunAsync(params (string Name, string Value)[] environment)
    {
        var start = new ProcessStartInfo("/bin/sh", [ProjectFiles.At("build", "images.sh")])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.Environment.Clear();
        start.Environment["PATH"] = _tools.FullName;
        foreach (var (name, value) in environment)
        {
            start.Environment[name] = value;
        }

        using var process = Process.Start(start)!;
        var output = process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        var errors = await process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        await output;
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);
        return (process.ExitCode, errors);
    }
}
