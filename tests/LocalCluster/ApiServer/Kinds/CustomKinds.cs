using System.Text.Json.Nodes;
using LoadBalancer.LocalCluster.ApiServer.Json;
using LoadBalancer.LocalCluster.ApiServer.Storage;
using LoadBalancer.LocalCluster.ApiServer.Tables;

namespace LoadBalancer.LocalCluster.ApiServer.Kinds;

/// <summary>
/// Serves what CustomResourceDefinitions define: their objects are stored as they come, without a schema check or conversion.
/// </summary>
public sealed class CustomKinds(KindTable kinds, ObjectStore store, TimeProvider time)
{
    private const string Definitions = "customresourcedefinitions.apiextensions.k8s.io";

    /// <summary>Follows a change of a definition.</summary>
    public void Follow(string collection, Change change)
    {
        if (collection != Definitions)
            return;
        var spec = change.Object.Json["spec"];
        var (group, plural) = (spec.Text("group"), spec.Text("names", "plural"));
        var defined = change.Type == ChangeType.Deleted ? [] : KindsOf(spec).ToList();
        kinds.Replace(k => k.Group == group && k.Plural == plural, defined);
        if (change.Type == ChangeType.Deleted)
            RemoveObjects(ResourceKind.CollectionOf(group, plural));
        else if (change.Object.Json["status"].At("acceptedNames") is null)
            Accept(change.Object);
    }

    private static IEnumerable<ResourceKind> KindsOf(JsonNode? spec)
    {
        var names = spec.At("names");
        var versions = spec.Objects("versions").Where(v => v.Flag("served") != false).ToList();
        var stored = spec.Objects("versions").FirstOrDefault(v => v.Flag("storage") == true)?.Text("name");
        foreach (var version in versions)
        {
            var group = spec.Text("group");
            var plural = names.Text("plural");
            yield return new ResourceKind
            {
                Group = group,
                Version = version.Text("name"),
                Kind = names.Text("kind"),
                Plural = plural,
                Namespaced = spec.Text("scope") != "Cluster",
                ShortNames = [.. names.Strings("shortNames")],
                Categories = [.. names.Strings("categories")],
                IsCustom = true,
                HasStatus = version.Map("subresources", "status") is not null,
                TracksGeneration = true,
                UpdateNeedsVersion = true,
                PrinterColumns = [.. version.Objects("additionalPrinterColumns").Select(PrinterColumn)],
                Conversion = version.Text("name") == stored
                    ? null
                    : new VersionConversion(ResourceKind.CollectionOf(group, plural), $"{group}/{stored}", static _ => { }, static _ => { }),
            };
        }
    }

    private static Column PrinterColumn(JsonObject definition)
    {
        // Only plain paths are followed (.spec.a.b); filters and indexes give an empty cell.
        var path = definition.Text("jsonPath").Split('.', StringSplitOptions.RemoveEmptyEntries);
        var date = definition.Text("type") == "date";
        return new Column(definition.Text("name"), (o, now) => date ? Age.Of(o.At(path), now) : o.At(path)?.DeepClone(),
            Wide: definition.Number("priority") > 0, Type: date ? "string" : definition.Text("type"));
    }

    private void Accept(StoredObject definition)
    {
        var o = definition.Json.DeepClone().AsObject();
        var now = time.GetUtcNow().UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", System.Globalization.CultureInfo.InvariantCulture);
        JsonObject Condition(string type, string reason) => new()
        {
            ["type"] = type,
            ["status"] = "True",
            ["lastTransitionTime"] = now,
            ["reason"] = reason,
            ["message"] = "",
        };
        o["status"] = new JsonObject
        {
            ["acceptedNames"] = o["spec"].At("names")?.DeepClone(),
            ["conditions"] = new JsonArray(Condition("NamesAccepted", "NoConflicts"), Condition("Established", "InitialNamesAccepted")),
            ["storedVersions"] = JsonPaths.ListOf(o["spec"].Objects("versions").Where(v => v.Flag("storage") == true).Select(v => v.Text("name"))),
        };
        // Losing against another write is fine: that one is followed too.
        store.Update(Definitions, definition, o);
    }

    private void RemoveObjects(string collection)
    {
        foreach (var stored in store.Read(collection).Objects.Values)
            store.Delete(collection, stored);
    }
}
