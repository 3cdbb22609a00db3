using System.Collections.Concurrent;
using System.Text.Json.Nodes;
using LoadBalancer.LocalCluster.ApiServer.Json;
using LoadBalancer.LocalCluster.Isolation;

namespace LoadBalancer.Manifests.Tests.Stack;

/// <summary>A folder under <c>manifests/</c> as <c>kubectl apply -k</c> takes it: the rendered objects.</summary>
internal sealed class Kustomization
{
    private static readonly ConcurrentDictionary<string, Kustomization> Rendered = new(StringComparer.Ordinal);

    private Kustomization(string folder)
    {
        Folder = folder;
        ToolResult result = Tool.Try("kubectl", ["kustomize", ProjectFiles.At("manifests", folder)]);
        Assert.True(result.ExitCode == 0, $"manifests/{folder}: {result.Errors}");
        Objects = [.. YamlText.ParseAll(result.Output)];
    }

    /// <summary>Every folder with a kustomization, those that others are made of included.</summary>
    public static IEnumerable<string> Folders => Directory
        .EnumerateFiles(ProjectFiles.At("manifests"), "kustomization.yaml", SearchOption.AllDirectories)
        .Select(file => Path.GetRelativePath(ProjectFiles.At("manifests"), Path.GetDirectoryName(file)!)).Order(StringComparer.Ordinal);

    /// <summary>Those a user applies.</summary>
    public static TheoryData<string> Applied =>
        ["ingress-nginx", "monitoring", "kube-prometheus-stack", "metrics-server", "metrics-server/verified-kubelets", "examples", "examples/springboot", "examples/alerting"];

    public string Folder { get; }

    public IReadOnlyList<JsonObject> Objects { get; }

    /// <summary>Deployments and DaemonSets.</summary>
    public IEnumerable<JsonObject> Workloads => Objects.Where(o => o.Text("kind") is "Deployment" or "DaemonSet");

    /// <summary>All that runs: a pod's labels, its namespace and its spec.</summary>
    public IEnumerable<PodShape> Pods => Workloads
        .Select(o => new PodShape(Manifests.Title(o), o.Text("metadata", "namespace"), o.At("spec", "template", "metadata", "labels"), Manifests.PodSpec(o)))
        .Concat(OfKind("Pod").Select(o => new PodShape(Manifests.Title(o), o.Text("metadata", "namespace"), o.At("metadata", "labels"), o.At("spec")!)));

    public static Kustomization Of(string folder) => Rendered.GetOrAdd(folder, name => new Kustomization(name));

    public IEnumerable<JsonObject> OfKind(string kind) => Objects.Where(o => o.Text("kind") == kind);

    public JsonObject? Find(string kind, string ns, string name) =>
        Objects.SingleOrDefault(o => o.Text("kind") == kind && o.Text("metadata", "namespace") == ns && Manifests.Name(o) == name);
}

/// <summary>A pod that runs or will.</summary>
/// <param name="Title">The object it comes from, for messages.</param>
/// <param name="Namespace">Its namespace.</param>
/// <param name="Labels">Its labels.</param>
/// <param name="Spec">Its spec.</param>
internal sealed record PodShape(string Title, string Namespace, JsonNode? Labels, JsonNode Spec)
{
    public IEnumerable<JsonObject> Containers => Spec.Objects("containers");

    public IEnumerable<JsonObject> AllContainers => Spec.Objects("initContainers").Concat(Containers);

    public bool HasPort(string nameOrNumber) => Containers.SelectMany(container => container.Objects("ports"))
        .Any(port => port.Text("name") == nameOrNumber || port.At("containerPort")!.ToJsonString() == nameOrNumber);

    /// <summary>Whether all labels of a Service's plain selector are there.</summary>
    public bool IsSelectedBy(JsonObject selector) => selector.Count > 0 && selector.All(label => Labels.Text(label.Key) == label.Value.Text());
}
