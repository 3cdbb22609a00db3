using System.Net;
using CsCheck;
using LoadBalancer.Core.Addressing;

namespace LoadBalancer.Core.Tests.Addressing;

public sealed class IpAddressTests
{
    [Theory]
    [InlineData("0.0.0.0")]
    [InlineData("192.168.1.240")]
    [InlineData("255.255.255.255")]
    [InlineData("::")]
    [InlineData("fc00:f853:ccd:e799::1")]
    [InlineData("2001:db8::1:0:0:1")]
    public void CanonicalText_ParsedAndWritten_IsTheSame(string text) =>
        Assert.Equal(text, IpAddress.Parse(text).ToString());

    [Theory]
    [InlineData("FE80::0:1", "fe80::1")]
    [InlineData("2001:0db8:0000:0000:0000:0000:0000:0001", "2001:db8::1")]
    [InlineData("64:ff9b::192.0.2.33", "64:ff9b::c000:221")]
    public void OtherText_ParsedAndWritten_BecomesCanonical(string text, string canonical) =>
        Assert.Equal(canonical, IpAddress.Parse(text).ToString());

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData(" 1.2.3.4")]
    [InlineData("1.2.3.4 ")]
    [InlineData("1.2.3")]
    [InlineData("1.2.3.4.5")]
    [InlineData("1..3.4")]
    [InlineData(".1.2.3")]
    [InlineData("1.2.3.")]
    [InlineData("1.2.3.256")]
    [InlineData("1.2.3.-4")]
    [InlineData("1.2.3.04")]
    [InlineData("00.2.3.4")]
    [InlineData("0x1.2.3.4")]
    [InlineData("16909060")]
    [InlineData("1.2.3.99999999999")]
    [InlineData("\u0661.2.3.4")]
    [InlineData("foo")]
    [InlineData("fe80::1%eth0")]
    [InlineData("[::1]")]
    [InlineData("::1/128")]
    [InlineData("::ffff:1.2.3.4")]
    [InlineData("1:2:3:4:5:6:7:8:9")]
    [InlineData(":::")]
    [InlineData("g::1")]
    public void TextThatIsNoAddress_Parsed_IsRefused(string? text)
    {
        Assert.False(IpAddress.TryParse(text, out var address));
        Assert.Equal(default, address);
    }

    [Fact]
    public void AnyAddress_ThroughTextAndBytes_RoundTrips() => Addresses.Any.Sample(address =>
    {
        Span<byte> bytes = stackalloc byte[16];
        var length = address.WriteBytes(bytes);
        Assert.Equal(address, IpAddress.FromBytes(bytes[..length]));
        if (!IPAddress.Parse(address.ToString()).IsIPv4MappedToIPv6)
        {
            Assert.Equal(address, IpAddress.Parse(address.ToString()));
        }
    });

    [Fact]
    public void AnyTwoAddresses_Compared_OrderAsTheirBytesDoAndIPv4First() => Gen.Select(Addresses.Any, Addresses.Any).Sample((left, right) =>
    {
        byte[] a = new byte[17], b = new byte[17];
        a[0] = (byte)left.Family;
        b[0] = (byte)right.Family;
        left.WriteBytes(a.AsSpan(1));
        right.WriteBytes(b.AsSpan(1));
        var expected = Math.Sign(a.AsSpan().SequenceCompareTo(b));
        Assert.Equal(expected, Math.Sign(left.CompareTo(right)));
        Assert.Equal(expected < 0, left < right);
        Assert.Equal(expected == 0, left == right);
    });

    [Fact]
    public void DefaultValue_Compared_EqualsNoAddress()
    {
        Assert.NotEqual(default, IpAddress.Parse("0.0.0.0"));
        Assert.NotEqual(default, IpAddress.Parse("::"));
    }

    [Fact]
    public void NumberTooLargeForIPv4_Made_IsRefused() =>
        Assert.Throws<ArgumentOutOfRangeException>(() => IpAddress.From(IpFamily.IPv4, (UInt128)uint.MaxValue + 1));

    [Theory]
    [InlineData(0)]
    [InlineData(3)]
    [InlineData(5)]
    [InlineData(15)]
    [InlineData(17)]
    public void BytesOfAnotherLength_Read_AreRefused(int length) =>
        Assert.Throws<ArgumentException>(() => IpAddress.FromBytes(new byte[length]));
}
