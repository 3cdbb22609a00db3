using System.Text.Json.Nodes;
using LoadBalancer.LocalCluster.ApiServer.Json;

namespace LoadBalancer.LocalCluster.ApiServer.Kinds;

/// <summary>Between a served version and the stored one; both directions change the object in place.</summary>
public sealed record VersionConversion(string Collection, string StoredApiVersion, Action<JsonObject> ToStored, Action<JsonObject> ToServed)
{
    private static readonly (string Core, string New)[] EventFields =
    [
        ("involvedObject", "regarding"), ("message", "note"), ("source", "deprecatedSource"), ("reportingComponent", "reportingController"),
        ("firstTimestamp", "deprecatedFirstTimestamp"), ("lastTimestamp", "deprecatedLastTimestamp"), ("count", "deprecatedCount"),
    ];

    /// <summary><c>events.k8s.io/v1</c> over the stored <c>v1 Event</c>: the same object under other field names.</summary>
    public static VersionConversion Events { get; } = new("events", "v1",
        o => Rename(o, EventFields.Select(f => (f.New, f.Core))),
        o =>
        {
            Rename(o, EventFields.Select(f => (f.Core, f.New)));
            foreach (var field in (string[])["reportingController", "reportingInstance"])
            {
                if (o.Text(field).Length == 0)
                    o.Remove(field);
            }
        });

    /// <summary><c>discovery.k8s.io/v1beta1</c> over v1: node and zone lived in the map <c>topology</c>.</summary>
    public static VersionConversion EndpointSlicesBeta { get; } = new("endpointslices.discovery.k8s.io", "discovery.k8s.io/v1",
        o => ForEachEndpoint(o, TopologyToFields), o => ForEachEndpoint(o, FieldsToTopology));

    private static void Rename(JsonObject o, IEnumerable<(string From, string To)> fields)
    {
        foreach (var (from, to) in fields)
        {
            if (o.TryGetPropertyValue(from, out var value))
            {
                o.Remove(from);
                o[to] = value;
            }
        }
    }

    private static void ForEachEndpoint(JsonObject slice, Action<JsonObject> change)
    {
        foreach (var endpoint in slice.Objects("endpoints"))
            change(endpoint);
    }

    private static void TopologyToFields(JsonObject endpoint)
    {
        if (endpoint.Map("topology") is not { } topology)
            return;
        foreach (var (label, field) in Topology)
        {
            if (topology.Remove(label, out var value))
                endpoint.Default(field, value!);
        }

        endpoint.Remove("topology");
        if (topology.Count > 0)
            endpoint["deprecatedTopology"] = topology.DeepClone();
    }

    private static void FieldsToTopology(JsonObject endpoint)
    {
        var topology = endpoint.Map("deprecatedTopology")?.DeepClone().AsObject() ?? [];
        endpoint.Remove("deprecatedTopology");
        foreach (var (label, field) in Topology)
        {
            if (endpoint[field] is { } value)
                topology[label] = value.DeepClone();
        }

        // v1beta1 kept nodeName as a field too (since 1.20), but had no zone.
        endpoint.Remove("zone");
        if (topology.Count > 0)
            endpoint["topology"] = topology;
    }

    private static readonly (string Label, string Field)[] Topology =
        [("kubernetes.io/hostname", "nodeName"), ("topology.kubernetes.io/zone", "zone")];
}
