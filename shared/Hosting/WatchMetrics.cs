using LoadBalancer.Kubernetes.ListWatch;
using Prometheus;

namespace LoadBalancer.Hosting;

/// <summary>What the reflectors go through.</summary>
public sealed class WatchMetrics : IReflectorObserver
{
    private static readonly Counter Lists = Metrics.CreateCounter(
        "loadbalancer_api_lists_total", "Complete LISTs of a kind of object.", "kind");

    private static readonly Gauge Objects = Metrics.CreateGauge(
        "loadbalancer_api_listed_objects", "Objects in the last complete LIST.", "kind");

    private static readonly Counter Events = Metrics.CreateCounter(
        "loadbalancer_api_watch_events_total", "Lines received on watches.", "kind", "type");

    private static readonly Counter Faults = Metrics.CreateCounter(
        "loadbalancer_api_watch_faults_total", "LISTs and watches that failed, by reason.", "kind", "fault");

    private WatchMetrics()
    {
    }

    /// <summary>The one there is: what is counted is the program's.</summary>
    public static WatchMetrics Instance { get; } = new();

    /// <inheritdoc/>
    public void Listed(string kind, int objects)
    {
        Lists.WithLabels(kind).Inc();
        Objects.WithLabels(kind).Set(objects);
    }

    /// <inheritdoc/>
    public void Watching(string kind)
    {
        // Whether a watch is open says little; its faults do.
    }

    /// <inheritdoc/>
    public void Received(string kind, WatchEventType type) => Events.WithLabels(kind, type.ToString()).Inc();

    /// <inheritdoc/>
    public void Failed(string kind, ReflectorFault fault) => Faults.WithLabels(kind, fault.ToString()).Inc();
}
