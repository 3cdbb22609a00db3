using LoadBalancer.LocalCluster.ApiServer.Json;

namespace LoadBalancer.Manifests.Tests;

/// <summary>The component kernel: what the kernel's part needs and nothing else; the base has none of it.</summary>
public sealed class KernelComponentTests
{
    [Fact]
    public void Component_AddsTwoCapabilities_AndTheBpfFileSystem()
    {
        var workload = Component.Render("kernel").Single(o => o.Text("kind") == "DaemonSet");
        var (pod, speaker) = (Manifests.PodSpec(workload), Manifests.Container(workload));

        Assert.Equal(["NET_RAW", "BPF", "NET_ADMIN"], speaker.Strings("securityContext", "capabilities", "add"));
        Assert.Equal("/sys/fs/bpf", speaker.Objects("volumeMounts").Single(mount => mount.Text("name") == "bpf").Text("mountPath"));
        Assert.Equal("/sys/fs/bpf", pod.Objects("volumes").Single(volume => volume.Text("name") == "bpf").Text("hostPath", "path"));
    }

    [Fact]
    public void OtherWorkloads_AreAsInTheBase()
    {
        var component = Component.Render("kernel").Single(o => o.Text("kind") == "Deployment");
        var other = Component.Render("own-lease").Single(o => o.Text("kind") == "Deployment");

        Assert.Equal(other.ToJsonString(), component.ToJsonString());
    }
}
