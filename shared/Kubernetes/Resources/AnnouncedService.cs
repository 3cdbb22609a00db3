using LoadBalancer.Core.Addressing;

namespace LoadBalancer.Kubernetes.Resources;

/// <summary>
/// What a speaker keeps of a <c>v1 Service</c>: of one with an address what says who announces it, of any other nothing. It never reads
/// labels, selectors, ports or cluster IPs, and most Services of a cluster have no address.
/// </summary>
public sealed record AnnouncedService : PackedResource
{
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
    public override bool IsKept => Addresses.Count > 0;

    /// <summary>Whether whoever announces it says the same of it.</summary>
    public bool IsToldAs(AnnouncedService other) =>
        ReferenceEquals(this, other) || (Key == other.Key && Created == other.Created && IsSameObjectAs(other));
}
