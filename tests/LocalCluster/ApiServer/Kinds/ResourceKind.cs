using LoadBalancer.LocalCluster.ApiServer.Schemas;
using LoadBalancer.LocalCluster.ApiServer.Tables;

namespace LoadBalancer.LocalCluster.ApiServer.Kinds;

/// <summary>One version of one kind that the server serves: a line of <see cref="KindTable"/>.</summary>
public sealed record ResourceKind
{
    public required string Group { get; init; }

    public required string Version { get; init; }

    public required string Kind { get; init; }

    public required string Plural { get; init; }

    public bool Namespaced { get; init; } = true;

    public bool HasStatus { get; init; }

    public bool HasScale { get; init; }

    /// <summary>Whether <c>metadata.generation</c> counts changes outside metadata and status.</summary>
    public bool TracksGeneration { get; init; }

    /// <summary>Whether a PUT of a name that does not exist creates it.</summary>
    public bool CreateOnUpdate { get; init; }

    /// <summary>Whether an update must carry a resourceVersion.</summary>
    public bool UpdateNeedsVersion { get; init; }

    /// <summary>Whether DELETE answers with the object instead of a Status.</summary>
    public bool ReturnsDeleted { get; init; }

    public IReadOnlyList<string> ShortNames { get; init; } = [];

    public IReadOnlyList<string> Categories { get; init; } = [];

    /// <summary>The fields the kind has; null for kinds served without a schema.</summary>
    public SchemaType? Schema { get; init; }

    /// <summary>How this version differs from the stored one; null if it is the stored one.</summary>
    public VersionConversion? Conversion { get; init; }

    /// <summary>Whether a CustomResourceDefinition defines it.</summary>
    public bool IsCustom { get; init; }

    /// <summary>The columns after the name that a CustomResourceDefinition asks for; empty for built-in kinds.</summary>
    public IReadOnlyList<Column> PrinterColumns { get; init; } = [];

    /// <summary>Names the collection the objects are in; several versions of a kind share one.</summary>
    public string Collection => Conversion?.Collection ?? CollectionOf(Group, Plural);

    public string ApiVersion => Group.Length == 0 ? Version : $"{Group}/{Version}";

    public string ListKind => Kind + "List";

    public string Singular => Kind.ToLowerInvariant();

    /// <summary><c>services</c> or <c>leases.coordination.k8s.io</c>: how messages name the resource.</summary>
    public string QualifiedPlural => CollectionOf(Group, Plural);

    /// <summary><c>Service</c> or <c>Lease.coordination.k8s.io</c>: how "is invalid" messages name the kind.</summary>
    public string QualifiedKind => Group.Length == 0 ? Kind : $"{Kind}.{Group}";

    public static string CollectionOf(string group, string plural) => group.Length == 0 ? plural : $"{plural}.{group}";
}
