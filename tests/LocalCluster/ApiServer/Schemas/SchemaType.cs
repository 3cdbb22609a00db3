namespace LoadBalancer.LocalCluster.ApiServer.Schemas;

/// <summary>The shapes a JSON value of the Kubernetes API can have.</summary>
public enum SchemaShape
{
    Object,
    Map,
    List,
    Text,
    Bytes,
    Int32,
    Int64,
    Double,
    Bool,
    Time,
    MicroTime,
    IntOrString,
    Quantity,
    Any,
}

/// <summary>What a value may be. Objects know their fields; lists and maps what they hold.</summary>
public sealed class SchemaType(SchemaShape shape, string name)
{
    private static readonly IReadOnlyDictionary<string, SchemaField> None = new Dictionary<string, SchemaField>();
    private Func<SchemaType, IReadOnlyDictionary<string, SchemaField>>? _makeFields;
    private IReadOnlyDictionary<string, SchemaField>? _fields;

    public SchemaType(string name, Func<SchemaType, IReadOnlyDictionary<string, SchemaField>> fields)
        : this(SchemaShape.Object, name) => _makeFields = fields;

    public SchemaType(SchemaShape shape, SchemaType element)
        : this(shape, element.Name) => Element = element;

    public SchemaShape Shape => shape;

    /// <summary>The Go type's name, as decoding errors give it: <c>ServicePort</c>, <c>int32</c>.</summary>
    public string Name => name;

    /// <summary>The full name of an object type in OpenAPI documents, unique; otherwise empty.</summary>
    public string OpenApiName { get; init; } = "";

    /// <summary>What a list or map holds.</summary>
    public SchemaType? Element { get; }

    /// <summary>The fields of an object type; made at the first use, since types refer to themselves.</summary>
    public IReadOnlyDictionary<string, SchemaField> Fields
    {
        get
        {
            if (_fields is null)
            {
                _fields = _makeFields?.Invoke(this) ?? None;
                _makeFields = null;
            }

            return _fields;
        }
    }
}

/// <summary>One field.</summary>
/// <param name="Type">What it may be.</param>
/// <param name="Patch">What a strategic merge patch does with it.</param>
public sealed record SchemaField(SchemaType Type, PatchRule Patch);

/// <summary>How a strategic merge patch treats a field (kubernetes.io, "Update API Objects in Place Using kubectl patch").</summary>
/// <param name="Merge">A list is merged, not replaced.</param>
/// <param name="Key">The field by which its objects are told apart; null for a list of plain values.</param>
/// <param name="RetainKeys">Fields the patch does not name in <c>$retainKeys</c> go.</param>
public readonly record struct PatchRule(bool Merge, string? Key, bool RetainKeys)
{
    /// <summary>Objects are merged, lists replaced.</summary>
    public static PatchRule Plain => default;
}
