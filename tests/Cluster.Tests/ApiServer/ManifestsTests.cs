using LoadBalancer.LocalCluster.Isolation;
using LoadBalancer.LocalCluster.Programs;

namespace LoadBalancer.Cluster.Tests.ApiServer;

/// <summary>Every kustomization goes through <c>kubectl apply -k</c>, and a second time without a change.</summary>
public sealed class ManifestsTests(ServersUnderTest servers)
{
    /// <summary>The kinds of the Prometheus operator, as its chart installs them; what is in them is checked in Manifests.Tests.</summary>
    private const string OperatorKinds =
        """
        apiVersion: apiextensions.k8s.io/v1
        kind: CustomResourceDefinition
        metadata: {name: PLURAL.monitoring.coreos.com}
        spec:
          group: monitoring.coreos.com
          scope: Namespaced
          names: {kind: KIND, listKind: KINDList, plural: PLURAL, singular: SINGULAR}
          versions:
          - name: v1
            served: true
            storage: true
            schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}
        """;

    private static readonly string[] Folders =
        ["loadbalancer", "ingress-nginx", "monitoring", "kube-prometheus-stack", "metrics-server", "metrics-server/verified-kubelets", "examples", "examples/springboot"];

    public static TheoryData<string> Servers => ServersUnderTest.All;

    [Theory]
    [MemberData(nameof(Servers))]
    public async Task EveryKustomization_IsAccepted_AndChangesNothingTheSecondTime(string server)
    {
        Assert.SkipWhen(Tool.Find("kubectl") is null, "kubectl is not installed");
        string kubeconfig = await servers.KubeconfigAsync(server);
        string cache = Directory.CreateTempSubdirectory("kubectl-").FullName;
        string Kubectl(string? input, params string[] arguments) => Tool.Run("kubectl", ["--kubeconfig", kubeconfig, "--cache-dir", cache, .. arguments], input);
        foreach (string kind in (string[])["ServiceMonitor", "PodMonitor", "PrometheusRule"])
        {
            string singular = kind.ToLowerInvariant();
            Kubectl(OperatorKinds.Replace("PLURAL", $"{singular}s", StringComparison.Ordinal).Replace("SINGULAR", singular, StringComparison.Ordinal)
                .Replace("KIND", kind, StringComparison.Ordinal), "apply", "-f", "-");
        }

        Kubectl(null, "wait", "--for=condition=Established", "crd", "--all", "--timeout=20s");
        foreach (string folder in Folders)
        {
            string path = Path.Combine(ProgramFile.Root, "manifests", folder);
            Kubectl(null, "apply", "-k", path);
            string second = Kubectl(null, "apply", "-k", path);
            Assert.All(second.Split('\n', StringSplitOptions.RemoveEmptyEntries), line => Assert.EndsWith(" unchanged", line, StringComparison.Ordinal));
        }

        foreach (string folder in Folders.Reverse())
        {
            Kubectl(null, "delete", "--wait=false", "--ignore-not-found", "-k", Path.Combine(ProgramFile.Root, "manifests", folder));
        }

        Directory.Delete(cache, recursive: true);
    }
}
