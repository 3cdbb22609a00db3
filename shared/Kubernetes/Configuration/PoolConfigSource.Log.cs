using LoadBalancer.Core.Pools;
using LoadBalancer.Kubernetes.Resources;
using Microsoft.Extensions.Logging;

namespace LoadBalancer.Kubernetes.Configuration;

public sealed partial class PoolConfigSource
{
    [LoggerMessage(1300, LogLevel.Information, "ConfigMap {ConfigMap} loaded: {Pools} pools, {Ranges} address ranges")]
    private partial void LogLoaded(ObjectKey configMap, int pools, int ranges);

    [LoggerMessage(1301, LogLevel.Error, "ConfigMap {ConfigMap} refused, problems: {Problems}. {Consequence}")]
    private partial void LogRefused(ObjectKey configMap, int problems, string consequence);

    [LoggerMessage(1302, LogLevel.Error, "ConfigMap {ConfigMap} was deleted. {Consequence}")]
    private partial void LogDeleted(ObjectKey configMap, string consequence);

    [LoggerMessage(1303, LogLevel.Warning, "ConfigMap {ConfigMap} does not exist: create it with the address pools under data.{DataKey}")]
    private partial void LogAbsent(ObjectKey configMap, string dataKey);

    [LoggerMessage(EventId = 1304, Message = "ConfigMap {ConfigMap}, {Problem}")]
    private partial void LogProblem(LogLevel level, ObjectKey configMap, ConfigProblem problem);
}
