using System.Collections.Immutable;
using System.Runtime.CompilerServices;
using LoadBalancer.Core.Addressing;
using LoadBalancer.Core.Ownership;
using LoadBalancer.Kubernetes.Resources;

namespace LoadBalancer.Speaker.Ownership;

/// <summary>All VIPs with their facts, and the Services they belong to. Immutable; one that differs in a few VIPs shares the rest with the one before.</summary>
/// <param name="Vips">The facts by address.</param>
/// <param name="Services">The Services of each VIP, oldest first.</param>
/// <param name="Unusable">Addresses in the statuses of served Services that nobody announces, whoever is alive.</param>
public sealed record VipSnapshot(
    ImmutableDictionary<IpAddress, VipFacts> Vips,
    ImmutableDictionary<IpAddress, IReadOnlyList<AnnouncedService>> Services,
    ImmutableDictionary<IpAddress, UnusableVip> Unusable)
{
    private static readonly IReadOnlySet<IpAddress> Nothing = ImmutableHashSet<IpAddress>.Empty;

    // Names a snapshot to its successor, which does not keep the snapshot itself.
    private readonly object identity = new();
    private readonly object? former;
    private readonly IReadOnlySet<IpAddress>? changed;

    /// <summary>One that differs from another in some addresses, and in nothing else that anything is decided by.</summary>
    /// <param name="vips">The facts by address.</param>
    /// <param name="services">The Services of each VIP, oldest first.</param>
    /// <param name="unusable">Addresses that nobody announces.</param>
    /// <param name="former">The other.</param>
    /// <param name="changed">Which addresses.</param>
    internal VipSnapshot(
        ImmutableDictionary<IpAddress, VipFacts> vips, ImmutableDictionary<IpAddress, IReadOnlyList<AnnouncedService>> services,
        ImmutableDictionary<IpAddress, UnusableVip> unusable, VipSnapshot former, IReadOnlySet<IpAddress> changed)
        : this(vips, services, unusable)
    {
        this.former = former.identity;
        this.changed = changed;
    }

    /// <summary>Only itself: one that was made later stands for facts that may have changed, also if the VIPs are the same.</summary>
    public bool Equals(VipSnapshot? other) => ReferenceEquals(this, other);

    /// <inheritdoc/>
    public override int GetHashCode() => RuntimeHelpers.GetHashCode(this);

    /// <summary>No VIP.</summary>
    public static VipSnapshot Empty { get; } = new(
        ImmutableDictionary<IpAddress, VipFacts>.Empty, ImmutableDictionary<IpAddress, IReadOnlyList<AnnouncedService>>.Empty,
        ImmutableDictionary<IpAddress, UnusableVip>.Empty);

    /// <summary>The addresses that may be other than in a snapshot before; null if that is not known, or something else may be.</summary>
    public IReadOnlySet<IpAddress>? ChangedSince(VipSnapshot before) =>
        ReferenceEquals(this, before) ? Nothing : ReferenceEquals(former, before.identity) ? changed : null;
}

/// <summary>An address that is not announced although a Service has it.</summary>
/// <param name="Text">Why.</param>
/// <param name="Services">The Services that have it, oldest first.</param>
public sealed record UnusableVip(AnnouncementText Text, IReadOnlyList<AnnouncedService> Services)
{
    /// <summary>The reason alone.</summary>
    public AnnouncementEvent Reason => Text.Reason;
}
