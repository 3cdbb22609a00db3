using System.Text.Json;
using LoadBalancer.Kubernetes.Client;
using LoadBalancer.Kubernetes.Resources;

namespace LoadBalancer.Kubernetes.Events;

/// <summary>core/v1 Event, written.</summary>
internal static class EventJson
{
    internal static ReadOnlyMemory<byte> Create(
        ObjectKey key, EventTarget target, EventSeverity severity, string reason, string message, EventSource source, DateTimeOffset first,
        DateTimeOffset last) =>
        JsonBody.Write(writer =>
        {
            writer.WriteStartObject();
            writer.WriteString("apiVersion", "v1");
            writer.WriteString("kind", "Event");
            writer.WriteStartObject("metadata");
            writer.WriteString("namespace", key.Namespace);
            writer.WriteString("name", key.Name);
            writer.WriteEndObject();
            WriteTarget(writer, target);
            writer.WriteString("type", severity == EventSeverity.Warning ? "Warning" : "Normal");
            writer.WriteString("reason", reason);
            writer.WriteString("message", message);
            writer.WriteTime("firstTimestamp", first);
            writer.WriteTime("lastTimestamp", last);
            writer.WriteNumber("count", first == last ? 1 : 2);
            writer.WriteStartObject("source");
            writer.WriteString("component", source.Component);
            writer.WriteString("host", source.Host);
            writer.WriteEndObject();
            writer.WriteString("reportingComponent", source.Component);
            writer.WriteString("reportingInstance", source.Host);
            writer.WriteEndObject();
        });

    internal static ReadOnlyMemory<byte> Count(int count, DateTimeOffset now) => JsonBody.Write(writer =>
    {
        writer.WriteStartObject();
        writer.WriteNumber("count", count);
        writer.WriteTime("lastTimestamp", now);
        writer.WriteEndObject();
    });

    private static void WriteTarget(Utf8JsonWriter writer, EventTarget target)
    {
        writer.WriteStartObject("involvedObject");
        writer.WriteString("apiVersion", target.ApiVersion);
        writer.WriteString("kind", target.Kind);
        if (target.Key.Namespace.Length > 0)
        {
            writer.WriteString("namespace", target.Key.Namespace);
        }

        writer.WriteString("name", target.Key.Name);
        writer.WriteString("uid", target.Uid);
        writer.WriteEndObject();
    }
}
