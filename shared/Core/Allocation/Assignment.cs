using LoadBalancer.Core.Addressing;

namespace LoadBalancer.Core.Allocation;

/// <summary>The addresses a Service has.</summary>
/// <param name="Addresses">One, or one of each family; the preferred family first.</param>
public sealed record Assignment(IReadOnlyList<IpAddress> Addresses)
{
    /// <inheritdoc/>
    public bool Equals(Assignment? other) => other is not null && Addresses.SequenceEqual(other.Addresses);

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(Addresses.Count, Addresses.Count > 0 ? Addresses[0] : default);

    /// <summary><c>["192.168.96.100" "fd00:96::1"]</c>, the form MetalLB's Events have.</summary>
    public override string ToString() => Text(Addresses.Select(static a => a.ToString()));

    internal static string Text(IEnumerable<string> addresses) => "[" + string.Join(' ', addresses.Select(static a => $"\"{a}\"")) + "]";
}
