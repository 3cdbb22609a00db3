using System.ComponentModel;
using System.Diagnostics;
using System.Text.Json.Nodes;
using LoadBalancer.LocalCluster.ApiServer.Json;

namespace LoadBalancer.Manifests.Tests;

public sealed class KustomizationTests
{
    [Fact]
    public async Task RenderedFile_ComparedWithTheKustomization_IsEqual()
    {
        var (rendered, errors, status) = await KustomizeAsync(ProjectFiles.At("manifests", "loadbalancer"));
        Assert.True(status == 0, errors);
        Assert.True(
            rendered == ProjectFiles.Read("manifests", "loadbalancer.yaml"),
            "manifests/loadbalancer.yaml is not what manifests/loadbalancer renders to: run 'make manifests'.");
    }

    [Fact]
    public void EveryFileOfTheKustomization_ButTheExampleIsAResourceOfIt()
    {
        var kustomization = YamlText.Parse(ProjectFiles.Read("manifests", "loadbalancer", "kustomization.yaml"));
        var files = Directory.GetFiles(ProjectFiles.At("manifests", "loadbalancer"), "*.yaml").Select(file => Path.GetFileName(file)!);
        Assert.Equal(
            files.Except(["kustomization.yaml", "pool.example.yaml"]).Order(StringComparer.Ordinal),
            kustomization.Strings("resources").Order(StringComparer.Ordinal));
    }

    /// <summary>The kustomization that docs/install.md shows for a registry of one's own.</summary>
    [Fact]
    public async Task OverlayOfTheInstallPage_NamesTheOtherRegistry_WithTheSameVersion()
    {
        var page = ProjectFiles.Read("docs", "install.md");
        var overlay = page[page.IndexOf("# mine/kustomization.yaml", StringComparison.Ordinal)..];
        var folder = Directory.CreateTempSubdirectory("overlay-");
        try
        {
            await File.WriteAllTextAsync(
                Path.Combine(folder.FullName, "kustomization.yaml"),
                overlay[..overlay.IndexOf("```", StringComparison.Ordinal)]
                    .Replace("../manifests/loadbalancer", Path.GetRelativePath(folder.FullName, ProjectFiles.At("manifests", "loadbalancer")), StringComparison.Ordinal),
                TestContext.Current.CancellationToken);
            var (rendered, errors, status) = await KustomizeAsync(folder.FullName);
            Assert.True(status == 0, errors);
            Assert.Equal(
                Manifests.Workloads.Select(workload => Manifests.Container(workload).Text("image").Replace("localhost/", "registry.lan:5000/", StringComparison.Ordinal)),
                YamlText.ParseAll(rendered).Where(o => o.Text("kind") is "Deployment" or "DaemonSet").Select(workload => Manifests.Container(workload).Text("image")));
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    [Fact]
    public void Objects_AreNamedOnceAndLieInTheNamespaceOrInNone()
    {
        Assert.Equal(Manifests.Installed.Count, Manifests.Installed.Select(Manifests.Title).Distinct().Count());
        Assert.All(Manifests.Installed, o =>
        {
            var isClusterWide = o.Text("kind") is "Namespace" or "ClusterRole" or "ClusterRoleBinding";
            Assert.Equal(isClusterWide ? "" : Manifests.Namespace, o.Text("metadata", "namespace"));
            Assert.Equal("loadbalancer", o.Text("metadata", "labels", "app.kubernetes.io/name"));
        });
    }

    [Fact]
    public void Namespace_AllowsPodsOnTheHostNetwork()
    {
        JsonNode ns = Assert.Single(Manifests.OfKind("Namespace"));
        Assert.Equal(Manifests.Namespace, Manifests.Name(ns));
        Assert.Equal("privileged", ns.Text("metadata", "labels", "pod-security.kubernetes.io/enforce"));
    }

    private static async Task<(string Output, string Errors, int Status)> KustomizeAsync(string folder)
    {
        var start = new ProcessStartInfo("kubectl", ["kustomize", folder]) { RedirectStandardOutput = true, RedirectStandardError = true };
        try
        {
            using var process = Process.Start(start)!;
            var output = process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
            var errors = process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
            await process.WaitForExitAsync(TestContext.Current.CancellationToken);
            return (await output, await errors, process.ExitCode);
        }
        catch (Win32Exception error)
        {
            return ("", $"This test needs kubectl (Debian: kubernetes-client; 'make test' installs it): {error.Message}", -1);
        }
    }
}
