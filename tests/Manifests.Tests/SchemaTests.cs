using System.Text.Json.Nodes;
using LoadBalancer.LocalCluster.ApiServer.Json;
using LoadBalancer.LocalCluster.ApiServer.Kinds;
using LoadBalancer.LocalCluster.ApiServer.Schemas;

namespace LoadBalancer.Manifests.Tests;

/// <summary>Every object fits the official client's model of its kind: no unknown field, no value of a wrong type.</summary>
public sealed class SchemaTests
{
    private static readonly KindTable Kinds = new(["v1"]);

    public static TheoryData<string> Files => [.. Directory
        .EnumerateFiles(ProjectFiles.At("manifests"), "*.yaml", SearchOption.AllDirectories)
        // The chart and values.yaml are Helm's; the operator's kinds are checked where they are rendered (Stack/ObjectTests).
        .Where(file => !file.StartsWith(ProjectFiles.At("manifests", "chart"), StringComparison.Ordinal))
        .Where(file => Path.GetFileName(file) is not ("kustomization.yaml" or "values.yaml") && !File.ReadAllText(file).Contains("\napiVersion: monitoring.coreos.com/", StringComparison.Ordinal))
        .Select(file => Path.GetRelativePath(ProjectFiles.Root, file)).Order(StringComparer.Ordinal)];

    [Theory]
    [MemberData(nameof(Files))]
    public void File_ReadAsTheApiServerReadsIt_HasOnlyKnownFieldsOfTheRightTypes(string file)
    {
        var objects = YamlText.ParseAll(ProjectFiles.Read(file)).ToArray();
        Assert.NotEmpty(objects);
        Assert.All(objects, o =>
        {
            var apiVersion = o.Text("apiVersion").Split('/');
            var kind = Kinds.Kinds.SingleOrDefault(kind =>
                kind.Group == (apiVersion.Length == 2 ? apiVersion[0] : "") && kind.Version == apiVersion[^1] && kind.Kind == o.Text("kind"));
            Assert.True(kind?.Schema is not null, $"{file}: {o.Text("apiVersion")} {o.Text("kind")} is no kind of the API");
            Assert.Empty(TypedDecoder.Clean((JsonObject)o.DeepClone(), kind!.Schema!));
            Assert.Equal(kind.Namespaced, o.Text("metadata", "namespace").Length > 0);
        });
    }
}
