using System.Collections.Concurrent;
using System.Text.Json.Nodes;
using LoadBalancer.LocalCluster.ApiServer.Json;
using LoadBalancer.LocalCluster.Isolation;

namespace LoadBalancer.Manifests.Tests;

/// <summary>The opt-in parts in <c>manifests/loadbalancer/components</c>, as a kustomization takes them.</summary>
internal static class Component
{
    private static readonly ConcurrentDictionary<string, IReadOnlyList<JsonObject>> Rendered = new(StringComparer.Ordinal);

    public static IEnumerable<string> Names => Directory.GetDirectories(ProjectFiles.At("manifests", "loadbalancer", "components"))
        .Select(folder => Path.GetFileName(folder)!).Order(StringComparer.Ordinal);

    /// <summary>All objects of <c>manifests/loadbalancer</c> with one component switched on.</summary>
    public static IReadOnlyList<JsonObject> Render(string name) => Render("loadbalancer", name);

    /// <summary>All objects of a folder of <c>manifests</c> with one of its components switched on.</summary>
    public static IReadOnlyList<JsonObject> Render(string stack, string name) => Rendered.GetOrAdd($"{stack}/{name}", _ =>
    {
        var folder = Directory.CreateTempSubdirectory($"{name}-");
        try
        {
            string At(params ReadOnlySpan<string> path) => Path.GetRelativePath(folder.FullName, ProjectFiles.At(["manifests", stack, .. path]));
            File.WriteAllText(Path.Combine(folder.FullName, "kustomization.yaml"), $"""
                apiVersion: kustomize.config.k8s.io/v1beta1
                kind: Kustomization
                resources: [{At()}]
                components: [{At("components", name)}]
                """);
            return [.. YamlText.ParseAll(Tool.Run("kubectl", ["kustomize", folder.FullName]))];
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    });
}
