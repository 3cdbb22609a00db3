using CsCheck;
using LoadBalancer.Core.Addressing;
using LoadBalancer.Core.Packets;

namespace LoadBalancer.Core.Tests.Packets;

public sealed class AnswerTableTests
{
    private static readonly MacAddress Mac = MacAddress.Parse("52:54:00:00:00:01");

    [Fact]
    public void EmptyTable_HasNothing()
    {
        Assert.Equal(0, AnswerTable.Empty.Count);
        Assert.False(AnswerTable.Empty.TryGet(0, out _));
        Assert.False(AnswerTable.Empty.TryGet(uint.MaxValue, out _));
    }

    // Dense runs of addresses, as pools are, at the places where numbers go wrong.
    [Fact]
    public void Table_HoldsExactlyWhatItWasMadeOf() =>
        Gen.Select(
            Gen.OneOf(Gen.Int[0, 4].Select(i => ((uint[])[0, 1, 0x7FFF_FFF0, 0xFFFF_FFF0, 0xC0A8_6000])[i]), Gen.UInt),
            Gen.Int[0, 300],
            Gen.UInt[1, 5]).Sample((start, count, step) =>
        {
            var expected = new Dictionary<uint, MacAddress>();
            for (var i = 0u; i < count; i++)
            {
                expected[start + (i * step)] = new MacAddress(2 + ((ulong)(i % 7) << 8));
            }

            var table = AnswerTable.Create(expected.Select(e => KeyValuePair.Create(IpAddress.FromUInt32(e.Key), e.Value)));
            return table.Count == expected.Count
                && Enumerable.Range(-5, (5 * count) + 10).All(i =>
                {
                    var address = start + (uint)i;
                    return table.TryGet(address, out var mac) == expected.TryGetValue(address, out var wanted) && mac == wanted;
                });
        },
        iter: 2_000);

    [Fact]
    public void Table_KeepsTheFamiliesApart()
    {
        var table = AnswerTable.Create([new(IpAddress.Parse("::c0a8:6064"), Mac)]);

        Assert.Equal(1, table.Count);
        Assert.False(table.TryGet(IpAddress.Parse("192.168.96.100"), out _));
        Assert.True(table.TryGet(IpAddress.Parse("::c0a8:6064"), out var mac));
        Assert.Equal(Mac, mac);
        Assert.True(table.TryGet((UInt128)0xC0A8_6064, out _));
    }

    [Theory]
    [InlineData("192.168.96.100")]
    [InlineData("fd00::1")]
    public void AddressGivenTwice_IsRefused(string address)
    {
        var answer = KeyValuePair.Create(IpAddress.Parse(address), Mac);

        var e = Assert.Throws<ArgumentException>(() => AnswerTable.Create([answer, answer]));
        Assert.Contains(address, e.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("00:00:00:00:00:00")]
    [InlineData("ff:ff:ff:ff:ff:ff")]
    [InlineData("01:00:5e:00:00:01")]
    public void MacOfNoHost_IsRefused(string mac) =>
        Assert.Throws<ArgumentException>(() => AnswerTable.Create([new(IpAddress.Parse("192.168.96.100"), MacAddress.Parse(mac))]));

    [Fact]
    public void AnswerWithoutAddress_IsRefused() => Assert.Throws<ArgumentException>(() => AnswerTable.Create([new(default, Mac)]));

    [Fact]
    public void NoAddress_IsNotFound() => Assert.False(AnswerTable.Empty.TryGet(default(IpAddress), out _));
}
