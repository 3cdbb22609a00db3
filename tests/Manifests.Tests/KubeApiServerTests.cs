using LoadBalancer.LocalCluster.ApiServer.Json;
using LoadBalancer.LocalCluster.Isolation;
using LoadBalancer.Manifests.Tests.Stack;

namespace LoadBalancer.Manifests.Tests;

/// <summary>A real kube-apiserver takes every object, with what its own checks know beyond the schema.</summary>
public sealed class KubeApiServerTests
{
    [Fact]
    public async Task KubeApiServer_TakesEveryObject()
    {
        await using var server = await AskedApiServer.StartAsync(real: true, "the manifests were not applied to a kube-apiserver");
        var everything = Component.Names.SelectMany(Component.Render).Concat(Kustomization.Applied.Select(row => row.Data)
            .Where(name => name != "kube-prometheus-stack" /* kinds of the operator's */).SelectMany(name => Kustomization.Of(name).Objects));
        foreach (var objects in everything.GroupBy(o => o.Text("kind") == "Namespace").OrderByDescending(group => group.Key))
        {
            foreach (var o in objects)
            {
                Tool.Run("kubectl", ["--kubeconfig", server.Kubeconfig, "apply", "--server-side", "--force-conflicts", "--validate=strict", "-f", "-"], o.ToJsonString());
            }
        }
    }
}
