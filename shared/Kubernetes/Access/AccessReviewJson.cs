using System.Text.Json;
using LoadBalancer.Kubernetes.Client;

namespace LoadBalancer.Kubernetes.Access;

/// <summary>Whose a token is.</summary>
/// <param name="Name">The user; null if it is nobody's.</param>
/// <param name="Error">Why not, or empty.</param>
/// <param name="Identity">The user's further fields as the server wrote them (uid, groups, extra), for the next question.</param>
internal sealed record TokenOwner(string? Name, string Error, JsonElement Identity);

/// <summary>The JSON of the two reviews.</summary>
internal static class AccessReviewJson
{
    internal static ReadOnlyMemory<byte> WriteToken(string token) => JsonBody.Write(json =>
    {
        json.WriteStartObject();
        json.WriteString("apiVersion", "authentication.k8s.io/v1");
        json.WriteString("kind", "TokenReview");
        json.WriteStartObject("spec");
        json.WriteString("token", token);
        json.WriteEndObject();
        json.WriteEndObject();
    });

    internal static TokenOwner ReadToken(ReadOnlySpan<byte> body)
    {
        var status = StatusOf(body);
        return Is(status, "authenticated") && status.TryGetProperty("user", out var user) && Text(user, "username") is { Length: > 0 } name
            ? new TokenOwner(name, "", user)
            : new TokenOwner(null, Text(status, "error"), default);
    }

    internal static ReadOnlyMemory<byte> WriteAccess(TokenOwner owner, string verb, string path) => JsonBody.Write(json =>
    {
        json.WriteStartObject();
        json.WriteString("apiVersion", "authorization.k8s.io/v1");
        json.WriteString("kind", "SubjectAccessReview");
        json.WriteStartObject("spec");
        json.WriteString("user", owner.Name);
        foreach (var field in (string[])["uid", "groups", "extra"])
        {
            if (owner.Identity.TryGetProperty(field, out var value))
            {
                json.WritePropertyName(field);
                value.WriteTo(json);
            }
        }

        json.WriteStartObject("nonResourceAttributes");
        json.WriteString("path", path);
        json.WriteString("verb", verb);
        json.WriteEndObject();
        json.WriteEndObject();
        json.WriteEndObject();
    });

    internal static ReadOnlyMemory<byte> WriteAccess(string user, IReadOnlyList<string> groups, ApiVerb verb, ApiResource resource, string @namespace, string? name) => JsonBody.Write(json =>
    {
        json.WriteStartObject();
        json.WriteString("apiVersion", "authorization.k8s.io/v1");
        json.WriteString("kind", "SubjectAccessReview");
        json.WriteStartObject("spec");
        json.WriteString("user", user);
        json.WriteStartArray("groups");
        foreach (var group in groups)
        {
            json.WriteStringValue(group);
        }

        json.WriteEndArray();
        json.WriteStartObject("resourceAttributes");
        json.WriteString("verb", verb.ToString().ToLowerInvariant());
        json.WriteString("group", resource.Group);
        json.WriteString("resource", resource.Plural);
        json.WriteString("subresource", resource.Subresource);
        json.WriteString("namespace", @namespace);
        json.WriteString("name", name ?? "");
        json.WriteEndObject();
        json.WriteEndObject();
        json.WriteEndObject();
    });

    internal static (bool Allowed, string Reason) ReadAccess(ReadOnlySpan<byte> body)
    {
        var status = StatusOf(body);

        // "denied" overrules (SubjectAccessReviewStatus): an authorizer's no, where "allowed: false" is only that none said yes.
        return (Is(status, "allowed") && !Is(status, "denied"), Text(status, "reason"));
    }

    private static JsonElement StatusOf(ReadOnlySpan<byte> body)
    {
        var reader = new Utf8JsonReader(body);
        var root = JsonElement.ParseValue(ref reader);
        return root.TryGetProperty("status", out var status) && status.ValueKind == JsonValueKind.Object ? status : throw new JsonException("the review has no status");
    }

    private static bool Is(JsonElement from, string field) => from.TryGetProperty(field, out var value) && value.ValueKind == JsonValueKind.True;

    private static string Text(JsonElement from, string field) =>
        from.TryGetProperty(field, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString()! : "";
}
