using System.Text.Json;
using LoadBalancer.Kubernetes.Client;
using LoadBalancer.Kubernetes.Resources;

namespace LoadBalancer.Kubernetes.ListWatch.Json;

/// <summary><c>coordination.k8s.io/v1 Lease</c>, read and written.</summary>
internal static class LeaseJson
{
    internal static LeaseResource Read(ref Utf8JsonReader reader, StringPool strings)
    {
        var meta = new ObjectMeta();
        var spec = new LeaseResource { Key = default };
        while (reader.NextField())
        {
            if (reader.ValueTextEquals("metadata"u8))
            {
                meta = ObjectMeta.Read(ref reader, strings, MetaFilter.Everything);
            }
            else if (reader.ValueTextEquals("spec"u8))
            {
                spec = ReadSpec(ref reader);
            }
            else
            {
                reader.Skip();
            }
        }

        return spec with
        {
            Key = meta.Key,
            Uid = meta.Uid,
            ResourceVersion = meta.ResourceVersion,
            Labels = meta.Labels,
            Annotations = meta.Annotations,
            Owner = meta.Owner,
        };
    }

    internal static ReadOnlyMemory<byte> Write(LeaseResource lease) => JsonBody.Write(writer =>
    {
        writer.WriteStartObject();
        writer.WriteString("apiVersion", "coordination.k8s.io/v1");
        writer.WriteString("kind", "Lease");
        WriteMeta(writer, lease);
        writer.WriteStartObject("spec");
        writer.WriteString("holderIdentity", lease.HolderIdentity);
        if (lease.LeaseDurationSeconds > 0)
        {
            writer.WriteNumber("leaseDurationSeconds", lease.LeaseDurationSeconds);
        }

        if (lease.AcquireTime is { } acquired)
        {
            writer.WriteMicroTime("acquireTime", acquired);
        }

        if (lease.RenewTime is { } renewed)
        {
            writer.WriteMicroTime("renewTime", renewed);
        }

        writer.WriteNumber("leaseTransitions", lease.LeaseTransitions);
        writer.WriteEndObject();
        writer.WriteEndObject();
    });

    private static void WriteMeta(Utf8JsonWriter writer, LeaseResource lease)
    {
        writer.WriteStartObject("metadata");
        writer.WriteString("namespace", lease.Key.Namespace);
        writer.WriteString("name", lease.Key.Name);
        if (lease.ResourceVersion.Length > 0)
        {
            writer.WriteString("resourceVersion", lease.ResourceVersion);
        }

        if (lease.Labels.Count > 0)
        {
            writer.WriteMap("labels", lease.Labels);
        }

        if (lease.Annotations.Count > 0)
        {
            writer.WriteMap("annotations", lease.Annotations);
        }

        if (lease.Owner is { } owner)
        {
            writer.WriteStartArray("ownerReferences");
            writer.WriteStartObject();
            writer.WriteString("apiVersion", owner.ApiVersion);
            writer.WriteString("kind", owner.Kind);
            writer.WriteString("name", owner.Name);
            writer.WriteString("uid", owner.Uid);
            writer.WriteEndObject();
            writer.WriteEndArray();
        }

        writer.WriteEndObject();
    }

    private static LeaseResource ReadSpec(ref Utf8JsonReader reader)
    {
        var holder = "";
        int duration = 0, transitions = 0;
        DateTimeOffset? renewed = null, acquired = null;
        if (reader.EnterObject())
        {
            while (reader.NextField())
            {
                if (reader.ValueTextEquals("holderIdentity"u8))
                {
                    holder = reader.ReadText();
                }
                else if (reader.ValueTextEquals("leaseDurationSeconds"u8))
                {
                    duration = reader.ReadNumber();
                }
                else if (reader.ValueTextEquals("renewTime"u8))
                {
                    renewed = reader.ReadTime();
                }
                else if (reader.ValueTextEquals("acquireTime"u8))
                {
                    acquired = reader.ReadTime();
                }
                else if (reader.ValueTextEquals("leaseTransitions"u8))
                {
                    transitions = reader.ReadNumber();
                }
                else
                {
                    reader.Skip();
                }
            }
        }

        return new LeaseResource
        {
            Key = default,
            HolderIdentity = holder,
            LeaseDurationSeconds = duration,
            RenewTime = renewed,
            AcquireTime = acquired,
            LeaseTransitions = transitions,
        };
    }
}
