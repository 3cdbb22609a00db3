using LoadBalancer.LocalCluster.ApiServer.Schemas;

namespace LoadBalancer.Manifests.Tests.Stack;

/// <summary>
/// The part of the Prometheus operator's API (monitoring.coreos.com/v1) that the manifests use. The official client has no models of
/// it, so the fields are listed here; anything else in a manifest is a mistake or belongs into this list.
/// </summary>
internal static class OperatorSchemas
{
    public const string Group = "monitoring.coreos.com";

    private static readonly SchemaType Text = new(SchemaShape.Text, "string");
    private static readonly SchemaType Texts = new(SchemaShape.List, Text);
    private static readonly SchemaType TextMap = new(SchemaShape.Map, Text);
    private static readonly SchemaType Metadata = Object("metadata", ("name", Text), ("namespace", Text), ("labels", TextMap), ("annotations", TextMap));
    private static readonly SchemaType Selector = Object("selector", ("matchLabels", TextMap));
    private static readonly SchemaType Relabelings = List(Object(
        "relabeling", ("action", Text), ("sourceLabels", Texts), ("targetLabel", Text), ("replacement", Text), ("regex", Text)));

    private static readonly SchemaType Endpoints = List(Object(
        "endpoint", ("port", Text), ("interval", Text), ("path", Text), ("scheme", Text), ("relabelings", Relabelings)));

    private static readonly SchemaType Groups = List(Object("group", ("name", Text), ("interval", Text), ("rules", List(Object(
        "rule", ("alert", Text), ("expr", new SchemaType(SchemaShape.IntOrString, "expr")), ("for", Text), ("labels", TextMap), ("annotations", TextMap))))));

    public static SchemaType Of(string kind) => Object(kind, ("apiVersion", Text), ("kind", Text), ("metadata", Metadata), ("spec", kind switch
    {
        "ServiceMonitor" => Object("spec", ("selector", Selector), ("endpoints", Endpoints)),
        "PodMonitor" => Object("spec", ("selector", Selector), ("podMetricsEndpoints", Endpoints)),
        "PrometheusRule" => Object("spec", ("groups", Groups)),
        _ => throw new ArgumentOutOfRangeException(nameof(kind), kind, "not a kind of the operator that the manifests use"),
    }));

    private static SchemaType List(SchemaType element) => new(SchemaShape.List, element);

    private static SchemaType Object(string name, params (string Name, SchemaType Type)[] fields) =>
        new(name, _ => fields.ToDictionary(field => field.Name, field => new SchemaField(field.Type, PatchRule.Plain), StringComparer.Ordinal));
}
