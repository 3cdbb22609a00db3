using System.Text.Json;
using LoadBalancer.Kubernetes.Resources;

namespace LoadBalancer.Kubernetes.ListWatch.Json;

/// <summary>EndpointSlice of <c>discovery.k8s.io/v1</c> and <c>v1beta1</c>, read for the pods behind it.</summary>
internal static class PodEndpointsJson
{
    internal static PodEndpointsResource Read(ref Utf8JsonReader reader, StringPool strings)
    {
        var (meta, service, endpoints) = EndpointSliceJson.ReadSlice<PodEndpoint>(ref reader, strings, ReadEndpoint);
        return new PodEndpointsResource
        {
            Key = meta.Key, Uid = meta.Uid, ResourceVersion = meta.ResourceVersion, ServiceName = service, Endpoints = endpoints,
            FollowsPods = EndpointSliceJson.IsTheControllers(meta),
        };
    }

    private static PodEndpoint ReadEndpoint(ref Utf8JsonReader reader, StringPool strings)
    {
        string node = "", uid = "";
        var ready = true;
        _ = reader.IsObject();
        while (reader.NextField())
        {
            if (reader.ValueTextEquals("nodeName"u8))
            {
                node = reader.ReadText(strings);
            }
            else if (EndpointSliceJson.IsTopology(ref reader))
            {
                var host = EndpointSliceJson.ReadHost(ref reader, strings);
                node = node.Length > 0 ? node : host;
            }
            else if (reader.ValueTextEquals("conditions"u8))
            {
                ready = EndpointSliceJson.ReadConditions(ref reader).Ready ?? true;
            }
            else if (reader.ValueTextEquals("targetRef"u8))
            {
                uid = ReadPodUid(ref reader, strings);
            }
            else
            {
                reader.Skip();
            }
        }

        return new PodEndpoint(node, uid, ready);
    }

    private static string ReadPodUid(ref Utf8JsonReader reader, StringPool strings)
    {
        if (!reader.EnterObject())
        {
            return "";
        }

        string kind = "", uid = "";
        while (reader.NextField())
        {
            if (reader.ValueTextEquals("kind"u8))
            {
                kind = reader.ReadText(strings);
            }
            else if (reader.ValueTextEquals("uid"u8))
            {
                uid = reader.ReadText();
            }
            else
            {
                reader.Skip();
            }
        }

        return kind == "Pod" ? uid : "";
    }
}
