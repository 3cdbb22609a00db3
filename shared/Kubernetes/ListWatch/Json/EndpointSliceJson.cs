using System.Text.Json;
using LoadBalancer.Kubernetes.Resources;

namespace LoadBalancer.Kubernetes.ListWatch.Json;

/// <summary>EndpointSlice of <c>discovery.k8s.io/v1</c> and <c>v1beta1</c>; the two differ in where the node's name is.</summary>
internal static class EndpointSliceJson
{
    private const string ServiceNameLabel = "kubernetes.io/service-name";
    private const string ManagedByLabel = "endpointslice.kubernetes.io/managed-by";
    private const string SliceController = "endpointslice-controller.k8s.io";

    /// <summary>What is kept of one endpoint.</summary>
    internal delegate T EndpointReader<T>(ref Utf8JsonReader reader, StringPool strings);

    internal static EndpointSliceResource Read(ref Utf8JsonReader reader, StringPool strings)
    {
        var (meta, service, endpoints) = ReadSlice<(string Node, bool Serving)>(ref reader, strings, ReadEndpoint);
        List<string> nodes = [];
        foreach (var (node, serving) in endpoints)
        {
            if (serving && node.Length > 0 && !nodes.Contains(node))
            {
                nodes.Add(node);
            }
        }

        nodes.Sort(StringComparer.Ordinal);
        return new EndpointSliceResource
        {
            Key = meta.Key, Uid = meta.Uid, ResourceVersion = meta.ResourceVersion, ServiceName = service,
            Serves = Array.Exists(endpoints, static endpoint => endpoint.Serving), ServingNodes = strings.Get(nodes),
        };
    }

    /// <summary>A slice, with what a reader keeps of each endpoint.</summary>
    internal static (ObjectMeta Meta, string Service, T[] Endpoints) ReadSlice<T>(ref Utf8JsonReader reader, StringPool strings, EndpointReader<T> read)
    {
        var meta = new ObjectMeta();
        T[] endpoints = [];
        while (reader.NextField())
        {
            if (reader.ValueTextEquals("metadata"u8))
            {
                meta = ObjectMeta.Read(ref reader, strings, MetaFilter.WithLabels);
            }
            else if (reader.ValueTextEquals("endpoints"u8))
            {
                endpoints = ReadEndpoints(ref reader, strings, read);
            }
            else
            {
                reader.Skip();
            }
        }

        return (meta, meta.Labels.GetValueOrDefault(ServiceNameLabel, ""), endpoints);
    }

    /// <summary>Whether the EndpointSlice controller keeps a slice with these labels.</summary>
    internal static bool IsTheControllers(ObjectMeta meta) => meta.Labels.GetValueOrDefault(ManagedByLabel) == SliceController;

    private static T[] ReadEndpoints<T>(ref Utf8JsonReader reader, StringPool strings, EndpointReader<T> read)
    {
        if (!reader.EnterArray())
        {
            return [];
        }

        var endpoints = new List<T>();
        while (reader.NextElement())
        {
            endpoints.Add(read(ref reader, strings));
        }

        return endpoints.Count == 0 ? [] : endpoints.ToArray();
    }

    private static (string Node, bool Serving) ReadEndpoint(ref Utf8JsonReader reader, StringPool strings)
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
            else if (IsTopology(ref reader))
            {
                hostLabel = ReadHost(ref reader, strings);
            }
            else if (reader.ValueTextEquals("conditions"u8))
            {
                // ready absent means ready (EndpointConditions); a terminating pod is not ready but may still be serving.
                var conditions = ReadConditions(ref reader);
                serving = (conditions.Ready ?? true) || (conditions.Serving ?? false);
            }
            else
            {
                reader.Skip();
            }
        }

        return (nodeName.Length > 0 ? nodeName : hostLabel, serving);
    }

    /// <summary>Whether the current name is where v1beta1 has the node's name.</summary>
    internal static bool IsTopology(ref Utf8JsonReader reader) =>
        reader.ValueTextEquals("topology"u8) || reader.ValueTextEquals("deprecatedTopology"u8);

    /// <summary>The node's name in a topology, or empty.</summary>
    internal static string ReadHost(ref Utf8JsonReader reader, StringPool strings) =>
        StringMap.Read(ref reader, strings).GetValueOrDefault("kubernetes.io/hostname", "");

    /// <summary>EndpointConditions; null where absent.</summary>
    internal static (bool? Ready, bool? Serving) ReadConditions(ref Utf8JsonReader reader)
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

        return (ready, serving);
    }
}
