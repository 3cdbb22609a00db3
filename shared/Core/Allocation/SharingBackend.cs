namespace LoadBalancer.Core.Allocation;

/// <summary>
/// Where the traffic of a Service may go, as far as that limits with whom it shares an address: under <c>externalTrafficPolicy: Local</c> the
/// one node that has the address must have the pods of every sharer.
/// </summary>
/// <param name="Namespace">The namespace of the pods; empty for the policy Cluster.</param>
/// <param name="Selector">The selector of the pods as <c>key=value</c>, sorted; empty for the policy Cluster, or without a selector.</param>
/// <param name="Alone">The name of the Service if its endpoints are made by hand: nobody can promise that another has the same.</param>
public sealed record SharingBackend(string Namespace, string Selector, string Alone)
{
    /// <summary><c>externalTrafficPolicy: Cluster</c>: any node passes the traffic on.</summary>
    public static SharingBackend Cluster { get; } = new("", "", "");

    /// <summary><c>externalTrafficPolicy: Local</c>: a label selects within the Service's namespace only.</summary>
    /// <param name="id">The Service.</param>
    /// <param name="selector">Its <c>spec.selector</c>.</param>
    public static SharingBackend Local(ServiceId id, IEnumerable<KeyValuePair<string, string>> selector)
    {
        var text = string.Join(',', selector.Select(static pair => $"{pair.Key}={pair.Value}").Order(StringComparer.Ordinal));
        return new SharingBackend(id.Namespace, text, text.Length == 0 ? id.Name : "");
    }

    /// <summary>For messages.</summary>
    public override string ToString() =>
        this == Cluster ? "externalTrafficPolicy: Cluster"
        : Selector.Length == 0 ? "externalTrafficPolicy: Local without a selector"
        : $"externalTrafficPolicy: Local, namespace {Namespace}, selector {Selector}";
}
