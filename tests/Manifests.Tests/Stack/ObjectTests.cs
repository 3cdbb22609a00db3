using System.Text.Json.Nodes;
using LoadBalancer.LocalCluster.ApiServer.Json;
using LoadBalancer.LocalCluster.ApiServer.Kinds;
using LoadBalancer.LocalCluster.ApiServer.Schemas;

namespace LoadBalancer.Manifests.Tests.Stack;

/// <summary>Each rendered object by itself: its schema, its images, its containers.</summary>
public sealed class ObjectTests
{
    private static readonly KindTable Kinds = new(["v1"]);
    private static readonly string[] UnlikelyToNeedOne = ["Namespace", "PersistentVolume", "IngressClass", "ClusterRole", "ClusterRoleBinding", "APIService"];

    public static TheoryData<string> Folders => [.. Kustomization.Folders];

    public static TheoryData<string> Applied => Kustomization.Applied;

    [Theory]
    [MemberData(nameof(Folders))]
    public void Object_ReadAsTheApiServerReadsIt_HasOnlyKnownFieldsOfTheRightTypes(string folder)
    {
        // A component may have nothing but patches: what counts is what comes of them.
        var objects = folder.Contains("/components/", StringComparison.Ordinal)
            ? Component.Render(Path.GetFileName(folder)) : Kustomization.Of(folder).Objects;
        Assert.NotEmpty(objects);
        Assert.All(objects, o =>
        {
            var apiVersion = o.Text("apiVersion");
            if (OperatorSchemas.Group == apiVersion.Split('/')[0])
            {
                Assert.Empty(TypedDecoder.Clean((JsonObject)o.DeepClone(), OperatorSchemas.Of(o.Text("kind"))));
                return;
            }

            var kind = Kinds.Kinds.SingleOrDefault(kind => kind.ApiVersion == apiVersion && kind.Kind == o.Text("kind"));
            Assert.True(kind?.Schema is not null, $"{Manifests.Title(o)}: {apiVersion} is no kind of the API");
            Assert.Empty(TypedDecoder.Clean((JsonObject)o.DeepClone(), kind!.Schema!));
            Assert.Equal(kind.Namespaced, o.Text("metadata", "namespace").Length > 0);
        });
    }

    [Theory]
    [MemberData(nameof(Applied))]
    public void Objects_AreNamedOnceAndLabelled(string folder)
    {
        var objects = Kustomization.Of(folder).Objects;
        Assert.Equal(objects.Count, objects.Select(Manifests.Title).Distinct().Count());
        Assert.All(objects, o => Assert.True(o.Text("metadata", "labels", "app.kubernetes.io/name").Length > 0, Manifests.Title(o)));
        Assert.All(objects.Where(o => o.Text("metadata", "namespace").Length == 0), o => Assert.Contains(o.Text("kind"), UnlikelyToNeedOne));
        Assert.DoesNotContain(objects, o => o.Text("kind") == "Secret");
    }

    [Theory]
    [MemberData(nameof(Applied))]
    public void Image_IsPinnedByAVersion(string folder) => Assert.All(Containers(folder), container =>
    {
        Assert.Matches(@"^[a-z0-9.-]+\.[a-z]+/[a-z0-9./-]+:v?\d+\.\d+\.\d+$", container.Text("image"));
        Assert.Equal("IfNotPresent", container.Text("imagePullPolicy"));
    });

    [Theory]
    [MemberData(nameof(Applied))]
    public void Container_HasRequestsAndAMemoryLimit(string folder) => Assert.All(Containers(folder), container => Assert.All(
        [["requests", "cpu"], ["requests", "memory"], ["limits", "memory"]],
        (string[] path) => Assert.True(container.At("resources").Text(path).Length > 0, $"{container.Text("name")} has no {string.Join('.', path)}")));

    [Theory]
    [MemberData(nameof(Applied))]
    public void Container_MayDoNothingItNeedNot(string folder) => Assert.All(Kustomization.Of(folder).Pods, pod =>
    {
        Assert.Equal("RuntimeDefault", pod.Spec.Text("securityContext", "seccompProfile", "type"));
        Assert.All(pod.AllContainers, container =>
        {
            var name = container.Text("name");
            var context = container.At("securityContext");
            Assert.False(context.Flag("allowPrivilegeEscalation"), $"{pod.Title}/{name}");
            Assert.Null(context.Flag("privileged"));
            Assert.Equal(["ALL"], context.Strings("capabilities", "drop"));
            Assert.Equal(
                name switch { "data-permissions" => ["CHOWN", "DAC_OVERRIDE", "FOWNER"], "controller" => ["NET_BIND_SERVICE"], _ => [] },
                context.Strings("capabilities", "add"));
            Assert.Equal(name != "controller", context.Flag("readOnlyRootFilesystem"));
            var user = context.Number("runAsUser") ?? pod.Spec.Number("securityContext", "runAsUser");
            Assert.Equal(name == "data-permissions", user == 0);
            Assert.Equal(name != "data-permissions", context.Flag("runAsNonRoot") ?? pod.Spec.Flag("securityContext", "runAsNonRoot") ?? false);
        });
    });

    [Theory]
    [MemberData(nameof(Applied))]
    public void Container_ThatServes_IsProbedOnAPortItHas(string folder) => Assert.All(Kustomization.Of(folder).Pods, pod => Assert.All(
        pod.Containers, container => Assert.All(["livenessProbe", "readinessProbe", "startupProbe"], probe =>
        {
            var port = container.Text(probe, "httpGet", "port") is { Length: > 0 } http ? http : container.Text(probe, "tcpSocket", "port");
            Assert.True(port.Length == 0 || pod.HasPort(port), $"{pod.Title}: {probe} asks the port {port}");
        })));

    [Fact]
    public void Monitoring_RunsOnTheNodesWithTheLabel_ButNodeExporterOnAll()
    {
        var monitoring = Kustomization.Of("monitoring");
        Assert.All(["prometheus", "alertmanager", "grafana"], name =>
            Assert.Equal("monitoring", Manifests.PodSpec(monitoring.Find("Deployment", "monitoring", name)!).At("nodeSelector").Text("system.rule")));
        var exporter = Manifests.PodSpec(monitoring.Find("DaemonSet", "monitoring", "node-exporter")!);
        Assert.Equal("", exporter.At("nodeSelector").Text("system.rule"));
        Assert.Equal("Exists", Assert.Single(exporter.Objects("tolerations")).Text("operator"));
    }

    [Fact]
    public void MetricsServer_LivesOnTheHostsNetworkBesideTheKubelet()
    {
        var spec = Manifests.PodSpec(Kustomization.Of("metrics-server").Find("Deployment", "kube-system", "metrics-server")!);
        Assert.True(spec.Flag("hostNetwork"));
        var arguments = spec.Objects("containers").Single().Strings("args").ToArray();
        Assert.Contains("--secure-port=4443", arguments);
        Assert.Contains("--kubelet-insecure-tls", arguments);
        var verified = Manifests.PodSpec(Kustomization.Of("metrics-server/verified-kubelets").Find("Deployment", "kube-system", "metrics-server")!);
        Assert.DoesNotContain("--kubelet-insecure-tls", verified.Objects("containers").Single().Strings("args"));
    }

    private static IEnumerable<JsonObject> Containers(string folder) => Kustomization.Of(folder).Pods.SelectMany(pod => pod.AllContainers);
}
