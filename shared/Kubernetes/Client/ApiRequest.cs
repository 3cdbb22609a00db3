using System.Text;
using LoadBalancer.Kubernetes.Resources;

namespace LoadBalancer.Kubernetes.Client;

/// <summary>One request to the API server, in its terms; the URL and the HTTP method follow from them.</summary>
/// <param name="Resource">The resource.</param>
/// <param name="Version">The version of its group: <c>v1</c>.</param>
/// <param name="Verb">What is to be done.</param>
public sealed record ApiRequest(ApiResource Resource, string Version, ApiVerb Verb)
{
    /// <summary>The content type of a JSON merge patch (RFC 7396).</summary>
    public const string MergePatch = "application/merge-patch+json";

    /// <summary>The content type of a strategic merge patch (Kubernetes API concepts): lists such as conditions are merged by their key.</summary>
    public const string StrategicMergePatch = "application/strategic-merge-patch+json";

    /// <summary>RFC 6902: operations on places of the object, which may test what is there.</summary>
    public const string JsonPatch = "application/json-patch+json";

    /// <summary>The content type of the body of a patch.</summary>
    public string PatchType { get; init; } = MergePatch;

    /// <summary>The namespace, or empty: all namespaces, or a cluster-scoped kind.</summary>
    public string Namespace { get; init; } = "";

    /// <summary>The object's name; empty for list, watch and create.</summary>
    public string Name { get; init; } = "";

    /// <summary>A field selector, or empty.</summary>
    public string FieldSelector { get; init; } = "";

    /// <summary>A label selector, or empty.</summary>
    public string LabelSelector { get; init; } = "";

    /// <summary>Further query parameters, already escaped and joined by <c>&amp;</c>, or empty.</summary>
    public string Query { get; init; } = "";

    /// <summary>What follows the subresource of a proxy, with its leading slash; or empty.</summary>
    public string SubPath { get; init; } = "";

    /// <summary>The JSON body, or empty.</summary>
    public ReadOnlyMemory<byte> Body { get; init; }

    /// <summary>A request about one object.</summary>
    public static ApiRequest For(ApiResource resource, string version, ApiVerb verb, ObjectKey key) =>
        new(resource, version, verb) { Namespace = key.Namespace, Name = key.Name };

    /// <summary>The HTTP method of the verb.</summary>
    public HttpMethod Method => Verb switch
    {
        ApiVerb.Create => HttpMethod.Post,
        ApiVerb.Update => HttpMethod.Put,
        ApiVerb.Patch => HttpMethod.Patch,
        _ => HttpMethod.Get,
    };

    /// <summary>Whether it is about one object.</summary>
    public bool IsNamed => Name.Length > 0 || FieldSelector.StartsWith("metadata.name=", StringComparison.Ordinal);

    /// <summary>The path without a leading slash and with the query, relative to the server's base address.</summary>
    public string ToUri()
    {
        var uri = new StringBuilder(128);
        uri.Append(Resource.Group.Length == 0 ? "api/" : "apis/");
        if (Resource.Group.Length > 0)
        {
            uri.Append(Resource.Group).Append('/');
        }

        uri.Append(Version).Append('/');
        if (Resource.Namespaced && Namespace.Length > 0)
        {
            uri.Append("namespaces/").Append(Uri.EscapeDataString(Namespace)).Append('/');
        }

        uri.Append(Resource.Plural);
        if (Name.Length > 0)
        {
            uri.Append('/').Append(Uri.EscapeDataString(Name));
        }

        if (Resource.Subresource.Length > 0)
        {
            uri.Append('/').Append(Resource.Subresource).Append(SubPath);
        }

        AppendQuery(uri);
        return uri.ToString();
    }

    /// <summary>Method and path, as error messages show it.</summary>
    public override string ToString() => $"{Method} /{ToUri()}";

    private void AppendQuery(StringBuilder uri)
    {
        var separator = '?';
        Append("fieldSelector=", FieldSelector, escape: true);
        Append("labelSelector=", LabelSelector, escape: true);
        Append("", Verb == ApiVerb.Watch ? "watch=1" : "", escape: false);
        Append("", Query, escape: false);

        void Append(string prefix, string value, bool escape)
        {
            if (value.Length == 0)
            {
                return;
            }

            uri.Append(separator).Append(prefix).Append(escape ? Uri.EscapeDataString(value) : value);
            separator = '&';
        }
    }
}
