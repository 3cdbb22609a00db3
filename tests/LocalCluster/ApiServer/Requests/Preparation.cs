using System.Globalization;
using System.Security.Cryptography;
using System.Text.Json.Nodes;
using LoadBalancer.LocalCluster.ApiServer.Json;
using LoadBalancer.LocalCluster.ApiServer.Kinds;
using LoadBalancer.LocalCluster.ApiServer.Rules;
using LoadBalancer.LocalCluster.ApiServer.Storage;

namespace LoadBalancer.LocalCluster.ApiServer.Requests;

/// <summary>Makes of what a client sent what is stored: system metadata, the split of spec and status, the kind's own rules.</summary>
public sealed class Preparation(ObjectStore store, RuleTable rules, TimeProvider time, bool knowsIpMode)
{
    private const string GenerateAlphabet = "bcdfghjklmnpqrstvwxz2456789";
    private static readonly string[] SystemFields = ["uid", "creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds"];

    public void ForCreate(ApiContext context, JsonObject o)
    {
        var kind = context.Kind;
        var metadata = o.Need("metadata");
        PlaceInNamespace(context, metadata);
        if (metadata.Text("resourceVersion").Length > 0)
            throw new ApiException(500, "", "resourceVersion should not be set on objects to be created");
        if (metadata.Text("name").Length == 0 && metadata.Text("generateName") is { Length: > 0 } prefix)
            metadata["name"] = prefix + RandomNumberGenerator.GetString(GenerateAlphabet, 5);

        foreach (var field in (string[])[.. SystemFields, "managedFields", "selfLink", "generation"])
            metadata.Remove(field);
        metadata["uid"] = Guid.NewGuid().ToString();
        metadata["creationTimestamp"] = Timestamp(time.GetUtcNow());
        if (kind.TracksGeneration)
            metadata["generation"] = 1L;
        if (kind.HasStatus)
            o.Remove("status");

        var rule = rules[kind.Collection];
        rule.Default(o);
        rule.PrepareCreate(o);
        var problems = new List<FieldProblem>();
        Names.CheckMetadata(o, rule.NameForm, problems);
        rule.Validate(o, null, kind, problems);
        if (problems.Count > 0)
            throw ApiException.Invalid(kind, metadata.Text("name"), problems);
        Arrange(o);
    }

    /// <summary>An update of everything but status.</summary>
    public void ForUpdate(ApiContext context, JsonObject o, StoredObject current)
    {
        var kind = context.Kind;
        var metadata = CarryMetadata(context, o, current);
        if (kind.HasStatus)
            o.Put("status", current.Json["status"]?.DeepClone());

        var rule = rules[kind.Collection];
        rule.Default(o);
        rule.PrepareUpdate(o, current.Json);
        var problems = new List<FieldProblem>();
        Names.CheckMetadata(o, rule.NameForm, problems);
        rule.Validate(o, current.Json, kind, problems);
        if (problems.Count > 0)
            throw ApiException.Invalid(kind, current.Name, problems);
        if (kind.TracksGeneration)
            metadata["generation"] = (current.Json.Number("metadata", "generation") ?? 0) + (SpecChanged(o, current.Json) ? 1 : 0);
        Arrange(o);
    }

    /// <summary>An update of the status subresource: everything but status and metadata stays.</summary>
    public void ForStatus(ApiContext context, JsonObject o, StoredObject current)
    {
        // Defaults come before the old spec is put back, as they do in kube-apiserver, where they are part of decoding.
        var rule = rules[context.Kind.Collection];
        rule.Default(o);
        CarryMetadata(context, o, current);
        foreach (var name in o.Select(p => p.Key).Concat(current.Json.Select(p => p.Key)).Distinct().ToList())
        {
            if (name is not ("metadata" or "status"))
                o.Put(name, current.Json[name]?.DeepClone());
        }

        if (!knowsIpMode)
            DropIpMode(o);
        var problems = new List<FieldProblem>();
        if (knowsIpMode || context.Kind.Collection != "services")
            rule.ValidateStatus(o, current.Json, problems);
        if (problems.Count > 0)
            throw ApiException.Invalid(context.Kind, current.Name, problems);
        Arrange(o);
    }

    public static string Timestamp(DateTimeOffset now) => now.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture);

    private static void DropIpMode(JsonObject o)
    {
        foreach (var ingress in o["status"].Objects("loadBalancer", "ingress"))
            ingress.Remove("ipMode");
    }

    private void PlaceInNamespace(ApiContext context, JsonObject metadata)
    {
        if (!context.Kind.Namespaced)
        {
            metadata.Remove("namespace");
            return;
        }

        var given = metadata.Text("namespace");
        var ns = context.Info.Namespace;
        if (given.Length > 0 && given != ns)
            throw ApiException.BadRequest($"the namespace of the provided object does not match the namespace sent on the request");
        metadata["namespace"] = ns;
        var found = store.Get("namespaces", "", ns)
            ?? throw new ApiException(404, "NotFound", $"namespaces \"{ns}\" not found", new JsonObject { ["name"] = ns, ["kind"] = "namespaces" });
        if (found.Json["metadata"].At("deletionTimestamp") is not null)
        {
            throw ApiException.Forbidden(context.Kind.Group, context.Kind.Plural, metadata.Text("name"),
                $"unable to create new content in namespace {ns} because it is being terminated");
        }
    }

    private static JsonObject CarryMetadata(ApiContext context, JsonObject o, StoredObject current)
    {
        var kind = context.Kind;
        var metadata = o.Need("metadata");
        var old = current.Json.Need("metadata");
        if (metadata.Text("name") is { Length: > 0 } name && name != current.Name)
            throw ApiException.BadRequest($"the name of the object ({name}) does not match the name on the URL ({current.Name})");
        if (metadata.Text("namespace") is { Length: > 0 } ns && ns != current.Namespace)
            throw ApiException.BadRequest("the namespace of the provided object does not match the namespace sent on the request");
        if (metadata.Text("uid") is { Length: > 0 } uid && uid != old.Text("uid"))
        {
            throw ApiException.Conflict(kind, current.Name,
                $"StorageError: invalid object, Code: 4, Key: /registry/{kind.Plural}/{current.Key}, ResourceVersion: 0, AdditionalErrorMsg: Precondition failed: UID in precondition: {uid}, UID in object meta: {old.Text("uid")}");
        }

        var version = metadata.Text("resourceVersion");
        if (version is "" or "0")
        {
            if (kind.UpdateNeedsVersion)
                throw MissingVersion(kind, current.Name);
        }
        else if (version != old.Text("resourceVersion"))
        {
            throw ApiException.Modified(kind, current.Name);
        }

        foreach (var field in (string[])["name", "namespace", "resourceVersion", "generation", "generateName", .. SystemFields])
            metadata.Put(field, old[field]?.DeepClone());
        metadata.Remove("managedFields");
        return metadata;
    }

    private static ApiException MissingVersion(ResourceKind kind, string name)
    {
        const string Message = "Invalid value: 0: must be specified for an update";
        var details = ApiException.Details(kind, name);
        details["causes"] = new JsonArray(new JsonObject { ["reason"] = "FieldValueInvalid", ["message"] = Message, ["field"] = "metadata.resourceVersion" });
        return new ApiException(422, "Invalid", $"{kind.QualifiedPlural} \"{name}\" is invalid: metadata.resourceVersion: {Message}", details);
    }

    private static bool SpecChanged(JsonObject o, JsonObject old) =>
        o.Select(p => p.Key).Concat(old.Select(p => p.Key)).Distinct()
            .Any(name => name is not ("metadata" or "status") && !JsonNode.DeepEquals(o[name], old[name]));

    // The order people read objects in: what it is, its metadata, then the rest as it came, status last.
    private static void Arrange(JsonObject o)
    {
        var parts = o.ToList();
        o.Clear();
        foreach (var name in (string[])["kind", "apiVersion", "metadata"])
            o[name] = parts.First(p => p.Key == name).Value;
        foreach (var (name, value) in parts.Where(p => p.Key is not ("kind" or "apiVersion" or "metadata" or "status")))
            o[name] = value;
        if (parts.FirstOrDefault(p => p.Key == "status").Value is { } status)
            o["status"] = status;
    }
}
