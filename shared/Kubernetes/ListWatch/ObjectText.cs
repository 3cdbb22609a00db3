using System.Globalization;
using System.Text.Json;
using LoadBalancer.Core.Pools;
using LoadBalancer.Kubernetes.ListWatch.Json;
using LoadBalancer.Kubernetes.Resources;

namespace LoadBalancer.Kubernetes.ListWatch;

/// <summary>Objects from the YAML of a manifest, read as those of the API server are.</summary>
public static class ObjectText
{
    /// <summary>A Service. What the server would fill in and a decision needs is filled in: the namespace, and cluster IPs that are nobody's.</summary>
    /// <exception cref="JsonException">A field has another type than Kubernetes says.</exception>
    /// <exception cref="InvalidOperationException">The same.</exception>
    public static ServiceResource Service(ConfigNode node)
    {
        using var buffer = new MemoryStream();
        using (var writer = new Utf8JsonWriter(buffer))
        {
            Write(writer, node);
        }

        var reader = new Utf8JsonReader(buffer.ToArray());
        reader.Read();
        var service = ServiceJson.Read(ref reader, new StringPool());
        return service with
        {
            Key = service.Key with { Namespace = service.Key.Namespace.Length > 0 ? service.Key.Namespace : "default" },
            ClusterIPs = service.ClusterIPs.Count > 0 ? service.ClusterIPs : ["192.0.2.1"],
        };
    }

    private static void Write(Utf8JsonWriter writer, ConfigNode node)
    {
        switch (node)
        {
            case ConfigMapping mapping:
                writer.WriteStartObject();
                foreach (var entry in mapping.Entries)
                {
                    writer.WritePropertyName(entry.Key.Value);
                    Write(writer, entry.Value);
                }

                writer.WriteEndObject();
                break;
            case ConfigSequence sequence:
                writer.WriteStartArray();
                foreach (var item in sequence.Items)
                {
                    Write(writer, item);
                }

                writer.WriteEndArray();
                break;
            case ConfigScalar { IsPlain: true } scalar when long.TryParse(scalar.Value, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number):
                writer.WriteNumberValue(number);
                break;
            case ConfigScalar { IsPlain: true, Value: "true" or "false" } scalar:
                writer.WriteBooleanValue(scalar.Value == "true");
                break;
            case ConfigScalar { IsPlain: true, Value: "" or "~" or "null" }:
                writer.WriteNullValue();
                break;
            case ConfigScalar scalar:
                writer.WriteStringValue(scalar.Value);
                break;
        }
    }
}
