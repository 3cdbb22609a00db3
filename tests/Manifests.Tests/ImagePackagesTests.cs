using System.Text.RegularExpressions;

namespace LoadBalancer.Manifests.Tests;

/// <summary><c>build/image-packages.lock</c>: what the images consist of beside the programs.</summary>
public sealed class ImagePackagesTests : IDisposable
{
    private static readonly string[][] Locked = [.. ProjectFiles.Read("build", "image-packages.lock").Split('\n')
        .Where(line => line.Length > 0 && !line.StartsWith('#')).Select(line => line.Split(' '))];

    private readonly FakeTools _tools = new("sh", "dirname", "rm", "mkdir", "grep", "sha256sum");

    [Fact]
    public void BothArchitectures_HaveTheSamePackagesInTheSameVersions()
    {
        var amd64 = Of("amd64");
        Assert.Contains(amd64, package => package.StartsWith("libssl3 ", StringComparison.Ordinal));
        Assert.Equal(amd64, Of("arm64"));

        // Debian builds a package anew for one architecture at times: +b1.
        static string[] Of(string architecture) =>
            [.. Locked.Where(package => package[0] == architecture).Select(package => $"{package[1]} {Regex.Replace(package[2], @"\+b\d+$", "")}")];
    }

    [Fact]
    public void Packages_AreThoseTheScriptNames()
    {
        var named = Regex.Match(ProjectFiles.Read("build", "image-packages.sh"), "^packages=\"([^\"]*)\"", RegexOptions.Multiline).Groups[1].Value;
        Assert.Equal(
            named.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries).Order(StringComparer.Ordinal),
            Locked.Select(package => package[1]).Distinct().Order(StringComparer.Ordinal));
    }

    [Fact]
    public void EachPackage_IsPinnedByHashAndFile() => Assert.All(Locked, package =>
    {
        Assert.Equal(5, package.Length);
        Assert.Matches("^[0-9a-f]{64}$", package[3]);
        var version = package[2][(package[2].IndexOf(':') + 1)..];
        Assert.Matches($"^debian(-security)?/pool/.*/{Regex.Escape($"{package[1]}_{version}_{package[0]}.deb")}$", package[4]);
    });

    [Fact]
    public async Task UnknownArchitecture_IsRefusedWithWhatIsKnown()
    {
        var (status, errors) = await _tools.RunAsync("image-packages.sh", ["riscv64", _tools.Folder]);
        Assert.Equal(2, status);
        Assert.Contains("say renew, or amd64|arm64 and a folder", errors);
    }

    public void Dispose() => _tools.Dispose();
}
