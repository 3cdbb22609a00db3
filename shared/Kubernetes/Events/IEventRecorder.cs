using LoadBalancer.Kubernetes.ListWatch;
using LoadBalancer.Kubernetes.Resources;

namespace LoadBalancer.Kubernetes.Events;

/// <summary>The object an Event is about.</summary>
/// <param name="ApiVersion">For example <c>v1</c>.</param>
/// <param name="Kind">For example <c>Service</c>.</param>
/// <param name="Key">Namespace and name.</param>
/// <param name="Uid">The object's uid; kubectl describe selects Events by it.</param>
public sealed record EventTarget(string ApiVersion, string Kind, ObjectKey Key, string Uid)
{
    /// <summary>An Event about a Service.</summary>
    public static EventTarget For(ServiceResource service) => new("v1", "Service", service.Key, service.Uid);

    /// <inheritdoc cref="For(ServiceResource)"/>
    public static EventTarget For(AnnouncedService service) => new("v1", "Service", service.Key, service.Uid);

    /// <summary>An Event about a Node; while its uid is not known its name stands in, as in the kubelet's Events.</summary>
    /// <param name="nodes">All Nodes.</param>
    /// <param name="name">The Node's name.</param>
    public static EventTarget ForNode(IStore<NodeResource> nodes, string name)
    {
        var key = new ObjectKey("", name);
        return new("v1", "Node", key, nodes.Get(key)?.Uid is { Length: > 0 } uid ? uid : name);
    }

    /// <summary>An Event about a ConfigMap.</summary>
    public static EventTarget For(ConfigMapResource configMap) => new("v1", "ConfigMap", configMap.Key, configMap.Uid);
}

/// <summary>The type of an Event (core/v1 Event).</summary>
public enum EventSeverity
{
    /// <summary>Information.</summary>
    Normal,

    /// <summary>Something to look at.</summary>
    Warning,
}

/// <summary>Writes Events. Never blocks and never throws: an Event that cannot be delivered after retries is logged and dropped.</summary>
public interface IEventRecorder
{
    /// <summary>
    /// Records one Event. The same target, reason and message again within ten minutes raises the count of the first instead of
    /// adding another.
    /// </summary>
    /// <param name="target">What it is about.</param>
    /// <param name="severity">Normal or Warning.</param>
    /// <param name="reason">UpperCamelCase or, where MetalLB has it so, lowerCamelCase; at most 128 characters.</param>
    /// <param name="message">For people; cut at 1,024 characters.</param>
    void Record(EventTarget target, EventSeverity severity, string reason, string message);

    /// <summary>
    /// Says that what an earlier Event told is still so. The API server forgets an Event an hour after its last change; whoever has
    /// something to say that must not be forgotten repeats it every <see cref="RepeatPeriod"/>. The Event's count is raised; one that is
    /// gone is written again with the time since when it holds.
    /// </summary>
    /// <param name="target">What it is about.</param>
    /// <param name="severity">Normal or Warning.</param>
    /// <param name="reason">As recorded.</param>
    /// <param name="message">As recorded.</param>
    /// <param name="age">For how long it has been so.</param>
    void Repeat(EventTarget target, EventSeverity severity, string reason, string message, TimeSpan age);

    /// <summary>How often a state that lasts is repeated: well within the hour for which an API server keeps Events.</summary>
    static readonly TimeSpan RepeatPeriod = TimeSpan.FromMinutes(40);
}
