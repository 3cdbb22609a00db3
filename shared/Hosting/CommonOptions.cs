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

    /// <summary>Where /metrics is served over TLS to whom the API server lets; null serves it at <see cref="Listen"/> to everybody.</summary>
    public IPEndPoint? SecureMetrics { get; init; }

    /// <summary>The folder with the certificate for that, <c>tls.crt</c> and <c>tls.key</c>; null for one the program signs itself.</summary>
    public string? SecureMetricsCertificate { get; init; }
}
