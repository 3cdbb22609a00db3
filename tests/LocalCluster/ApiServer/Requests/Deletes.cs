using System.Text.Json.Nodes;
using k8s.Models;
using LoadBalancer.LocalCluster.ApiServer.Json;
using LoadBalancer.LocalCluster.ApiServer.Kinds;
using LoadBalancer.LocalCluster.ApiServer.Rules;
using LoadBalancer.LocalCluster.ApiServer.Schemas;
using LoadBalancer.LocalCluster.ApiServer.Storage;

namespace LoadBalancer.LocalCluster.ApiServer.Requests;

/// <summary>DELETE of an object or a collection: preconditions, finalizers, the grace of pods, and the contents of a namespace.</summary>
public sealed class Deletes(ObjectStore store, KindTable kinds, RuleTable rules, TimeProvider time)
{
    private static readonly string[] ProtectedNamespaces = ["default", "kube-system", "kube-public"];

    public async Task DeleteAsync(ApiContext context)
    {
        var options = await OptionsAsync(context);
        while (true)
        {
            var current = store.Get(context.Kind.Collection, context.Kind.Namespaced ? context.Info.Namespace : "", context.Info.Name)
                ?? throw ApiException.NotFound(context.Kind, context.Info.Name);
            if (Delete(context, current, options) is not { } outcome)
                continue;
            if (outcome.Waits || context.Kind.ReturnsDeleted)
                await context.AnswerAsync(outcome.Last, 200, time.GetUtcNow());
            else
                await context.AnswerAsync(Success(context.Kind, outcome.Last));
            return;
        }
    }

    public async Task DeleteCollectionAsync(ApiContext context)
    {
        var options = await OptionsAsync(context);
        var selectors = Selectors.Parse(context.Query("labelSelector"), context.Query("fieldSelector"), context.Kind.Collection);
        var snapshot = store.Read(context.Kind.Collection);
        var deleted = new JsonArray();
        foreach (var stored in Reads.Matching(snapshot, context.Info.Namespace, selectors))
        {
            if (Delete(context, stored, options) is { } outcome)
                deleted.Add(context.Served(outcome.Last).DeepClone());
        }

        await context.AnswerAsync(new JsonObject
        {
            ["kind"] = context.Kind.ListKind,
            ["apiVersion"] = context.Kind.ApiVersion,
            ["metadata"] = ApiContext.Versions(store.Version),
            ["items"] = deleted,
        });
    }

    // Null: the object has changed meanwhile, read again.
    private Outcome? Delete(ApiContext context, StoredObject current, DeleteOptions options)
    {
        options.Check(context.Kind, current);
        if (context.Kind.Collection == "namespaces" && ProtectedNamespaces.Contains(current.Name))
            throw ApiException.Forbidden("", "namespaces", current.Name, "this namespace may not be deleted");
        if (options.DryRun)
            return new Outcome(current, false);
        var finalizers = current.Json.List("metadata", "finalizers") is { Count: > 0 };
        var podStays = context.Kind.Collection == "pods" && options.GraceSeconds != 0 && current.Json.Text("spec", "nodeName").Length > 0;
        if (finalizers || podStays)
            return Mark(context.Kind, current, podStays ? options.GraceSeconds ?? current.Json.Number("spec", "terminationGracePeriodSeconds") ?? 30 : 0);
        if (context.Kind.Collection == "namespaces")
            Empty(current.Name);
        if (store.Delete(context.Kind.Collection, current) is not { } last)
            return null;
        rules[context.Kind.Collection].Release(last.Json);
        return new Outcome(last, false);
    }

    private Outcome? Mark(ResourceKind kind, StoredObject current, long graceSeconds)
    {
        if (current.Json["metadata"].At("deletionTimestamp") is not null)
            return new Outcome(current, true);
        var o = current.Json.DeepClone().AsObject();
        o.Need("metadata")["deletionTimestamp"] = Preparation.Timestamp(time.GetUtcNow().AddSeconds(graceSeconds));
        o.Need("metadata")["deletionGracePeriodSeconds"] = graceSeconds;
        if (kind.TracksGeneration)
            o.Need("metadata")["generation"] = (o.Number("metadata", "generation") ?? 0) + 1;
        return store.Update(kind.Collection, current, o) is { } stored ? new Outcome(stored, true) : null;
    }

    // What the namespace controller does in a cluster; here at once.
    private void Empty(string ns)
    {
        foreach (var collection in kinds.NamespacedCollections)
        {
            foreach (var stored in store.Read(collection).Objects.Values.Where(o => o.Namespace == ns))
            {
                if (store.Delete(collection, stored) is { } last)
                    rules[collection].Release(last.Json);
            }
        }
    }

    private static async Task<DeleteOptions> OptionsAsync(ApiContext context)
    {
        var given = await Bodies.ReadPlainAsync(context.Http, ModelSchemas.Of(typeof(V1DeleteOptions)));
        var grace = long.TryParse(context.Query("gracePeriodSeconds"), System.Globalization.CultureInfo.InvariantCulture, out var seconds) ? seconds : (long?)null;
        return new DeleteOptions(given.Text("preconditions", "uid"), given.Text("preconditions", "resourceVersion"), given.Number("gracePeriodSeconds") ?? grace,
            context.DryRun || given.Strings("dryRun").Contains("All"));
    }

    private static JsonObject Success(ResourceKind kind, StoredObject last)
    {
        var details = ApiException.Details(kind, last.Name);
        details["uid"] = last.Json.Text("metadata", "uid");
        return new JsonObject { ["kind"] = "Status", ["apiVersion"] = "v1", ["metadata"] = new JsonObject(), ["status"] = "Success", ["details"] = details };
    }

    private sealed record Outcome(StoredObject Last, bool Waits);

    private sealed record DeleteOptions(string Uid, string ResourceVersion, long? GraceSeconds, bool DryRun)
    {
        public void Check(ResourceKind kind, StoredObject current)
        {
            Check(kind, current, "UID", Uid, current.Json.Text("metadata", "uid"));
            Check(kind, current, "ResourceVersion", ResourceVersion, current.Json.Text("metadata", "resourceVersion"));
        }

        private static void Check(ResourceKind kind, StoredObject current, string what, string wanted, string found)
        {
            if (wanted.Length > 0 && wanted != found)
                throw ApiException.PreconditionFailed(kind, current.Name, what, wanted, found);
        }
    }
}
