using LoadBalancer.LocalCluster.ApiServer.Json;
using LoadBalancer.Manifests.Tests.Stack;

namespace LoadBalancer.Manifests.Tests;

/// <summary>docs/versions.md speaks of the versions that the manifests have.</summary>
public sealed class VersionsPageTests
{
    public static TheoryData<string> Folders => ["ingress-nginx", "metrics-server", "monitoring", "kubernetes-1.20/ingress-nginx", "kubernetes-1.20/metrics-server", "kubernetes-1.20/monitoring"];

    [Theory]
    [MemberData(nameof(Folders))]
    public void Image_OfAnotherProject_IsOnThePageInItsVersion(string folder)
    {
        var page = ProjectFiles.Read("docs", "versions.md");
        Assert.All(Kustomization.Of(folder).Pods.SelectMany(pod => pod.AllContainers).Select(container => container.Text("image")), image =>
        {
            var row = page.Split('\n').Where(line => line.StartsWith("| ", StringComparison.Ordinal) && Names(image).Any(name => line.Split('|')[1].Contains(name, StringComparison.OrdinalIgnoreCase)));
            Assert.Contains(row, line => line.Contains($" {image.Split(':')[^1]}", StringComparison.Ordinal));
        });
    }

    [Fact]
    public void Helm_OfTheOperator_IsOnThePageInItsVersion()
    {
        var values = ProjectFiles.Read("manifests", "kube-prometheus-stack", "values.yaml");
        var version = values.Split("--version ")[1].Split(' ')[0];
        Assert.Contains($"| kube-prometheus-stack | {version} |", ProjectFiles.Read("docs", "versions.md"), StringComparison.Ordinal);
    }

    /// <summary><c>registry.k8s.io/ingress-nginx/controller:v1</c> is called by its folder or by its last name.</summary>
    private static string[] Names(string image) => image.Split(':')[0].Split('/')[^2..];
}
