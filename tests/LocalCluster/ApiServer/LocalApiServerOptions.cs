using System.Net;
using System.Net.Sockets;

namespace LoadBalancer.LocalCluster.ApiServer;

/// <summary>How a <see cref="LocalApiServer"/> is set up.</summary>
public sealed record LocalApiServerOptions
{
    /// <summary>The addresses to listen on. The first one is the <see cref="IApiServer.Endpoint"/>; all are in the certificate.</summary>
    public IReadOnlyList<IPAddress> Addresses { get; init; } = [IPAddress.Loopback];

    /// <summary>The port on every address; 0 takes a free one at the first start and keeps it.</summary>
    public int Port { get; init; }

    /// <summary>
    /// Makes the listening socket, bound but not listening, for example in another network namespace. Null binds in this one.
    /// </summary>
    public Func<EndPoint, Socket>? CreateBoundSocket { get; init; }

    /// <summary>Connects to a port on the loopback of the pod with an address, as its kubelet does for <c>portforward</c>; null where there is none.</summary>
    public Func<string, int, CancellationToken, Task<Stream>>? ForwardPort { get; init; }

    /// <summary>The file with what a pod of a name writes, as its kubelet reads it for <c>log</c>; null where there is none.</summary>
    public Func<string, string>? LogFileOf { get; init; }

    /// <summary>A folder that gets <c>ca.crt</c> and <c>admin.kubeconfig</c> at the first start; null writes nothing.</summary>
    public string? StateFolder { get; init; }

    /// <summary>What <c>/version</c> says. Below 1.29 the server drops <c>ipMode</c>, as such servers do.</summary>
    public Version KubernetesVersion { get; init; } = new(1, 36, 2);

    /// <summary>The versions of <c>discovery.k8s.io</c> served; <c>["v1beta1"]</c> plays a server before 1.21.</summary>
    public IReadOnlyList<string> EndpointSliceVersions { get; init; } = ["v1"];

    /// <summary>Whether requests need a grant by stored RBAC objects. <c>admin</c> is in <c>system:masters</c> and may do everything.</summary>
    public bool EnforceRbac { get; init; } = true;

    /// <summary>The ranges cluster addresses come from; a second one of the other family makes the cluster dual-stack.</summary>
    public IReadOnlyList<IPNetwork> ServiceRanges { get; init; } = [IPNetwork.Parse("10.96.0.0/16")];

    /// <summary>The range node ports come from. The default holds 2,768: more Services with ports need more, or none.</summary>
    public (int First, int Last) NodePorts { get; init; } = (30_000, 32_767);

    /// <summary>How many changes of a kind a watch can go back; older versions are answered with 410.</summary>
    public int WatchHistory { get; init; } = 20_000;

    /// <summary>Where time comes from.</summary>
    public TimeProvider Time { get; init; } = TimeProvider.System;
}
