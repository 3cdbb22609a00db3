using System.Collections.ObjectModel;
using System.Text.Json;
using LoadBalancer.Kubernetes.Resources;

namespace LoadBalancer.Kubernetes.ListWatch.Json;

/// <summary>Which part of an object's metadata is kept.</summary>
/// <param name="Labels">Whether labels are.</param>
/// <param name="Annotation">Which annotations are, by name; null for none.</param>
/// <param name="StatusManager">Whether the writer of the load balancer's status is.</param>
internal sealed record MetaFilter(bool Labels = false, Func<string, bool>? Annotation = null, bool StatusManager = false)
{
    internal static readonly MetaFilter NameOnly = new();

    internal static readonly MetaFilter WithLabels = new(Labels: true);

    internal static readonly MetaFilter Everything = new(Labels: true, static _ => true);

    /// <summary>Labels, and the annotation that keeps pods from being marked.</summary>
    internal static readonly MetaFilter WithKeepReady = new(Labels: true, static name => name == KeepReady.Annotation);

    /// <summary>Labels, the annotations this project understands, and who wrote the status.</summary>
    internal static readonly MetaFilter Service = new(Labels: true, static name =>
        name.StartsWith("metallb.io/", StringComparison.Ordinal) || name.StartsWith("metallb.universe.tf/", StringComparison.Ordinal), StatusManager: true);
}

/// <summary>What is used of <c>metadata</c>.</summary>
internal struct ObjectMeta
{
    public ObjectMeta()
    {
    }

    public string Namespace { get; private set; } = "";

    public string Name { get; private set; } = "";

    public string Uid { get; private set; } = "";

    public string ResourceVersion { get; private set; } = "";

    public DateTimeOffset Created { get; private set; }

    public bool Deleting { get; private set; }

    public IReadOnlyDictionary<string, string> Labels { get; private set; } = ReadOnlyDictionary<string, string>.Empty;

    public IReadOnlyDictionary<string, string> Annotations { get; private set; } = ReadOnlyDictionary<string, string>.Empty;

    public ObjectOwner? Owner { get; private set; }

    public string StatusManager { get; private set; } = "";

    public readonly ObjectKey Key => new(Namespace, Name);

    internal static ObjectMeta Read(ref Utf8JsonReader reader, StringPool strings, MetaFilter filter)
    {
        var meta = new ObjectMeta();
        if (reader.EnterObject())
        {
            while (reader.NextField())
            {
                meta.ReadField(ref reader, strings, filter);
            }
        }

        return meta;
    }

    private void ReadField(ref Utf8JsonReader reader, StringPool strings, MetaFilter filter)
    {
        if (reader.ValueTextEquals("name"u8))
        {
            Name = reader.ReadText();
        }
        else if (reader.ValueTextEquals("namespace"u8))
        {
            Namespace = reader.ReadText(strings);
        }
        else if (reader.ValueTextEquals("uid"u8))
        {
            Uid = reader.ReadText();
        }
        else if (reader.ValueTextEquals("resourceVersion"u8))
        {
            ResourceVersion = reader.ReadText();
        }
        else if (reader.ValueTextEquals("creationTimestamp"u8))
        {
            Created = reader.ReadTime() ?? default;
        }
        else if (reader.ValueTextEquals("deletionTimestamp"u8))
        {
            Deleting = reader.ReadTime() is not null;
        }
        else if (filter.Labels && reader.ValueTextEquals("labels"u8))
        {
            Labels = StringMap.Read(ref reader, strings);
        }
        else if (filter.Annotation is not null && reader.ValueTextEquals("annotations"u8))
        {
            Annotations = StringMap.Read(ref reader, strings, filter.Annotation);
        }
        else if (filter.StatusManager && reader.ValueTextEquals("managedFields"u8))
        {
            StatusManager = StatusManagerJson.Read(ref reader, strings);
        }
        else if (filter == MetaFilter.Everything && reader.ValueTextEquals("ownerReferences"u8))
        {
            Owner = ReadOwner(ref reader);
        }
        else
        {
            reader.Skip();
        }
    }

    private static ObjectOwner? ReadOwner(ref Utf8JsonReader reader)
    {
        ObjectOwner? first = null;
        if (!reader.EnterArray())
        {
            return first;
        }

        while (reader.NextElement())
        {
            string apiVersion = "", kind = "", name = "", uid = "";
            _ = reader.IsObject();
            while (reader.NextField())
            {
                if (reader.ValueTextEquals("apiVersion"u8))
                {
                    apiVersion = reader.ReadText();
                }
                else if (reader.ValueTextEquals("kind"u8))
                {
                    kind = reader.ReadText();
                }
                else if (reader.ValueTextEquals("name"u8))
                {
                    name = reader.ReadText();
                }
                else if (reader.ValueTextEquals("uid"u8))
                {
                    uid = reader.ReadText();
                }
                else
                {
                    reader.Skip();
                }
            }

            first ??= new ObjectOwner(apiVersion, kind, name, uid);
        }

        return first;
    }
}
