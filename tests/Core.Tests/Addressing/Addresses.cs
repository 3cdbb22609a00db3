using CsCheck;
using LoadBalancer.Core.Addressing;

namespace LoadBalancer.Core.Tests.Addressing;

/// <summary>Generators of addresses, ranges and prefixes; small values are frequent so that ranges meet.</summary>
internal static class Addresses
{
    public static Gen<UInt128> Number { get; } = Gen.Select(Gen.ULong, Gen.ULong, (high, low) => new UInt128(high, low));

    public static Gen<IpAddress> IPv4 { get; } = Gen.OneOf(Gen.UInt, Gen.UInt[0, 600], Gen.UInt[uint.MaxValue - 300, uint.MaxValue])
        .Select(IpAddress.FromUInt32);

    public static Gen<IpAddress> IPv6 { get; } = Gen.OneOf(
            Number,
            Gen.ULong[0, 600].Select(low => (UInt128)low),
            Gen.ULong[0, 300].Select(below => UInt128.MaxValue - below))
        .Select(value => IpAddress.From(IpFamily.IPv6, value));

    public static Gen<IpAddress> Any { get; } = Gen.OneOf(IPv4, IPv6);

    public static Gen<IpRange> Range { get; } = Gen.OneOf(Gen.Select(IPv4, IPv4), Gen.Select(IPv6, IPv6))
        .Select((one, other) => one <= other ? new IpRange(one, other) : new IpRange(other, one));

    /// <summary>Short ranges near both ends of both families: they overlap, touch and nest often.</summary>
    public static Gen<IpRange> CrowdedRange { get; } = Gen.Select(Gen.Bool, Gen.Bool, Gen.UInt[0, 80], Gen.UInt[0, 12], (six, top, start, length) =>
    {
        var family = six ? IpFamily.IPv6 : IpFamily.IPv4;
        var end = six ? UInt128.MaxValue : uint.MaxValue;
        return top
            ? new IpRange(IpAddress.From(family, end - start - length), IpAddress.From(family, end - start))
            : new IpRange(IpAddress.From(family, start), IpAddress.From(family, start + length));
    });

    public static Gen<IpPrefix> Prefix { get; } = Gen.OneOf(
        Gen.Select(IPv4, Gen.Int[0, 32], (address, length) => new IpPrefix(address, length)),
        Gen.Select(IPv6, Gen.Int[0, 128], (address, length) => new IpPrefix(address, length)));

    public static IpRange RangeOf(string text)
    {
        var ends = text.Split('-');
        return new IpRange(IpAddress.Parse(ends[0]), IpAddress.Parse(ends[^1]));
    }
}
