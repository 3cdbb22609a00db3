using System.Text.Json;
using LoadBalancer.Kubernetes.Resources;

namespace LoadBalancer.Kubernetes.ListWatch.Json;

/// <summary><c>v1 Pod</c>.</summary>
internal static class PodJson
{
    internal static PodResource Read(ref Utf8JsonReader reader, StringPool strings)
    {
        var meta = new ObjectMeta();
        var ready = false;
        while (reader.NextField())
        {
            if (reader.ValueTextEquals("metadata"u8))
            {
                meta = ObjectMeta.Read(ref reader, strings, MetaFilter.WithKeepReady);
            }
            else if (reader.ValueTextEquals("status"u8))
            {
                ready = ReadReady(ref reader, strings);
            }
            else
            {
                reader.Skip();
            }
        }

        return new PodResource
        {
            Key = meta.Key, Uid = meta.Uid, ResourceVersion = meta.ResourceVersion, KeepReady = KeepReady.IsSet(meta.Annotations), Ready = ready,
        };
    }

    private static bool ReadReady(ref Utf8JsonReader reader, StringPool strings)
    {
        var ready = false;
        if (!reader.EnterObject())
        {
            return ready;
        }

        while (reader.NextField())
        {
            if (!reader.ValueTextEquals("conditions"u8))
            {
                reader.Skip();
            }
            else if (reader.EnterArray())
            {
                while (reader.NextElement())
                {
                    ready |= NodeJson.ReadPair(ref reader, strings, "type"u8, "status"u8) is ("Ready", "True");
                }
            }
        }

        return ready;
    }
}
