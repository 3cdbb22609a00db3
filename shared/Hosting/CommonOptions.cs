using System.Net;
using Microsoft.Extensions.Logging;

namespace LoadBalancer.Hosting;

/// <summary>The settings both programs have; <see cref="ProgramCommand"/> reads them.</summary>
public sealed record CommonOptions
{
    /// <summary>The kubeconfig file, or null: in-cluster, then <c>$KUBECONFIG</c>, then <c>~/.kube/config</c>.</summary>
    public string? Kubeconfig { get; init; }

    /// <summary>The namespace of the ConfigMap, the heartbeat key and the Leases.</summary>
    public required string Namespace { get; init; }

    /// <summary>The name of the ConfigMap with the pools, under its key <c>config</c>.</summary>
    public required string ConfigMap { get; init; }

    /// <summary>Which <c>spec.loadBalancerClass</c> is served; null serves the Services without a class.</summary>
    public string? LoadBalancerClass { get; init; }

    /// <summary>The least severe level that is logged.</summary>
    public LogLevel LogLevel { get; init; } = LogLevel.Information;

    /// <summary>Where /healthz, /readyz, /metrics and /status are served.</summary>
    public required IPEndPoint Listen { get; init; }
}
