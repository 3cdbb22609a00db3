using System.Text.Json.Nodes;
using LoadBalancer.LocalCluster.ApiServer.Json;
using LoadBalancer.LocalCluster.ApiServer.Kinds;

namespace LoadBalancer.LocalCluster.ApiServer.Discovery;

/// <summary>What the server offers: <c>/api</c>, <c>/apis</c> and below, plain and aggregated (Kubernetes API concepts, "API Discovery").</summary>
public sealed class DiscoveryDocuments(KindTable table, Version version, Uri endpoint)
{
    private static readonly string[] ReadWrite = ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"];

    /// <summary>Resources that are only asked, never stored.</summary>
    private static readonly (string Group, string Plural, string Kind, bool Namespaced)[] Reviews =
    [
        ("authorization.k8s.io", "selfsubjectaccessreviews", "SelfSubjectAccessReview", false),
        ("authorization.k8s.io", "subjectaccessreviews", "SubjectAccessReview", false),
        ("authentication.k8s.io", "selfsubjectreviews", "SelfSubjectReview", false),
    ];

    public JsonObject Version() => new()
    {
        ["major"] = $"{version.Major}",
        ["minor"] = $"{version.Minor}",
        ["gitVersion"] = $"v{version.Major}.{version.Minor}.{Math.Max(0, version.Build)}",
        ["gitCommit"] = "",
        ["gitTreeState"] = "clean",
        ["buildDate"] = "1970-01-01T00:00:00Z",
        ["goVersion"] = "",
        ["compiler"] = "",
        ["platform"] = "linux/amd64",
    };

    public JsonObject CoreVersions() => new()
    {
        ["kind"] = "APIVersions",
        ["versions"] = new JsonArray("v1"),
        ["serverAddressByClientCIDRs"] = new JsonArray(new JsonObject { ["clientCIDR"] = "0.0.0.0/0", ["serverAddress"] = endpoint.Authority }),
    };

    public JsonObject Groups() => new()
    {
        ["kind"] = "APIGroupList",
        ["apiVersion"] = "v1",
        ["groups"] = new JsonArray([.. GroupNames().Select(g => Group(g))]),
    };

    /// <summary>One group, or null if there is none of that name.</summary>
    public JsonObject? OneGroup(string name)
    {
        if (!GroupNames().Contains(name))
            return null;
        var group = Group(name);
        group["kind"] = "APIGroup";
        group["apiVersion"] = "v1";
        return group;
    }

    /// <summary>The resources of one version of a group, or null if that is not served.</summary>
    public JsonObject? Resources(string group, string groupVersion)
    {
        var kinds = table.Kinds.Where(k => k.Group == group && k.Version == groupVersion).ToList();
        var resources = new JsonArray([.. kinds.SelectMany(Entries), .. ReviewEntries(group, groupVersion)]);
        if (resources.Count == 0)
            return null;
        return new JsonObject
        {
            ["kind"] = "APIResourceList",
            ["apiVersion"] = "v1",
            ["groupVersion"] = group.Length == 0 ? groupVersion : $"{group}/{groupVersion}",
            ["resources"] = resources,
        };
    }

    /// <summary>Everything in one document: the core group, or all the others.</summary>
    public JsonObject Aggregated(bool core, string documentVersion) => new()
    {
        ["kind"] = "APIGroupDiscoveryList",
        ["apiVersion"] = $"apidiscovery.k8s.io/{documentVersion}",
        ["metadata"] = new JsonObject(),
        ["items"] = new JsonArray([.. (core ? [""] : GroupNames()).Select(AggregatedGroup)]),
    };

    private IEnumerable<string> GroupNames() =>
        table.Kinds.Select(k => k.Group).Concat(Reviews.Select(r => r.Group)).Where(g => g.Length > 0).Distinct();

    private List<string> VersionsOf(string group)
    {
        var versions = table.Kinds.Where(k => k.Group == group).Select(k => k.Version).Distinct().Order(StringComparer.Ordinal).ToList();
        return versions.Count == 0 ? ["v1"] : versions;
    }

    private JsonObject Group(string name)
    {
        JsonObject Entry(string v) => new() { ["groupVersion"] = $"{name}/{v}", ["version"] = v };
        var versions = VersionsOf(name);
        return new JsonObject
        {
            ["name"] = name,
            ["versions"] = new JsonArray([.. versions.Select(Entry)]),
            ["preferredVersion"] = Entry(versions[0]),
        };
    }

    private static IEnumerable<JsonObject> Entries(ResourceKind kind)
    {
        var main = Entry(kind.Plural, kind.Kind, kind.Namespaced, ReadWrite);
        main["singularName"] = kind.Singular;
        if (kind.ShortNames.Count > 0)
            main["shortNames"] = JsonPaths.ListOf(kind.ShortNames);
        if (kind.Categories.Count > 0)
            main["categories"] = JsonPaths.ListOf(kind.Categories);
        yield return main;
        foreach (var (name, subKind, group, version) in Subresources(kind))
        {
            var entry = Entry($"{kind.Plural}/{name}", subKind, kind.Namespaced, name == "token" ? ["create"] : ["get", "patch", "update"]);
            if (group != kind.Group)
            {
                entry["group"] = group;
                entry["version"] = version;
            }

            yield return entry;
        }
    }

    private static IEnumerable<(string Name, string Kind, string Group, string Version)> Subresources(ResourceKind kind)
    {
        if (kind.HasStatus)
            yield return ("status", kind.Kind, kind.Group, kind.Version);
        if (kind.HasScale)
            yield return ("scale", "Scale", "autoscaling", "v1");
        if (kind.Collection == "serviceaccounts")
            yield return ("token", "TokenRequest", "authentication.k8s.io", "v1");
    }

    private static IEnumerable<JsonObject> ReviewEntries(string group, string version)
    {
        foreach (var review in Reviews.Where(r => r.Group == group && version == "v1"))
        {
            var entry = Entry(review.Plural, review.Kind, review.Namespaced, ["create"]);
            entry["singularName"] = review.Kind.ToLowerInvariant();
            yield return entry;
        }
    }

    private static JsonObject Entry(string name, string kind, bool namespaced, string[] verbs) => new()
    {
        ["name"] = name,
        ["singularName"] = "",
        ["namespaced"] = namespaced,
        ["kind"] = kind,
        ["verbs"] = JsonPaths.ListOf(verbs),
    };

    private JsonObject AggregatedGroup(string group)
    {
        var versions = VersionsOf(group).Select(v => new JsonObject
        {
            ["version"] = v,
            ["freshness"] = "Current",
            ["resources"] = new JsonArray([
                .. table.Kinds.Where(k => k.Group == group && k.Version == v).Select(AggregatedResource),
                .. Reviews.Where(r => r.Group == group).Select(r => AggregatedResource(r.Group, v, r.Plural, r.Kind, r.Namespaced, ["create"])),
            ]),
        });
        return new JsonObject
        {
            ["metadata"] = group.Length == 0 ? [] : new JsonObject { ["name"] = group },
            ["versions"] = new JsonArray([.. versions]),
        };
    }

    private static JsonObject AggregatedResource(ResourceKind kind)
    {
        var resource = AggregatedResource(kind.Group, kind.Version, kind.Plural, kind.Kind, kind.Namespaced, ReadWrite);
        if (kind.ShortNames.Count > 0)
            resource["shortNames"] = JsonPaths.ListOf(kind.ShortNames);
        if (kind.Categories.Count > 0)
            resource["categories"] = JsonPaths.ListOf(kind.Categories);
        var subresources = Subresources(kind).Select(s => new JsonObject
        {
            ["subresource"] = s.Name,
            ["responseKind"] = GroupKind(s.Group, s.Version, s.Kind),
            ["verbs"] = s.Name == "token" ? new JsonArray("create") : new JsonArray("get", "patch", "update"),
        }).ToArray();
        if (subresources.Length > 0)
            resource["subresources"] = new JsonArray([.. subresources]);
        return resource;
    }

    private static JsonObject AggregatedResource(string group, string version, string plural, string kind, bool namespaced, string[] verbs) => new()
    {
        ["resource"] = plural,
        ["responseKind"] = GroupKind(group, version, kind),
        ["scope"] = namespaced ? "Namespaced" : "Cluster",
        ["singularResource"] = kind.ToLowerInvariant(),
        ["verbs"] = JsonPaths.ListOf(verbs),
    };

    private static JsonObject GroupKind(string group, string version, string kind) =>
        new() { ["group"] = group, ["version"] = version, ["kind"] = kind };
}
