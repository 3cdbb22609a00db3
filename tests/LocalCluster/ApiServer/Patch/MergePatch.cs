using System.Text.Json.Nodes;

namespace LoadBalancer.LocalCluster.ApiServer.Patch;

/// <summary>JSON merge patch, RFC 7396.</summary>
public static class MergePatch
{
    /// <summary>Changes the target in place.</summary>
    public static void Apply(JsonObject target, JsonObject patch)
    {
        foreach (var (name, value) in patch)
        {
            if (value is null)
                target.Remove(name);
            else if (value is JsonObject changes)
                Apply(Into(target, name), changes);
            else
                target[name] = value.DeepClone();
        }
    }

    private static JsonObject Into(JsonObject target, string name)
    {
        if (target[name] is JsonObject found)
            return found;
        var made = new JsonObject();
        target[name] = made;
        return made;
    }
}
