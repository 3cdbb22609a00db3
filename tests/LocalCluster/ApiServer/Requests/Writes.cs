using System.Text.Json.Nodes;
using LoadBalancer.LocalCluster.ApiServer.Json;
using LoadBalancer.LocalCluster.ApiServer.Kinds;
using LoadBalancer.LocalCluster.ApiServer.Patch;
using LoadBalancer.LocalCluster.ApiServer.Rules;
using LoadBalancer.LocalCluster.ApiServer.Storage;

namespace LoadBalancer.LocalCluster.ApiServer.Requests;

/// <summary>POST, PUT and PATCH of objects and of their status.</summary>
public sealed class Writes(ObjectStore store, RuleTable rules, Preparation preparation, TimeProvider time)
{
    // A patch without a resourceVersion is applied to whatever is there: a write in between is no conflict (the API server tries as often).
    private const int PatchAttempts = 5;

    public async Task CreateAsync(ApiContext context)
    {
        var o = await Bodies.ReadObjectAsync(context);
        await context.AnswerAsync(Create(context, o), 201, time.GetUtcNow());
    }

    public async Task UpdateAsync(ApiContext context)
    {
        var o = await Bodies.ReadObjectAsync(context);
        var current = Find(context);
        if (current is null && context.Kind.CreateOnUpdate && context.Info.Subresource.Length == 0)
        {
            o.Need("metadata").Default("name", context.Info.Name);
            await context.AnswerAsync(Create(context, o), 201, time.GetUtcNow());
            return;
        }

        for (var attempt = 1; ; attempt++)
        {
            current = Find(context) ?? throw ApiException.NotFound(context.Kind, context.Info.Name);
            if (Update(context, o.DeepClone().AsObject(), current) is { } stored)
            {
                await context.AnswerAsync(stored, 200, time.GetUtcNow());
                return;
            }

            if (attempt == PatchAttempts)
                throw ApiException.Modified(context.Kind, context.Info.Name);
        }
    }

    public async Task PatchAsync(ApiContext context)
    {
        var type = Bodies.MediaType(context.Http.Request);
        var body = await Bodies.ReadAsync(context.Http);
        var apply = type == "application/apply-patch+yaml";
        var patch = Bodies.Parse(body, apply, context.Kind);
        if (apply && context.Query("fieldManager").Length == 0)
            throw MissingFieldManager();

        for (var attempt = 1; ; attempt++)
        {
            var current = Find(context);
            if (current is null && apply && patch is JsonObject intent && context.Info.Subresource.Length == 0)
            {
                intent.Need("metadata").Default("name", context.Info.Name);
                await context.AnswerAsync(Create(context, Bodies.Decode(context, intent, [])), 201, time.GetUtcNow());
                return;
            }

            current = current ?? throw ApiException.NotFound(context.Kind, context.Info.Name);
            var patched = Patched(context, current, patch, type);
            if (Update(context, patched, current) is { } stored)
            {
                await context.AnswerAsync(stored, 200, time.GetUtcNow());
                return;
            }

            if (attempt == PatchAttempts)
                throw ApiException.Modified(context.Kind, context.Info.Name);
        }
    }

    /// <summary>Stores a new object, or only checks it in a dry run.</summary>
    public StoredObject Create(ApiContext context, JsonObject o)
    {
        preparation.ForCreate(context, o);
        var name = o["metadata"].Text("name");
        var collection = context.Kind.Collection;
        if (store.Get(collection, o["metadata"].Text("namespace"), name) is not null)
            throw ApiException.AlreadyExists(context.Kind, name);
        using var reservation = rules[collection].Reserve(context.Kind, o, null);
        if (context.DryRun)
            return new StoredObject(o, store.Version);
        var stored = store.Create(collection, o) ?? throw ApiException.AlreadyExists(context.Kind, name);
        reservation.Stored();
        return stored;
    }

    /// <summary>Stores the new state; null if <paramref name="current"/> is not the current one any more.</summary>
    public StoredObject? Update(ApiContext context, JsonObject o, StoredObject current)
    {
        if (context.Info.Subresource == "status")
            preparation.ForStatus(context, o, current);
        else
            preparation.ForUpdate(context, o, current);
        using var reservation = context.Info.Subresource == "status"
            ? Reservation.Empty
            : rules[context.Kind.Collection].Reserve(context.Kind, o, current.Json);
        if (JsonNode.DeepEquals(o, current.Json))
        {
            reservation.Stored();
            return current;
        }

        if (context.DryRun)
            return new StoredObject(o, current.Version);
        // An object that only waited for its finalizers goes with the last of them.
        var gone = o["metadata"].At("deletionTimestamp") is not null && o["metadata"].List("finalizers") is null or { Count: 0 };
        var stored = gone && IsDeleting(current) && !HoldsPod(context.Kind, o) ? Remove(context.Kind, current, o) : store.Update(context.Kind.Collection, current, o);
        if (stored is not null)
            reservation.Stored();
        return stored;
    }

    public StoredObject? Find(ApiContext context) =>
        store.Get(context.Kind.Collection, context.Kind.Namespaced ? context.Info.Namespace : "", context.Info.Name);

    private StoredObject? Remove(ResourceKind kind, StoredObject current, JsonObject last)
    {
        if (store.Delete(kind.Collection, current, last) is not { } removed)
            return null;
        rules[kind.Collection].Release(removed.Json);
        return removed;
    }

    private static bool IsDeleting(StoredObject stored) => stored.Json["metadata"].At("deletionTimestamp") is not null;

    // A pod on a node is gone only when its kubelet has deleted it with grace period 0; a namespace, when it is finalized.
    private static bool HoldsPod(ResourceKind kind, JsonObject o) => kind.Collection is "pods" && o.Text("spec", "nodeName").Length > 0;

    private static JsonObject Patched(ApiContext context, StoredObject current, JsonNode? patch, string type)
    {
        var target = context.Served(current).DeepClone().AsObject();
        try
        {
            switch (type)
            {
                case "application/json-patch+json":
                    JsonPatch.Apply(target, patch as JsonArray
                        ?? throw ApiException.BadRequest("error decoding patch: json: cannot unmarshal object into Go value of type []handlers.jsonPatchOp"));
                    break;
                case "application/merge-patch+json":
                    MergePatch.Apply(target, Map(patch));
                    break;
                case "application/strategic-merge-patch+json" or "application/apply-patch+yaml" when context.Kind.Schema is { } schema:
                    StrategicMergePatch.Apply(target, Map(patch), schema);
                    break;
                case "application/apply-patch+yaml":
                    MergePatch.Apply(target, Map(patch));
                    break;
                default:
                    throw new ApiException(415, "UnsupportedMediaType", "415: Unsupported Media Type", []);
            }
        }
        catch (PatchException e)
        {
            // What a strategic merge patch does wrong is reported as a failure of the server; that is how kube-apiserver does it.
            throw type == "application/json-patch+json" ? ApiException.PatchRefused() : new ApiException(500, "", e.Message);
        }

        return Bodies.Decode(context, target, [], patched: true);
    }

    private static ApiException MissingFieldManager()
    {
        const string Message = "Required value: is required for apply patch";
        var cause = new JsonObject { ["reason"] = "FieldValueRequired", ["message"] = Message, ["field"] = "fieldManager" };
        return new ApiException(422, "Invalid", $"PatchOptions.meta.k8s.io \"\" is invalid: fieldManager: {Message}",
            new JsonObject { ["group"] = "meta.k8s.io", ["kind"] = "PatchOptions", ["causes"] = new JsonArray(cause) });
    }

    private static JsonObject Map(JsonNode? patch) => patch as JsonObject ?? throw ApiException.BadRequest("json: cannot unmarshal array into Go value of type map[string]interface {}");
}
