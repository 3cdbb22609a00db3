using System.Text.Json.Nodes;
using LoadBalancer.LocalCluster.ApiServer.Json;
using LoadBalancer.LocalCluster.ApiServer.Requests;
using LoadBalancer.LocalCluster.ApiServer.Storage;

namespace LoadBalancer.LocalCluster.ApiServer.Access;

/// <summary>Answers "may this user do that" from the stored RBAC objects (kubernetes.io, "Using RBAC Authorization").</summary>
public sealed class RbacAuthorizer(ObjectStore store)
{
    private const string Group = "rbac.authorization.k8s.io";

    public bool Allows(User user, RequestInfo info)
    {
        if (user.IsMaster)
            return true;
        foreach (var binding in Bindings("clusterrolebindings", user))
        {
            if (Grants(binding, "", info))
                return true;
        }

        return info.Namespace.Length > 0
            && Bindings("rolebindings", user).Any(b => b.Namespace == info.Namespace && Grants(b, b.Namespace, info));
    }

    /// <summary>The refusal in the API server's words.</summary>
    public static ApiException Refusal(User user, RequestInfo info)
    {
        if (!info.IsResource)
            return new ApiException(403, "Forbidden", $"forbidden: User \"{user.Name}\" cannot {info.Verb} path \"{info.Path}\"", []);
        var resource = info.Subresource.Length > 0 ? $"{info.Resource}/{info.Subresource}" : info.Resource;
        var scope = info.Namespace.Length > 0 && info.Resource != "namespaces" ? $"in the namespace \"{info.Namespace}\"" : "at the cluster scope";
        return ApiException.Forbidden(info.Group, info.Resource, info.AuthorizedName,
            $"User \"{user.Name}\" cannot {info.Verb} resource \"{resource}\" in API group \"{info.Group}\" {scope}");
    }

    private IEnumerable<StoredObject> Bindings(string plural, User user) =>
        store.Read($"{plural}.{Group}").Objects.Values.Where(b => b.Json.Objects("subjects").Any(s => IsSubject(s, b.Namespace, user)));

    private static bool IsSubject(JsonObject subject, string bindingNamespace, User user)
    {
        var name = subject.Text("name");
        return subject.Text("kind") switch
        {
            "User" => name == user.Name,
            "Group" => user.Groups.Contains(name),
            "ServiceAccount" =>
                user.Name == $"system:serviceaccount:{(subject.Text("namespace") is { Length: > 0 } ns ? ns : bindingNamespace)}:{name}",
            _ => false,
        };
    }

    private bool Grants(StoredObject binding, string ns, RequestInfo info)
    {
        var reference = binding.Json["roleRef"];
        var role = reference.Text("kind") == "ClusterRole"
            ? store.Get($"clusterroles.{Group}", "", reference.Text("name"))
            : store.Get($"roles.{Group}", ns, reference.Text("name"));
        return role is not null && role.Json.Objects("rules").Any(r => Covers(r, info));
    }

    private static bool Covers(JsonObject rule, RequestInfo info)
    {
        if (!Has(rule, "verbs", info.Verb))
            return false;
        if (!info.IsResource)
            return rule.Strings("nonResourceURLs").Any(u => u == "*" || u == info.Path || (u.EndsWith('*') && info.Path.StartsWith(u[..^1], StringComparison.Ordinal)));
        if (!Has(rule, "apiGroups", info.Group) || !CoversResource(rule, info))
            return false;
        return rule.List("resourceNames") is null or { Count: 0 } || rule.Strings("resourceNames").Contains(info.AuthorizedName);
    }

    private static bool CoversResource(JsonObject rule, RequestInfo info)
    {
        var combined = info.Subresource.Length > 0 ? $"{info.Resource}/{info.Subresource}" : info.Resource;
        return rule.Strings("resources").Any(r => r == "*" || r == combined || (info.Subresource.Length > 0 && r == $"*/{info.Subresource}"));
    }

    private static bool Has(JsonObject rule, string field, string value) => rule.Strings(field).Any(v => v == "*" || v == value);
}
