using System.Text.Json;
using LoadBalancer.Kubernetes.Resources;

namespace LoadBalancer.Kubernetes.ListWatch.Json;

/// <summary>One page of a LIST.</summary>
internal static class ListPageJson
{
    /// <summary>Adds the page's objects to <paramref name="items"/>.</summary>
    /// <returns>The version of the list, and the token of the next page or the empty string.</returns>
    internal static (string Version, string Continue) Read<T>(
        ref Utf8JsonReader reader, ResourceKind<T> kind, StringPool strings, List<T> items)
        where T : class, IResource
    {
        string version = "", next = "";
        var isList = false;
        if (!reader.EnterObject())
        {
            throw new JsonException("the list is null");
        }

        while (reader.NextField())
        {
            if (reader.ValueTextEquals("metadata"u8))
            {
                (version, next) = ReadMeta(ref reader);
            }
            else if (reader.ValueTextEquals("items"u8))
            {
                isList = true;
                ReadItems(ref reader, kind, strings, items);
            }
            else
            {
                reader.Skip();
            }
        }

        // Taken for an empty list, some other document would look like the deletion of everything.
        return isList && version.Length > 0
            ? (version, next)
            : throw new JsonException("it has no items or no metadata.resourceVersion");
    }

    private static void ReadItems<T>(ref Utf8JsonReader reader, ResourceKind<T> kind, StringPool strings, List<T> items)
        where T : class, IResource
    {
        if (!reader.EnterArray())
        {
            return;
        }

        while (reader.NextElement())
        {
            _ = reader.IsObject();
            items.Add(kind.Read(ref reader, strings));
        }
    }

    private static (string Version, string Continue) ReadMeta(ref Utf8JsonReader reader)
    {
        string version = "", next = "";
        if (reader.EnterObject())
        {
            while (reader.NextField())
            {
                if (reader.ValueTextEquals("resourceVersion"u8))
                {
                    version = reader.ReadText();
                }
                else if (reader.ValueTextEquals("continue"u8))
                {
                    next = reader.ReadText();
                }
                else
                {
                    reader.Skip();
                }
            }
        }

        return (version, next);
    }
}
