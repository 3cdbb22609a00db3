using System.Text.Json;
using LoadBalancer.Kubernetes.Resources;

namespace LoadBalancer.Kubernetes.ListWatch.Json;

/// <summary>EndpointSlice of <c>discovery.k8s.io/v1</c> and <c>v1beta1</c>; the two differ in where the node's name is.</summary>
internal static class EndpointSliceJson
{
    private const string ServiceNameLabel = "kubernetes.io/service-name";

    internal static EndpointSliceResource Read(ref Utf8JsonReader reader, StringPool strings)
    {
        var meta = new ObjectMeta();
        IReadOnlyList<EndpointResource> endpoints = [];
        while (reader.NextField())
        {
            if (reader.ValueTextEquals("metadata"u8))
            {
                meta = ObjectMeta.Read(ref reader, strings, MetaFilter.WithLabels);
            }
            else if (reader.ValueTextEquals("endpoints"u8))
            {
                endpoints = ReadEndpoints(ref reader, strings);
            }
            else
            {
                reader.Skip();
            }
        }

        return new EndpointSliceResource
        {
            Key = meta.Key,
            Uid = meta.Uid,
            ResourceVersion = meta.ResourceVersion,
            ServiceName = meta.Labels.GetValueOrDefault(ServiceNameLabel, ""),
            Endpoints = endpoints,
        };
    }

    private static EndpointResource[] ReadEndpoints(ref Utf8JsonReader reader, StringPool strings)
    {
        var endpoints = new List<EndpointResource>();
        if (!reader.EnterArray())
        {
            return [];
        }

        while (reader.NextElement())
        {
            endpoints.Add(ReadEndpoint(ref reader, strings));
        }

        return endpoints.Count == 0 ? [] : endpoints.ToArray();
    }

    private static EndpointResource ReadEndpoint(ref Utf8JsonReader reader, StringPool strings)
    {
        string nodeName = "", hostLabel = "";
        var serving = true;
        _ = reader.IsObject();
        while (reader.NextField())
        {
            if (reader.ValueTextEquals("nodeName"u8))
            {
                nodeName = reader.ReadText(strings);
            }
            else if (reader.ValueTextEquals("topology"u8) || reader.ValueTextEquals("deprecatedTopology"u8))
            {
                hostLabel = StringMap.Read(ref reader, strings).GetValueOrDefault("kubernetes.io/hostname", "");
            }
            else if (reader.ValueTextEquals("conditions"u8))
            {
                serving = ReadServing(ref reader);
            }
            else
            {
                reader.Skip();
            }
        }

        return new EndpointResource(nodeName.Length > 0 ? nodeName : hostLabel, serving);
    }

    // ready absent means ready (EndpointConditions); a terminating pod is not ready but may still be serving.
    private static bool ReadServing(ref Utf8JsonReader reader)
    {
        bool? ready = null, serving = null;
        if (reader.EnterObject())
        {
            while (reader.NextField())
            {
                if (reader.ValueTextEquals("ready"u8))
                {
                    ready = reader.ReadFlag();
                }
                else if (reader.ValueTextEquals("serving"u8))
                {
                    serving = reader.ReadFlag();
                }
                else
                {
                    reader.Skip();
                }
            }
        }

        return (ready ?? true) || (serving ?? false);
    }
}
