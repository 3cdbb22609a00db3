namespace LoadBalancer.Core.Pools;

/// <summary>A Kubernetes object, or a mapping that is none: its kind is empty then.</summary>
/// <param name="Node">The mapping.</param>
/// <param name="Kind">Its kind.</param>
public sealed record KubernetesObject(ConfigMapping Node, string Kind)
{
    private const string Group = "metallb.io/";
    private const int MostNested = 8;

    private static readonly string[] KindsOfMetalLB =
        ["IPAddressPool", "AddressPool", "L2Advertisement", "BGPPeer", "BGPAdvertisement", "BFDProfile", "Community"];

    /// <summary><c>apiVersion</c>, or empty.</summary>
    public string ApiVersion => LenientFields.TextAt(Node, "apiVersion");

    /// <summary><c>metadata.name</c>, or empty.</summary>
    public string Name => LenientFields.TextAt(LenientFields.At(Node, "metadata"), "name");

    /// <summary>Whether it is a resource of MetalLB: by its group, or by its kind where the first line was not copied.</summary>
    public bool IsOfMetalLB => ApiVersion.StartsWith(Group, StringComparison.Ordinal) || (ApiVersion.Length == 0 && KindsOfMetalLB.Contains(Kind));

    /// <summary>Whether it has what the API server requires of every object.</summary>
    public bool IsComplete => ApiVersion.Length > 0 && Kind.Length > 0;

    internal bool HasPools => LenientFields.At(Node, "address-pools") is ConfigSequence { Items.Count: > 0 };

    internal IReadOnlyDictionary<string, string> Labels =>
        LenientFields.Pairs(LenientFields.At(LenientFields.At(Node, "metadata"), "labels")) ?? new Dictionary<string, string>();

    /// <summary>The objects of a document: itself, or the items of a list, of whatever kind of list.</summary>
    public static IEnumerable<KubernetesObject> In(ConfigNode document) => In(document, "", MostNested);

    /// <summary><c>IPAddressPool 'default'</c>.</summary>
    public override string ToString() =>
        $"{ConfigFields.Shorten(Kind)} {(Name.Length == 0 ? "without a name" : $"'{ConfigFields.Shorten(Name)}'")}";

    internal LenientFields Spec(List<string> losses) => new(LenientFields.At(Node, "spec"), ToString(), losses);

    private static IEnumerable<KubernetesObject> In(ConfigNode node, string impliedKind, int depth)
    {
        if (depth == 0)
        {
            return [];
        }

        if (node is ConfigSequence sequence)
        {
            return sequence.Items.SelectMany(item => In(item, impliedKind, depth - 1));
        }

        if (node is not ConfigMapping mapping)
        {
            return [];
        }

        // The API server leaves the kind of the items out of a list that has it in its name.
        var kind = LenientFields.TextAt(mapping, "kind") is { Length: > 0 } written ? written : impliedKind;
        return kind.EndsWith("List", StringComparison.Ordinal) && LenientFields.At(mapping, "items") is ConfigSequence items
            ? items.Items.SelectMany(item => In(item, kind[..^"List".Length], depth - 1))
            : [new KubernetesObject(mapping, kind)];
    }
}
