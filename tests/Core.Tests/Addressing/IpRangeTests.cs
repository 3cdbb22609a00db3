using CsCheck;
using LoadBalancer.Core.Addressing;

namespace LoadBalancer.Core.Tests.Addressing;

public sealed class IpRangeTests
{
    [Theory]
    [InlineData("192.168.1.240-192.168.1.250", "192.168.1.240/29 192.168.1.248/31 192.168.1.250/32")]
    [InlineData("10.0.0.0-10.0.0.255", "10.0.0.0/24")]
    [InlineData(
        "fc00:f853:ccd:e799::1-fc00:f853:ccd:e799::10",
        "fc00:f853:ccd:e799::1/128 fc00:f853:ccd:e799::2/127 fc00:f853:ccd:e799::4/126 fc00:f853:ccd:e799::8/125 fc00:f853:ccd:e799::10/128")]
    [InlineData("0.0.0.0-255.255.255.255", "0.0.0.0/0")]
    [InlineData("::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "::/0")]
    [InlineData("255.255.255.254-255.255.255.255", "255.255.255.254/31")]
    [InlineData("1.2.3.4-1.2.3.4", "1.2.3.4/32")]
    public void Range_AsPrefixes_IsTheKnownMinimalSet(string range, string prefixes) =>
        Assert.Equal(prefixes.Split(' '), Addresses.RangeOf(range).ToPrefixes().Select(prefix => prefix.ToString()));

    [Fact]
    public void AnyRange_AsPrefixes_IsExactlyCoveredInOrderAndMinimal() => Addresses.Range.Sample(range =>
    {
        var prefixes = range.ToPrefixes().ToArray();
        Assert.Equal(range.First, prefixes[0].Network);
        Assert.Equal(range.Last, prefixes[^1].Last);
        for (var i = 1; i < prefixes.Length; i++)
        {
            var (left, right) = (prefixes[i - 1], prefixes[i]);
            Assert.Equal(left.Last.Add(1), right.Network);

            // Minimal: no two neighbours are the halves of one larger prefix.
            Assert.False(left.Length == right.Length && new IpPrefix(left.Network, left.Length - 1).Range == new IpRange(left.Network, right.Last));
        }

        Assert.All(prefixes, prefix => Assert.False(prefix.HasHostBits));
    });

    [Fact]
    public void EndsOfTwoFamilies_Made_AreRefused() =>
        Assert.Throws<ArgumentException>(() => new IpRange(IpAddress.Parse("1.2.3.4"), IpAddress.Parse("::5")));

    [Fact]
    public void StartAfterEnd_Made_IsRefused() =>
        Assert.Throws<ArgumentException>(() => new IpRange(IpAddress.Parse("1.2.3.5"), IpAddress.Parse("1.2.3.4")));

    [Fact]
    public void WholeOfIPv6_Counted_Saturates() => Assert.Equal(UInt128.MaxValue, IpPrefix.Parse("::/0").Range.Count);

    [Theory]
    [InlineData("1.2.3.4-1.2.3.9", "1.2.3.9-1.2.3.12", true)]
    [InlineData("1.2.3.4-1.2.3.9", "1.2.3.10-1.2.3.12", false)]
    [InlineData("1.2.3.4-1.2.3.9", "1.2.3.5", true)]
    [InlineData("0.0.0.0-255.255.255.255", "::-::ffff:ffff", false)]
    public void TwoRanges_Overlap_WhenTheyShareAnAddress(string one, string other, bool overlap)
    {
        Assert.Equal(overlap, Addresses.RangeOf(one).Overlaps(Addresses.RangeOf(other)));
        Assert.Equal(overlap, Addresses.RangeOf(other).Overlaps(Addresses.RangeOf(one)));
    }
}
