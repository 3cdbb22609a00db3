using System.Text.Json.Nodes;
using LoadBalancer.LocalCluster.ApiServer.Json;

namespace LoadBalancer.Manifests.Tests;

/// <summary>One right: a verb on a resource.</summary>
/// <param name="Verb">The verb in RBAC's words: <c>list</c>.</param>
/// <param name="Group">The API group, empty for core.</param>
/// <param name="Resource">The resource, with its subresource: <c>services/status</c>.</param>
/// <param name="Namespace">The only namespace it holds in, or null for everywhere.</param>
/// <param name="Name">The only object it holds for, or null for all.</param>
internal readonly record struct AccessRight(string Verb, string Group, string Resource, string? Namespace, string? Name);

/// <summary>What RBAC objects grant to service accounts (rbac.authorization.k8s.io/v1).</summary>
internal sealed class RbacRules(IReadOnlyList<JsonObject> objects)
{
    /// <summary>All rights of a service account, each rule taken apart.</summary>
    /// <exception cref="InvalidOperationException">A rule has a wildcard, or a binding names a role that does not exist.</exception>
    public IReadOnlySet<AccessRight> GrantedTo(string ns, string serviceAccount)
    {
        var rights = new HashSet<AccessRight>();
        foreach (var binding in objects.Where(o => o.Text("kind") is "RoleBinding" or "ClusterRoleBinding"))
        {
            if (binding.Objects("subjects").Any(subject => IsSubject(subject, binding, ns, serviceAccount)))
            {
                var within = binding.Text("kind") == "RoleBinding" ? binding.Text("metadata", "namespace") : null;
                rights.UnionWith(RoleOf(binding).Objects("rules").SelectMany(rule => RightsOf(rule, within)));
            }
        }

        return rights;
    }

    /// <summary>Whether a request is allowed.</summary>
    /// <param name="rights">The rights of who asks.</param>
    /// <param name="verb">The verb.</param>
    /// <param name="group">The API group.</param>
    /// <param name="resource">The resource, with its subresource.</param>
    /// <param name="ns">The namespace the request names, or null.</param>
    /// <param name="name">The object it names, in the path or by the field selector <c>metadata.name</c>, or null.</param>
    public static bool Allows(IReadOnlySet<AccessRight> rights, string verb, string group, string resource, string? ns, string? name) =>
        rights.Any(right => right.Verb == verb && right.Group == group && right.Resource == resource
            && (right.Namespace is null || right.Namespace == ns) && (right.Name is null || right.Name == name));

    private static bool IsSubject(JsonObject subject, JsonObject binding, string ns, string serviceAccount) =>
        subject.Text("kind") == "ServiceAccount" && subject.Text("name") == serviceAccount
        && (subject.Text("namespace") is { Length: > 0 } of ? of : binding.Text("metadata", "namespace")) == ns;

    private JsonObject RoleOf(JsonObject binding) => objects.SingleOrDefault(o =>
            o.Text("kind") == binding.Text("roleRef", "kind") && o.Text("metadata", "name") == binding.Text("roleRef", "name")
            && (o.Text("kind") == "ClusterRole" || o.Text("metadata", "namespace") == binding.Text("metadata", "namespace")))
        ?? throw new InvalidOperationException($"{Manifests.Title(binding)} binds a role that does not exist.");

    private static IEnumerable<AccessRight> RightsOf(JsonObject rule, string? ns)
    {
        string[] groups = [.. rule.Strings("apiGroups")], resources = [.. rule.Strings("resources")], verbs = [.. rule.Strings("verbs")];
        if (groups.Concat(resources).Concat(verbs).Any(word => word.Contains('*')) || rule.At("nonResourceURLs") is not null)
        {
            throw new InvalidOperationException($"A rule grants more than can be listed: {rule.ToJsonString()}");
        }

        string?[] names = rule.List("resourceNames") is { Count: > 0 } ? [.. rule.Strings("resourceNames")] : [null];
        return from @group in groups
               from resource in resources
               from verb in verbs
               from name in names
               select new AccessRight(verb, @group, resource, ns, name);
    }
}
