using System.Globalization;

namespace LoadBalancer.Core.Addressing;

/// <summary>A 48-bit IEEE 802 MAC address.</summary>
/// <param name="Value">The address as a number, first octet on the wire highest; the upper 16 bits are zero.</param>
public readonly record struct MacAddress(ulong Value)
{
    /// <summary>The number of octets on the wire.</summary>
    public const int Size = 6;

    /// <summary><c>ff:ff:ff:ff:ff:ff</c>.</summary>
    public static MacAddress Broadcast => new(0xFFFF_FFFF_FFFF);

    /// <summary>Whether the group bit is set: broadcast or multicast, never the address of a host.</summary>
    public bool IsGroup => (Value >> 40 & 1) != 0;

    /// <summary>Reads six octets.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The span is shorter than six octets.</exception>
    public static MacAddress Read(ReadOnlySpan<byte> octets) => new(
        ((ulong)octets[0] << 40) | ((ulong)octets[1] << 32) | ((ulong)octets[2] << 24)
        | ((ulong)octets[3] << 16) | ((ulong)octets[4] << 8) | octets[5]);

    /// <summary>Reads six colon-separated pairs of hexadecimal digits.</summary>
    /// <exception cref="FormatException">The text is not a MAC address.</exception>
    public static MacAddress Parse(string text)
    {
        var parts = text.Split(':');
        ulong value = 0;
        foreach (var part in parts)
        {
            if (part.Length != 2 || !byte.TryParse(part, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var octet))
            {
                throw new FormatException($"'{text}' is not a MAC address such as 52:54:00:12:34:56.");
            }

            value = (value << 8) | octet;
        }

        return parts.Length == Size ? new MacAddress(value) : throw new FormatException($"'{text}' does not have six octets.");
    }

    /// <summary>Writes six octets.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The span is shorter than six octets.</exception>
    public void Write(Span<byte> octets)
    {
        octets[5] = (byte)Value;
        octets[4] = (byte)(Value >> 8);
        octets[3] = (byte)(Value >> 16);
        octets[2] = (byte)(Value >> 24);
        octets[1] = (byte)(Value >> 32);
        octets[0] = (byte)(Value >> 40);
    }

    /// <summary>Lower-case, colon-separated, as <c>ip link</c> prints it.</summary>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture,
        $"{(byte)(Value >> 40):x2}:{(byte)(Value >> 32):x2}:{(byte)(Value >> 24):x2}:{(byte)(Value >> 16):x2}:{(byte)(Value >> 8):x2}:{(byte)Value:x2}");
}
