using System.Text.Json.Nodes;
using LoadBalancer.LocalCluster.ApiServer.Json;
using LoadBalancer.LocalCluster.ApiServer.Schemas;

namespace LoadBalancer.LocalCluster.ApiServer.Patch;

/// <summary>
/// Strategic merge patch: a merge patch that knows which lists are keyed, with the directives <c>$patch</c>, <c>$retainKeys</c>,
/// <c>$setElementOrder</c> and <c>$deleteFromPrimitiveList</c> (kubernetes/community, "strategic-merge-patch.md").
/// </summary>
public static class StrategicMergePatch
{
    private const string Directive = "$patch";
    private const string RetainKeys = "$retainKeys";
    private const string Order = "$setElementOrder/";
    private const string DeletePrimitive = "$deleteFromPrimitiveList/";

    /// <summary>Changes the target in place.</summary>
    /// <exception cref="PatchException">A directive is unknown or a list item lacks its key.</exception>
    public static void Apply(JsonObject target, JsonObject patch, SchemaType? type)
    {
        switch (patch.Text(Directive))
        {
            case "replace":
                target.Clear();
                break;
            case "delete":
                target.Clear();
                return;
            case not ("" or "merge"):
                throw new PatchException($"unknown patch type found: {patch.Text(Directive)}");
        }

        if (patch.List(RetainKeys) is not null)
            Retain(target, patch.Strings(RetainKeys).ToHashSet(StringComparer.Ordinal));
        var before = ListsOf(target, type);
        foreach (var (name, value) in patch)
        {
            if (name.StartsWith(DeletePrimitive, StringComparison.Ordinal))
                DeleteFrom(target, name[DeletePrimitive.Length..], value as JsonArray);
            else if (!name.StartsWith('$'))
                ApplyField(target, name, value, Field(type, name));
        }

        foreach (var (name, value) in patch)
        {
            // Without an order of its own a list of changes is one.
            var field = name.StartsWith(Order, StringComparison.Ordinal) ? name[Order.Length..] : name;
            if (value is JsonArray order && (field != name || !patch.ContainsKey(Order + name)) && before.TryGetValue(field, out var was))
                Reorder(target, field, order, patch.List(field), was);
        }
    }

    // The keyed and plain merged lists as they are, to know later what stood before what.
    private static Dictionary<string, (string? Key, List<string> Ids)> ListsOf(JsonObject target, SchemaType? type)
    {
        var lists = new Dictionary<string, (string? Key, List<string> Ids)>(StringComparer.Ordinal);
        if (type is not { Shape: SchemaShape.Object })
            return lists;
        foreach (var (name, field) in type.Fields)
        {
            if (field.Patch is { Merge: true, Key: var key })
                lists[name] = (key, [.. (target.List(name) ?? []).Select(i => Id(i, key))]);
        }

        return lists;
    }

    private static void ApplyField(JsonObject target, string name, JsonNode? value, SchemaField? field)
    {
        var rule = field?.Patch ?? PatchRule.Plain;
        switch (value)
        {
            case null:
                target.Remove(name);
                break;
            case JsonObject changes:
                Apply(target.Need(name), changes, Inner(field?.Type));
                break;
            case JsonArray items when rule.Merge && rule.Key is { } key:
                MergeKeyed(ListOf(target, name), items, key, Inner(field?.Type));
                break;
            case JsonArray items when rule.Merge:
                MergePlain(ListOf(target, name), items);
                break;
            case JsonArray items:
                target[name] = new JsonArray([.. items.Select(WithoutDirectives)]);
                break;
            default:
                target[name] = value.DeepClone();
                break;
        }
    }

    private static void MergeKeyed(JsonArray target, JsonArray patch, string key, SchemaType? type)
    {
        var items = patch.OfType<JsonObject>().ToList();
        if (items.Any(i => i.Text(Directive) == "replace" && i.Count == 1))
        {
            target.Clear();
            items.RemoveAll(i => i.Text(Directive) == "replace" && i.Count == 1);
        }

        foreach (var item in items)
        {
            var id = item[key] ?? throw new PatchException($"map: {item.ToJsonString()} does not contain declared merge key: {key}");
            var found = target.OfType<JsonObject>().FirstOrDefault(t => JsonNode.DeepEquals(t[key], id));
            if (item.Text(Directive) == "delete")
            {
                if (found is not null)
                    target.Remove(found);
                continue;
            }

            if (found is null)
                target.Add(found = new JsonObject());
            Apply(found, item, type);
        }
    }

    private static void MergePlain(JsonArray target, JsonArray patch)
    {
        foreach (var item in patch)
        {
            if (!target.Any(t => JsonNode.DeepEquals(t, item)))
                target.Add(item?.DeepClone());
        }
    }

    private static void DeleteFrom(JsonObject target, string name, JsonArray? values)
    {
        if (target.List(name) is not { } list)
            return;
        for (var i = list.Count - 1; i >= 0; i--)
        {
            if (values?.Any(v => JsonNode.DeepEquals(v, list[i])) == true)
                list.RemoveAt(i);
        }
    }

    // The items the patch names come in its order; one of the others goes first only if it stood before them already.
    private static void Reorder(JsonObject target, string name, JsonArray order, JsonArray? patched, (string? Key, List<string> Ids) was)
    {
        if (target.List(name) is not { } list)
            return;
        var wanted = order.Where(o => o.Text(Directive).Length == 0).Select(o => Id(o, was.Key)).ToList();
        if (patched?.Any(p => p.Text(Directive).Length == 0 && !wanted.Contains(Id(p, was.Key))) == true)
            throw new PatchException($"The order in patch list:\n{patched.ToJsonString()}\n doesn't match $setElementOrder list:\n{order.ToJsonString()}\n");
        var items = list.ToList();
        var named = new Queue<JsonNode?>(items.Where(i => wanted.Contains(Id(i, was.Key))).OrderBy(i => wanted.IndexOf(Id(i, was.Key))));
        var others = new Queue<JsonNode?>(items.Where(i => !wanted.Contains(Id(i, was.Key))));
        list.Clear();
        while (named.Count + others.Count > 0)
        {
            var otherFirst = named.Count == 0
                || (others.Count > 0 && was.Ids.IndexOf(Id(named.Peek(), was.Key)) > was.Ids.IndexOf(Id(others.Peek(), was.Key)));
            list.Add(otherFirst ? others.Dequeue() : named.Dequeue());
        }
    }

    private static string Id(JsonNode? item, string? key) => (key is null ? item : item.At(key))?.ToJsonString() ?? "";

    private static void Retain(JsonObject target, HashSet<string> keys)
    {
        foreach (var name in target.Select(p => p.Key).Where(k => !keys.Contains(k)).ToList())
            target.Remove(name);
    }

    private static JsonNode? WithoutDirectives(JsonNode? node)
    {
        if (node is not JsonObject o)
            return node?.DeepClone();
        var clean = new JsonObject();
        Apply(clean, o, null);
        return clean;
    }

    private static JsonArray ListOf(JsonObject target, string name)
    {
        if (target[name] is JsonArray found)
            return found;
        var made = new JsonArray();
        target[name] = made;
        return made;
    }

    private static SchemaField? Field(SchemaType? type, string name) =>
        type is { Shape: SchemaShape.Object } && type.Fields.TryGetValue(name, out var field) ? field : null;

    private static SchemaType? Inner(SchemaType? type) => type?.Shape switch
    {
        SchemaShape.Object => type,
        SchemaShape.List => type.Element,
        _ => null,
    };
}
