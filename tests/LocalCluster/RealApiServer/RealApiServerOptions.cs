using System.Net;

namespace LoadBalancer.LocalCluster.ApiServer;

/// <summary>How a <see cref="RealApiServer"/> is set up.</summary>
public sealed record RealApiServerOptions
{
    /// <summary>The folder with <c>etcd</c> and <c>kube-apiserver</c>, the convention of envtest, and <c>kube-controller-manager</c> if there is one.</summary>
    public required string AssetsFolder { get; init; }

    /// <summary>The addresses clients use; one is bound as such, several by binding the any-address. All are in the certificate.</summary>
    public IReadOnlyList<IPAddress> Addresses { get; init; } = [IPAddress.Loopback];

    /// <summary>The port; 0 takes a free one and keeps it.</summary>
    public int Port { get; init; }

    /// <summary>The ranges cluster addresses come from; a second one of the other family makes the cluster dual-stack.</summary>
    public IReadOnlyList<IPNetwork> ServiceRanges { get; init; } = [IPNetwork.Parse("10.96.0.0/16")];

    /// <summary>Put before both command lines, for example <c>ip netns exec NAME</c>, to run them in another network namespace.</summary>
    public IReadOnlyList<string> CommandPrefix { get; init; } = [];

    /// <summary>The value of <c>KUBEBUILDER_ASSETS</c>, or null.</summary>
    public static string? AssetsFromEnvironment =>
        Environment.GetEnvironmentVariable("KUBEBUILDER_ASSETS") is { Length: > 0 } folder ? folder : null;
}
