using System.Text.Json.Nodes;
using System.Xml.Linq;
using LoadBalancer.LocalCluster.ApiServer.Json;

namespace LoadBalancer.Manifests.Tests;

public sealed class ContainerTests
{
    private static readonly string Version = XDocument.Parse(ProjectFiles.Read("Directory.Build.props")).Descendants("Version").Single().Value;

    public static TheoryData<string> Programs => ["controller", "speaker"];

    [Theory]
    [MemberData(nameof(Programs))]
    public void Image_IsThatOfThisVersion_CanOnlyBeLocal_AndIsNotPulledIfPresent(string program)
    {
        var container = Manifests.Container(Manifests.Workload(program));
        Assert.Equal($"localhost/loadbalancer/{program}:{Version}", container.Text("image"));
        Assert.Equal("IfNotPresent", container.Text("imagePullPolicy"));
    }

    [Theory]
    [MemberData(nameof(Programs))]
    public void Container_HasRequestsAndAMemoryLimitWithRoomButNoCpuLimit(string program)
    {
        var container = Manifests.Container(Manifests.Workload(program));
        Assert.NotEmpty(container.Text("resources", "requests", "cpu"));
        Assert.Equal("64Mi", container.Text("resources", "requests", "memory"));
        Assert.Equal("256Mi", container.Text("resources", "limits", "memory"));

        // A throttled speaker answers ARP seconds late; a throttled controller renews its Lease late.
        Assert.Null(container.At("resources", "limits", "cpu"));
    }

    [Theory]
    [MemberData(nameof(Programs))]
    public void Container_MayDoNothingButItsWork(string program)
    {
        JsonNode workload = Manifests.Workload(program);
        var context = Manifests.Container(workload).At("securityContext");
        Assert.False(context.Flag("allowPrivilegeEscalation"));
        Assert.True(context.Flag("readOnlyRootFilesystem"));
        Assert.Null(context.Flag("privileged"));
        Assert.Equal(["ALL"], context.Strings("capabilities", "drop"));
        Assert.Equal(program == "speaker" ? ["NET_RAW"] : [], context.Strings("capabilities", "add"));
        Assert.Equal("RuntimeDefault", Manifests.PodSpec(workload).Text("securityContext", "seccompProfile", "type"));
        Assert.All(["hostPID", "hostIPC"], field => Assert.Null(Manifests.PodSpec(workload).At(field)));
    }

    [Fact]
    public void Controller_MountsNothing() => Assert.Null(Manifests.PodSpec(Manifests.Workload("controller")).At("volumes"));

    // For a start while the API server is away. The Secret is made by the controller: the first speakers start without it.
    [Fact]
    public void Speaker_MountsTheHeartbeatKeyAndNothingElse()
    {
        var workload = Manifests.Workload("speaker");
        var volume = Assert.Single(Manifests.PodSpec(workload).Objects("volumes"));
        Assert.Equal("heartbeat-key", volume.Text("secret", "secretName"));
        Assert.True(volume.Flag("secret", "optional"));
        var mount = Assert.Single(Manifests.Container(workload).Objects("volumeMounts"));
        Assert.Equal(volume.Text("name"), mount.Text("name"));
        Assert.True(mount.Flag("readOnly"));
        Assert.Contains($"--heartbeat-key-mount={mount.Text("mountPath")}", Manifests.Container(workload).Strings("args"));
    }

    [Fact]
    public void Controller_RunsAsNobodyOnTheClusterNetwork()
    {
        var spec = Manifests.PodSpec(Manifests.Workload("controller"));
        Assert.True(spec.Flag("securityContext", "runAsNonRoot"));
        Assert.Equal(65534, spec.Number("securityContext", "runAsUser"));
        Assert.Null(spec.At("hostNetwork"));
    }

    [Fact]
    public void Controller_HasASpareOnAnotherNodeIfThereIsOne()
    {
        var deployment = Manifests.Workload("controller");
        Assert.Equal(2, deployment.Number("spec", "replicas"));
        Assert.Equal(0, deployment.Number("spec", "strategy", "rollingUpdate", "maxUnavailable"));
        var terms = Manifests.PodSpec(deployment).Objects("affinity", "podAntiAffinity", "preferredDuringSchedulingIgnoredDuringExecution");
        Assert.Equal("kubernetes.io/hostname", Assert.Single(terms).Text("podAffinityTerm", "topologyKey"));
    }

    [Fact]
    public void Speaker_RunsOnEveryNodeOneRestartAtATime()
    {
        var speaker = Manifests.Workload("speaker");
        var spec = Manifests.PodSpec(speaker);
        Assert.Equal("DaemonSet", speaker.Text("kind"));
        Assert.True(spec.Flag("hostNetwork"));
        Assert.Equal("ClusterFirstWithHostNet", spec.Text("dnsPolicy"));
        var toleration = Assert.Single(spec.Objects("tolerations"));
        Assert.Equal(("Exists", ""), (toleration.Text("operator"), toleration.Text("key")));
        Assert.Equal("RollingUpdate", speaker.Text("spec", "updateStrategy", "type"));
        Assert.Equal(1, speaker.Number("spec", "updateStrategy", "rollingUpdate", "maxUnavailable"));
        Assert.Equal("spec.nodeName", Manifests.Container(speaker).Objects("env").Single(e => e.Text("name") == "NODE_NAME")
            .Text("valueFrom", "fieldRef", "fieldPath"));
    }

    [Theory]
    [InlineData("controller", "system-cluster-critical")]
    [InlineData("speaker", "system-node-critical")]
    public void Pods_GoLastWhenANodeIsFull(string program, string priorityClass) =>
        Assert.Equal(priorityClass, Manifests.PodSpec(Manifests.Workload(program)).Text("priorityClassName"));

    [Theory]
    [MemberData(nameof(Programs))]
    public void GracePeriod_LeavesTheProgramsShutdownItsTime(string program) =>
        Assert.InRange(Manifests.PodSpec(Manifests.Workload(program)).Number("terminationGracePeriodSeconds") ?? 0, 25, 60);
}
