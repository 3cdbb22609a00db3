using LoadBalancer.LocalCluster;
using LoadBalancer.LocalCluster.Isolation;
using LoadBalancer.LocalCluster.Network;
using LoadBalancer.LocalCluster.Programs;

namespace LoadBalancer.Cluster.Tests.Assigning;

/// <summary>The user's own tool.</summary>
public sealed class KubectlTests(ClusterFixture fixture, ITestOutputHelper output) : ProgramTest(fixture, output)
{
    [Fact]
    public void ApplyOfTheManifests_IsAccepted_AndChangesNothingTheSecondTime()
    {
        string manifests = Path.Combine(ProgramFile.Root, "manifests/loadbalancer.yaml");
        Kubectl("apply", "-f", manifests);
        string second = Kubectl("apply", "-f", manifests);
        Assert.All(second.Split('\n', StringSplitOptions.RemoveEmptyEntries), line => Assert.EndsWith(" unchanged", line, StringComparison.Ordinal));
        Kubectl("apply", "-k", Path.Combine(ProgramFile.Root, "manifests/loadbalancer"));
    }

    [Fact]
    public async Task GetAndDescribe_ShowAddressAndEvents()
    {
        (string name, string address, Node owner) = await CreateAnnouncedServiceAsync();
        await Eventually.GetAsync(() => NodeInEventAsync(name), Soon, "an Event nodeAssigned");

        string table = Kubectl("get", "service", name);
        Figure(table);
        Assert.Matches($@"{name}\s+LoadBalancer\s+10\.\d+\.\d+\.\d+\s+{address}\s+80:\d+/TCP", table);
        string description = Kubectl("describe", "service", name);
        Figure(description);
        Assert.Contains("IPAllocated", description, StringComparison.Ordinal);
        Assert.Contains("nodeAssigned", description, StringComparison.Ordinal);
        Assert.Contains($"announcing from node \"{owner.Name}\"", description, StringComparison.Ordinal);
    }

    private string Kubectl(params string[] arguments)
    {
        Assert.SkipWhen(Tool.Find("kubectl") is null, "kubectl is not installed");
        return Tool.Run("kubectl", ["--kubeconfig", Cluster.AdminKubeconfig, "--cache-dir", $"{PrivateRun.Folder}/kubectl", .. arguments]);
    }
}
