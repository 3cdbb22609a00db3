using CsCheck;
using LoadBalancer.Core.Addressing;

namespace LoadBalancer.Core.Tests.Addressing;

public sealed class IpPrefixTests
{
    [Theory]
    [InlineData("192.168.96.11/20", "192.168.96.0", "192.168.111.255", true)]
    [InlineData("10.0.0.0/8", "10.0.0.0", "10.255.255.255", false)]
    [InlineData("1.2.3.4/32", "1.2.3.4", "1.2.3.4", false)]
    [InlineData("0.0.0.0/0", "0.0.0.0", "255.255.255.255", false)]
    [InlineData("::/0", "::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", false)]
    [InlineData("fd00:96::1/120", "fd00:96::", "fd00:96::ff", true)]
    [InlineData("fd00::1/128", "fd00::1", "fd00::1", false)]
    public void Prefix_Parsed_HasItsEnds(string text, string network, string last, bool hostBits)
    {
        var prefix = IpPrefix.Parse(text);
        Assert.Equal(network, prefix.Network.ToString());
        Assert.Equal(last, prefix.Last.ToString());
        Assert.Equal(hostBits, prefix.HasHostBits);
        Assert.Equal(text, prefix.ToString());
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("1.2.3.4")]
    [InlineData("1.2.3.0/33")]
    [InlineData("fd00::/129")]
    [InlineData("1.2.3.0/")]
    [InlineData("1.2.3.0/-1")]
    [InlineData("1.2.3.0/+8")]
    [InlineData("1.2.3.0/ 8")]
    [InlineData("1.2.3.0/8/8")]
    [InlineData("1.2.3.0/99999999999")]
    [InlineData("100.200.300.400/24")]
    public void TextThatIsNoPrefix_Parsed_IsRefused(string? text) => Assert.False(IpPrefix.TryParse(text, out _));

    [Fact]
    public void AnyPrefixAndAddress_Contains_AgreesWithTheRange() => Gen.Select(Addresses.Prefix, Addresses.Any).Sample((prefix, address) =>
    {
        Assert.Equal(prefix.Range.Contains(address), prefix.Contains(address));
        Assert.True(prefix.Contains(prefix.Network));
        Assert.True(prefix.Contains(prefix.Last));
    });

    [Fact]
    public void AnyPrefix_AsRangeAndBack_IsOnePrefix() => Addresses.Prefix.Sample(prefix =>
        Assert.Equal([new IpPrefix(prefix.Network, prefix.Length)], prefix.Range.ToPrefixes()));
}
