using LoadBalancer.Core.Addressing;

namespace LoadBalancer.Kubernetes.Resources;

/// <summary>
/// What a speaker keeps of a <c>v1 Service</c>: of one with an address what says who announces it, of any other nothing. It never reads
/// labels, selectors, ports or cluster IPs, and most Services of a cluster have no address.
/// </summary>
public sealed record AnnouncedService : IResource
{
    private readonly PackedVersion version = new("", "");

    /// <inheritdoc/>
    public required ObjectKey Key { get; init; }

    /// <inheritdoc/>
    public string Uid
    {
        get => version.Uid;
        init => version = new PackedVersion(value, version.Version);
    }

    /// <inheritdoc/>
    public string ResourceVersion
    {
        get => version.Version;
        init => version = new PackedVersion(version.Uid, value);
    }

    /// <summary><c>metadata.creationTimestamp</c>, whole seconds.</summary>
    public DateTimeOffset Created { get; init; }

    /// <summary>Whether <c>spec.type</c> is LoadBalancer; another type's address is another program's, and is in use all the same.</summary>
    public bool IsLoadBalancer { get; init; }

    /// <summary><c>spec.loadBalancerClass</c>, or null.</summary>
    public string? LoadBalancerClass { get; init; }

    /// <summary>Whether <c>spec.externalTrafficPolicy</c> is Local.</summary>
    public bool IsLocal { get; init; }

    /// <summary>The addresses in <c>status.loadBalancer.ingress</c>; what is no address is left out.</summary>
    public IReadOnlyList<IpAddress> Addresses { get; init; } = [];

    /// <inheritdoc/>
    public bool IsKept => Addresses.Count > 0;

    /// <inheritdoc/>
    public bool IsSameVersionAs(IResource other) => other is AnnouncedService service && version.IsSame(service.version);

    /// <summary>Whether it is the same object, in whatever version: one deleted and made anew is another.</summary>
    public bool IsSameObjectAs(AnnouncedService other) => version.IsSameObject(other.version);

    /// <summary>Whether whoever announces it says the same of it.</summary>
    public bool IsToldAs(AnnouncedService other) =>
        ReferenceEquals(this, other) || (Key == other.Key && Created == other.Created && version.IsSameObject(other.version));
}
