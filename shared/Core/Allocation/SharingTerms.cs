namespace LoadBalancer.Core.Allocation;

/// <summary>One port a Service occupies on its addresses.</summary>
/// <param name="Protocol">TCP, UDP or SCTP.</param>
/// <param name="Number">1 to 65535.</param>
public readonly record struct PortUse(string Protocol, int Number)
{
    /// <summary><c>80/TCP</c>, as kubectl prints it.</summary>
    public override string ToString() => string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{Number}/{Protocol}");
}

/// <summary>The terms on which a Service would have another one beside it on the same address.</summary>
/// <param name="SharingKey">The value of the allow-shared-ip annotation; empty shares with nobody.</param>
/// <param name="Backend">Where its traffic may go: only Services with the same share an address.</param>
/// <param name="Ports">The ports the Service occupies.</param>
public sealed record SharingTerms(string SharingKey, SharingBackend Backend, IReadOnlyList<PortUse> Ports)
{
    /// <summary>Shares with nobody and occupies nothing.</summary>
    public static SharingTerms None { get; } = new("", SharingBackend.Cluster, []);

    /// <inheritdoc/>
    public bool Equals(SharingTerms? other) => other is not null
        && SharingKey == other.SharingKey && Backend == other.Backend && Ports.SequenceEqual(other.Ports);

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(SharingKey, Backend, Ports.Count);

    /// <summary>What keeps two Services from one address, or null if they may share it.</summary>
    /// <param name="other">The terms of the Service that has the address.</param>
    /// <param name="port">The port both want, if that is what is in the way.</param>
    /// <param name="whateverBackend">Whether other pods are no obstacle, because both are on one address already.</param>
    public AllocationReason? Clash(SharingTerms other, out PortUse port, bool whateverBackend = false)
    {
        port = default;
        if (SharingKey.Length == 0 || other.SharingKey.Length == 0)
        {
            return AllocationReason.AddressInUse;
        }

        if (SharingKey != other.SharingKey)
        {
            return AllocationReason.SharingKeyDiffers;
        }

        if (Backend != other.Backend && !whateverBackend)
        {
            return AllocationReason.SharingBackendDiffers;
        }

        foreach (var mine in Ports)
        {
            if (other.Ports.Contains(mine))
            {
                port = mine;
                return AllocationReason.SharingPortTaken;
            }
        }

        return null;
    }
}
