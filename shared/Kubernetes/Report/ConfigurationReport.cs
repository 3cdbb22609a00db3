using LoadBalancer.Core.Pools;
using LoadBalancer.Kubernetes.Configuration;
using LoadBalancer.Status;

namespace LoadBalancer.Kubernetes.Report;

/// <summary>The pools' configuration as <c>/status</c> tells it.</summary>
public static class ConfigurationReport
{
    /// <summary>The state of the ConfigMap.</summary>
    public static ConfigurationStatus Of(PoolConfigStatus status) => new()
    {
        State = status.State.ToString(),
        Problems = [.. status.Problems.Select(Of)],
    };

    private static ConfigurationProblem Of(ConfigProblem problem) => new()
    {
        Severity = problem.Severity.ToString(),
        Line = problem.Line,
        Column = problem.Column,
        Path = problem.Path,
        Message = problem.Message,
        Remedy = problem.Remedy,
    };
}
