using System.Text.Json.Nodes;

namespace LoadBalancer.LocalCluster.Workloads;

/// <summary>Services as objects of the API.</summary>
public static class ServiceObject
{
    /// <summary>A Service of type LoadBalancer on port 80 over the pods <c>web</c>.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="spec">What else its spec says, or instead; null takes a field away.</param>
    /// <param name="annotations">Its annotations.</param>
    public static JsonObject LoadBalancer(string name, JsonObject? spec = null, JsonObject? annotations = null)
    {
        var merged = new JsonObject
        {
            ["type"] = "LoadBalancer",
            ["selector"] = new JsonObject { ["app"] = "web" },
            ["ports"] = new JsonArray(new JsonObject { ["port"] = 80, ["targetPort"] = 8080 }),
        };
        foreach ((string key, JsonNode? value) in spec ?? [])
        {
            if (value is null)
            {
                merged.Remove(key);
            }
            else
            {
                merged[key] = value.DeepClone();
            }
        }

        var metadata = new JsonObject { ["name"] = name, ["namespace"] = "default" };
        if (annotations is not null)
        {
            metadata["annotations"] = annotations.DeepClone();
        }

        return new JsonObject { ["apiVersion"] = "v1", ["kind"] = "Service", ["metadata"] = metadata, ["spec"] = merged };
    }
}
