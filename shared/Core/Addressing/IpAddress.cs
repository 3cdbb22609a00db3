using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using System.Net;
using System.Numerics;

namespace LoadBalancer.Core.Addressing;

/// <summary>
/// One IPv4 or IPv6 address as a number: 24 bytes, no allocation, ordered. IPv4 sorts before IPv6, then by value.
/// </summary>
/// <remarks>
/// <see cref="IPAddress"/> is a class without an order; pools, allocation and the answering path need a value with both.
/// </remarks>
public readonly struct IpAddress : IEquatable<IpAddress>, IComparable<IpAddress>
{
    // Two halves: a UInt128 is aligned to 16 bytes, which would make it 32, in tables of thousands of addresses.
    private readonly ulong upper;
    private readonly ulong lower;

    private IpAddress(IpFamily family, UInt128 value)
    {
        Family = family;
        upper = (ulong)(value >> 64);
        lower = (ulong)value;
    }

    /// <summary>The family. The default value of the struct has none of the two and equals no parsed address.</summary>
    public IpFamily Family { get; }

    /// <summary>The address as a number in network order: 0 to 2^32-1 for IPv4, 0 to 2^128-1 for IPv6.</summary>
    public UInt128 Value => new(upper, lower);

    /// <summary>The number of bits of an address of this family: 32 or 128.</summary>
    public int BitLength => Family == IpFamily.IPv4 ? 32 : 128;

    /// <summary>The IPv4 address as a number in host order; meaningless for IPv6.</summary>
    public uint AsUInt32 => (uint)lower;

    /// <summary>An IPv4 address from its number, for example 0xC0A80001 for 192.168.0.1.</summary>
    public static IpAddress FromUInt32(uint value) => new(IpFamily.IPv4, value);

    /// <summary>An address from its number.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The number does not fit the family.</exception>
    public static IpAddress From(IpFamily family, UInt128 value) =>
        family == IpFamily.IPv4 && value > uint.MaxValue
            ? throw new ArgumentOutOfRangeException(nameof(value), value, "An IPv4 address has 32 bits.")
            : new IpAddress(family, value);

    /// <summary>An address from the 4 or 16 bytes it has on the wire.</summary>
    /// <exception cref="ArgumentException">The span has neither 4 nor 16 bytes.</exception>
    public static IpAddress FromBytes(ReadOnlySpan<byte> bytes) => bytes.Length switch
    {
        4 => FromUInt32(BinaryPrimitives.ReadUInt32BigEndian(bytes)),
        16 => new IpAddress(IpFamily.IPv6, BinaryPrimitives.ReadUInt128BigEndian(bytes)),
        _ => throw new ArgumentException($"An IP address has 4 or 16 bytes, not {bytes.Length}.", nameof(bytes)),
    };

    /// <summary>The addresses among some texts, such as a status names; what is none is left out.</summary>
    public static IReadOnlyList<IpAddress> ParseAll(IEnumerable<string> texts)
    {
        var addresses = new List<IpAddress>();
        foreach (var text in texts)
        {
            if (TryParse(text, out var address))
            {
                addresses.Add(address);
            }
        }

        return addresses;
    }

    /// <summary>
    /// Reads the textual form: four decimal numbers 0 to 255 without leading zeros, or RFC 4291 §2.2 for IPv6.
    /// Zone identifiers and IPv4-mapped IPv6 addresses are not accepted: neither can be a Service's address.
    /// </summary>
    public static bool TryParse([NotNullWhen(true)] string? text, out IpAddress address)
    {
        address = default;
        if (string.IsNullOrEmpty(text) || text.Length > 45)
        {
            return false;
        }

        if (!text.Contains(':'))
        {
            return TryParseIPv4(text, out address);
        }

        if (text.Contains('%') || text.Contains('[') || text.Contains('/')
            || !IPAddress.TryParse(text, out var parsed) || parsed.IsIPv4MappedToIPv6)
        {
            return false;
        }

        Span<byte> bytes = stackalloc byte[16];
        parsed.TryWriteBytes(bytes, out _);
        address = FromBytes(bytes);
        return true;
    }

    /// <inheritdoc cref="TryParse"/>
    /// <exception cref="FormatException">The text is not an address.</exception>
    public static IpAddress Parse(string text) =>
        TryParse(text, out var address) ? address : throw new FormatException($"'{text}' is not an IP address.");

    /// <summary>Writes the 4 or 16 bytes of the wire form.</summary>
    /// <returns>The number of bytes written.</returns>
    /// <exception cref="ArgumentException">The destination is too short.</exception>
    public int WriteBytes(Span<byte> destination)
    {
        if (Family == IpFamily.IPv4)
        {
            BinaryPrimitives.WriteUInt32BigEndian(destination, AsUInt32);
            return 4;
        }

        BinaryPrimitives.WriteUInt128BigEndian(destination, Value);
        return 16;
    }

    /// <summary>The address <paramref name="offset"/> further on; the caller knows that it stays within the family.</summary>
    public IpAddress Add(UInt128 offset) => From(Family, Value + offset);

    /// <summary>The canonical text: dotted decimal, or RFC 5952 for IPv6.</summary>
    public override string ToString()
    {
        if (Family is not (IpFamily.IPv4 or IpFamily.IPv6))
        {
            return "(none)";
        }

        return ToIPAddress().ToString();
    }

    /// <summary>The address as sockets take it.</summary>
    public IPAddress ToIPAddress()
    {
        Span<byte> bytes = stackalloc byte[16];
        var length = WriteBytes(bytes);
        return new IPAddress(bytes[..length]);
    }

    /// <inheritdoc/>
    public bool Equals(IpAddress other) => lower == other.lower && upper == other.upper && Family == other.Family;

    /// <inheritdoc/>
    public override bool Equals(object? obj) => obj is IpAddress other && Equals(other);

    // Multiplied by the golden ratio (Knuth, TAOCP 3, §6.4), which spreads a run of addresses evenly: everything that is decided looks addresses up.
    /// <inheritdoc/>
    public override int GetHashCode() => (int)(((lower ^ BitOperations.RotateLeft(upper, 29) ^ (ulong)Family) * 0x9E3779B97F4A7C15UL) >> 32);

    /// <inheritdoc/>
    public int CompareTo(IpAddress other) =>
        Family != other.Family ? Family.CompareTo(other.Family) : Value.CompareTo(other.Value);

    /// <summary>Same family, same number.</summary>
    public static bool operator ==(IpAddress left, IpAddress right) => left.Equals(right);

    /// <summary>Another family or another number.</summary>
    public static bool operator !=(IpAddress left, IpAddress right) => !left.Equals(right);

    /// <summary>Sorts before.</summary>
    public static bool operator <(IpAddress left, IpAddress right) => left.CompareTo(right) < 0;

    /// <summary>Sorts after.</summary>
    public static bool operator >(IpAddress left, IpAddress right) => left.CompareTo(right) > 0;

    /// <summary>Sorts before, or equal.</summary>
    public static bool operator <=(IpAddress left, IpAddress right) => left.CompareTo(right) <= 0;

    /// <summary>Sorts after, or equal.</summary>
    public static bool operator >=(IpAddress left, IpAddress right) => left.CompareTo(right) >= 0;

    private static bool TryParseIPv4(string text, out IpAddress address)
    {
        address = default;
        uint value = 0, octet = 0;
        int octets = 0, digits = 0;
        foreach (var c in text)
        {
            if (c == '.')
            {
                if (digits == 0 || ++octets > 3)
                {
                    return false;
                }

                value = (value << 8) | octet;
                octet = 0;
                digits = 0;
                continue;
            }

            // A leading zero is octal to some readers and decimal to others, so it is refused (RFC 6943 §3.1.1).
            if (!char.IsAsciiDigit(c) || (digits > 0 && octet == 0))
            {
                return false;
            }

            octet = (octet * 10) + (uint)(c - '0');
            digits++;
            if (octet > 255)
            {
                return false;
            }
        }

        if (octets != 3 || digits == 0)
        {
            return false;
        }

        address = FromUInt32((value << 8) | octet);
        return true;
    }
}
