using System.Text.Json.Nodes;
using LoadBalancer.LocalCluster.ApiServer.Json;
using LoadBalancer.LocalCluster.Isolation;
using LoadBalancer.LocalCluster.Programs;
using LoadBalancer.LocalCluster.Workloads;
using LocalClusterOf = LoadBalancer.LocalCluster.Cluster;

namespace LoadBalancer.Cluster.Tests.Stack;

/// <summary>Kustomizations applied to the shared cluster with kubectl, and the pods that run in their place; all of it goes with this.</summary>
/// <param name="cluster">The cluster.</param>
/// <param name="folders">The kustomizations, below <c>manifests/</c>.</param>
public sealed class AppliedManifests(LocalClusterOf cluster, params string[] folders) : IAsyncDisposable
{
    private readonly List<(string Namespace, Pod Pod)> _pods = [];

    public LocalClusterOf Cluster => cluster;

    public void Apply()
    {
        foreach (string folder in folders)
        {
            Kubectl("apply", "-k", Path.Combine(ProgramFile.Root, "manifests", folder));
        }
    }

    /// <summary>The pod template of a Deployment or DaemonSet, as the API server has it.</summary>
    public async Task<JsonObject> TemplateAsync(string space, string plural, string name) =>
        (await cluster.Api.GetAsync($"/apis/apps/v1/namespaces/{space}/{plural}/{name}"))["spec"].Map("template")!.DeepClone().AsObject();

    /// <summary>Reports a pod that was started.</summary>
    public async Task AddAsync(Pod pod, string space)
    {
        _pods.Add((space, pod));
        await cluster.AddAsync(pod, space);
    }

    public async ValueTask DisposeAsync()
    {
        foreach ((string space, Pod pod) in _pods)
        {
            await cluster.RemoveAsync(pod, space);
        }

        foreach (string folder in folders)
        {
            Kubectl("delete", "--wait=false", "--ignore-not-found", "-k", Path.Combine(ProgramFile.Root, "manifests", folder));
        }
    }

    private void Kubectl(params string[] arguments)
    {
        Assert.SkipWhen(Tool.Find("kubectl") is null, "kubectl is not installed");
        Tool.Run("kubectl", ["--kubeconfig", cluster.AdminKubeconfig, "--cache-dir", $"{PrivateRun.Folder}/kubectl", .. arguments]);
    }
}
