using LoadBalancer.Core.Allocation;

namespace LoadBalancer.Core.Tests.Allocation;

/// <summary>Pools that begin at the lowest or end at the highest number of a family.</summary>
public sealed class RangeEndTests
{
    [Theory]
    [InlineData("0.0.0.0-0.0.0.2", "0.0.0.0 0.0.0.1 0.0.0.2")]
    [InlineData("255.255.255.253-255.255.255.255", "255.255.255.253 255.255.255.254 255.255.255.255")]
    [InlineData("::-::2", ":: ::1 ::2")]
    [InlineData(
        "ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffd-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
        "ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffd ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff")]
    public void Pool_AtTheEndOfItsFamily_IsUsedUpAndGivenBackInAnyOrder(string range, string expected)
    {
        var allocator = Given.Allocator(Given.Pool("p", range));
        foreach (var order in new int[][] { [1, 2, 3], [3, 1, 2], [2, 3, 1] })
        {
            var given = Enumerable.Range(1, 3).Select(n => allocator.Apply(Asking(n, range)).Addresses());
            Assert.Equal(expected, string.Join(' ', given));
            Assert.IsType<Decision.Wait>(allocator.Apply(Asking(4, range)));
            Assert.All(order, n => Assert.True(allocator.Release(new ServiceId("default", $"s{n}"))));
        }
    }

    private static ServiceFacts Asking(int number, string range) => Given.Service($"s{number}") with
    {
        Families = [range.Contains(':') ? Core.Addressing.IpFamily.IPv6 : Core.Addressing.IpFamily.IPv4],
    };
}
