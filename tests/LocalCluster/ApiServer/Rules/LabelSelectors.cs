using System.Text.Json.Nodes;
using LoadBalancer.LocalCluster.ApiServer.Json;

namespace LoadBalancer.LocalCluster.ApiServer.Rules;

/// <summary><c>LabelSelector</c> objects inside specs (<c>matchLabels</c>, <c>matchExpressions</c>).</summary>
public static class LabelSelectors
{
    public static bool Match(JsonObject selector, JsonObject? labels) =>
        (selector.Map("matchLabels") ?? []).All(p => labels?[p.Key] is { } value && value.Text() == p.Value.Text())
        && selector.Objects("matchExpressions").All(e => Match(e, labels?[e.Text("key")]));

    private static bool Match(JsonObject expression, JsonNode? value) => expression.Text("operator") switch
    {
        "In" => value is not null && expression.Strings("values").Contains(value.Text()),
        "NotIn" => value is null || !expression.Strings("values").Contains(value.Text()),
        "Exists" => value is not null,
        "DoesNotExist" => value is null,
        _ => false,
    };
}
