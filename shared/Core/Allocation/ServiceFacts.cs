using System.Collections.ObjectModel;
using LoadBalancer.Core.Addressing;

namespace LoadBalancer.Core.Allocation;

/// <summary>Everything about one Service that decides which addresses it has.</summary>
public sealed record ServiceFacts
{
    /// <summary>The Service.</summary>
    public required ServiceId Id { get; init; }

    /// <summary><c>metadata.creationTimestamp</c>: the older Service comes first.</summary>
    public DateTimeOffset Created { get; init; }

    /// <summary>Whether it may have addresses from here at all.</summary>
    public Eligibility Eligibility { get; init; }

    /// <summary>The families wanted, the preferred one first: <c>spec.ipFamilies</c>. One or two, distinct.</summary>
    public IReadOnlyList<IpFamily> Families { get; init; } = [IpFamily.IPv4];

    /// <summary><c>spec.ipFamilyPolicy</c>.</summary>
    public FamilyPolicy FamilyPolicy { get; init; }

    /// <summary>The addresses and the pool the user asks for.</summary>
    public AddressRequest Request { get; init; } = AddressRequest.None;

    /// <summary>With whom it would share an address.</summary>
    public SharingTerms Sharing { get; init; } = SharingTerms.None;

    /// <summary><c>metadata.labels</c> of the Service.</summary>
    public IReadOnlyDictionary<string, string> Labels { get; init; } = ReadOnlyDictionary<string, string>.Empty;

    /// <summary><c>metadata.labels</c> of its namespace.</summary>
    public IReadOnlyDictionary<string, string> NamespaceLabels { get; init; } = ReadOnlyDictionary<string, string>.Empty;

    /// <summary><c>status.loadBalancer.ingress</c> as it is, nonsense included.</summary>
    public IReadOnlyList<StatusEntry> Status { get; init; } = [];

    /// <summary>The addresses in <see cref="Status"/>; what is no address is left out.</summary>
    public IEnumerable<IpAddress> ShownAddresses
    {
        get
        {
            foreach (var entry in Status)
            {
                if (IpAddress.TryParse(entry.Ip, out var address))
                {
                    yield return address;
                }
            }
        }
    }

    /// <summary>Oldest first; the same age by namespace and name. Adoption and waiting go in this order.</summary>
    public static IComparer<ServiceFacts> ByAge { get; } = Comparer<ServiceFacts>.Create(static (a, b) =>
    {
        var byAge = a.Created.CompareTo(b.Created);
        return byAge != 0 ? byAge : a.Id.CompareTo(b.Id);
    });
}

/// <summary>Whether a Service may have addresses from here.</summary>
public enum Eligibility
{
    /// <summary>It may.</summary>
    Eligible,

    /// <summary><c>spec.type</c> is not LoadBalancer (any more).</summary>
    NotLoadBalancer,

    /// <summary><c>spec.loadBalancerClass</c> is someone else's: it is left alone entirely.</summary>
    ForeignClass,

    /// <summary>Headless, or without a cluster IP (yet).</summary>
    NoClusterIP,

    /// <summary><c>metadata.deletionTimestamp</c> is set: it keeps what it has and gets nothing new.</summary>
    BeingDeleted,
}

/// <summary><c>spec.ipFamilyPolicy</c>.</summary>
public enum FamilyPolicy
{
    /// <summary>One family.</summary>
    SingleStack,

    /// <summary>Both, or one if only one is to be had.</summary>
    PreferDualStack,

    /// <summary>Both or none.</summary>
    RequireDualStack,
}

/// <summary>One entry of <c>status.loadBalancer.ingress</c>.</summary>
/// <param name="Ip">The address as text, or empty.</param>
/// <param name="Hostname">A host name, which this project never writes, or empty.</param>
public readonly record struct StatusEntry(string Ip, string Hostname = "")
{
    /// <summary>What the entry shows to people.</summary>
    public override string ToString() => Ip.Length > 0 ? Ip : Hostname;
}
