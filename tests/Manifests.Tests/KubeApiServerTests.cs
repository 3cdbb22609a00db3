using LoadBalancer.LocalCluster.ApiServer;
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
        Assert.SkipWhen(RealApiServerOptions.AssetsFromEnvironment is null, "KUBEBUILDER_ASSETS is not set: the manifests were not applied to a kube-apiserver");
        await using var server = new RealApiServer(new RealApiServerOptions { AssetsFolder = RealApiServerOptions.AssetsFromEnvironment! });
        await server.StartAsync();
        var folder = Directory.CreateTempSubdirectory("every-object-");
        try
        {
            var kubeconfig = server.WriteKubeconfig(Path.Combine(folder.FullName, "admin"));
            var everything = Component.Names.SelectMany(Component.Render).Concat(Kustomization.Applied.Select(row => row.Data)
                .Where(name => name != "kube-prometheus-stack" /* kinds of the operator's */).SelectMany(name => Kustomization.Of(name).Objects));
            foreach (var objects in everything.GroupBy(o => o.Text("kind") == "Namespace").OrderByDescending(group => group.Key))
            {
                foreach (var o in objects)
                {
                    Tool.Run("kubectl", ["--kubeconfig", kubeconfig, "apply", "--server-side", "--force-conflicts", "--validate=strict", "-f", "-"], o.ToJsonString());
                }
            }
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }
}
