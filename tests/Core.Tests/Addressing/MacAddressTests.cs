using CsCheck;
using LoadBalancer.Core.Addressing;

namespace LoadBalancer.Core.Tests.Addressing;

public sealed class MacAddressTests
{
    [Fact]
    public void AnyMac_ThroughTextAndOctets_RoundTrips() => Gen.ULong[0, 0xFFFF_FFFF_FFFF].Sample(value =>
    {
        var mac = new MacAddress(value);
        Span<byte> octets = stackalloc byte[MacAddress.Size];
        mac.Write(octets);
        Assert.Equal(mac, MacAddress.Read(octets));
        Assert.Equal(mac, MacAddress.Parse(mac.ToString()));
        Assert.Equal((octets[0] & 1) != 0, mac.IsGroup);
    });

    [Theory]
    [InlineData("")]
    [InlineData("52:54:00:12:34")]
    [InlineData("52:54:00:12:34:56:78")]
    [InlineData("52:54:00:12:34:5g")]
    [InlineData("5254.0012.3456")]
    public void TextThatIsNoMac_Parsed_IsRefused(string text) => Assert.Throws<FormatException>(() => MacAddress.Parse(text));
}
