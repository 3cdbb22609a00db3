using System.Diagnostics.CodeAnalysis;
using System.Globalization;

namespace LoadBalancer.Core.Addressing;

/// <summary>An address block in CIDR notation (RFC 4632, RFC 4291 §2.3), with the address it was written with.</summary>
/// <param name="Address">The address as written; host bits may be set, as in a node's <c>192.168.96.11/20</c>.</param>
/// <param name="Length">The prefix length in bits: 0 to 32 for IPv4, 0 to 128 for IPv6.</param>
public readonly record struct IpPrefix(IpAddress Address, int Length)
{
    private UInt128 HostMask =>
        Length == 0 && Address.BitLength == 128 ? UInt128.MaxValue : (UInt128.One << (Address.BitLength - Length)) - 1;

    /// <summary>The lowest address of the block: all host bits zero.</summary>
    public IpAddress Network => IpAddress.From(Address.Family, Address.Value & ~HostMask);

    /// <summary>The highest address of the block: all host bits one (for IPv4 the directed broadcast address).</summary>
    public IpAddress Last => IpAddress.From(Address.Family, Address.Value | HostMask);

    /// <summary>All addresses of the block.</summary>
    public IpRange Range => new(Network, Last);

    /// <summary>Whether the address it was written with is not the block's lowest, as in a node's <c>192.168.96.11/20</c>.</summary>
    public bool HasHostBits => Network != Address;

    /// <summary>Whether the address lies in the block.</summary>
    public bool Contains(IpAddress address) =>
        address.Family == Address.Family && (address.Value & ~HostMask) == (Address.Value & ~HostMask);

    /// <summary>Reads <c>address/length</c>.</summary>
    public static bool TryParse([NotNullWhen(true)] string? text, out IpPrefix prefix)
    {
        prefix = default;
        var slash = text?.IndexOf('/') ?? -1;
        if (slash < 0
            || !IpAddress.TryParse(text![..slash], out var address)
            || !int.TryParse(text.AsSpan(slash + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var length)
            || length > address.BitLength)
        {
            return false;
        }

        prefix = new IpPrefix(address, length);
        return true;
    }

    /// <inheritdoc cref="TryParse"/>
    /// <exception cref="FormatException">The text is not a prefix.</exception>
    public static IpPrefix Parse(string text) =>
        TryParse(text, out var prefix) ? prefix : throw new FormatException($"'{text}' is not a prefix such as 192.168.96.0/20.");

    /// <summary><c>address/length</c>.</summary>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Address}/{Length}");
}
