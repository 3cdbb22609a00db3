using System.Collections.ObjectModel;
using System.Text.Json;
using LoadBalancer.Kubernetes.Resources;

namespace LoadBalancer.Kubernetes.ListWatch.Json;

/// <summary>The kinds of which little more than a map is used: Namespace, ConfigMap, Secret.</summary>
internal static class PlainJson
{
    internal static NamespaceResource ReadNamespace(ref Utf8JsonReader reader, StringPool strings)
    {
        var meta = new ObjectMeta();
        while (reader.NextField())
        {
            if (reader.ValueTextEquals("metadata"u8))
            {
                meta = ObjectMeta.Read(ref reader, strings, MetaFilter.WithKeepReady);
            }
            else
            {
                reader.Skip();
            }
        }

        return new NamespaceResource
        {
            Key = meta.Key, Uid = meta.Uid, ResourceVersion = meta.ResourceVersion, Labels = meta.Labels, KeepReady = KeepReady.IsSet(meta.Annotations),
        };
    }

    internal static ConfigMapResource ReadConfigMap(ref Utf8JsonReader reader, StringPool strings)
    {
        var meta = new ObjectMeta();
        IReadOnlyDictionary<string, string> data = ReadOnlyDictionary<string, string>.Empty;
        while (reader.NextField())
        {
            if (reader.ValueTextEquals("metadata"u8))
            {
                meta = ObjectMeta.Read(ref reader, strings, MetaFilter.NameOnly);
            }
            else if (reader.ValueTextEquals("data"u8))
            {
                data = StringMap.Read(ref reader, strings, poolValues: false);
            }
            else
            {
                reader.Skip();
            }
        }

        return new ConfigMapResource { Key = meta.Key, Uid = meta.Uid, ResourceVersion = meta.ResourceVersion, Data = data };
    }

    internal static SecretResource ReadSecret(ref Utf8JsonReader reader, StringPool strings)
    {
        var meta = new ObjectMeta();
        IReadOnlyDictionary<string, byte[]> data = ReadOnlyDictionary<string, byte[]>.Empty;
        while (reader.NextField())
        {
            if (reader.ValueTextEquals("metadata"u8))
            {
                meta = ObjectMeta.Read(ref reader, strings, MetaFilter.NameOnly);
            }
            else if (reader.ValueTextEquals("data"u8))
            {
                data = ReadBytes(ref reader);
            }
            else
            {
                reader.Skip();
            }
        }

        return new SecretResource { Key = meta.Key, Uid = meta.Uid, ResourceVersion = meta.ResourceVersion, Data = data };
    }

    private static Dictionary<string, byte[]> ReadBytes(ref Utf8JsonReader reader)
    {
        var data = new Dictionary<string, byte[]>(StringComparer.Ordinal);
        if (reader.EnterObject())
        {
            while (reader.NextField())
            {
                var key = reader.GetString()!;
                reader.Read();
                data[key] = reader.TokenType switch
                {
                    JsonTokenType.String when reader.TryGetBytesFromBase64(out var bytes) => bytes,
                    JsonTokenType.Null => [],
                    _ => throw new JsonException($"base64 was expected at byte {reader.TokenStartIndex}"),
                };
            }
        }

        return data;
    }
}
