using LoadBalancer.Core.Addressing;
using LoadBalancer.Core.Allocation;

namespace LoadBalancer.Core.Tests.Allocation;

public sealed class NodeExclusionsTests
{
    [Theory]
    [InlineData("192.168.96.11/20", "192.168.96.0 NetworkAddress, 192.168.111.255 BroadcastAddress")]
    [InlineData("10.0.0.5/30", "10.0.0.4 NetworkAddress, 10.0.0.7 BroadcastAddress")]
    [InlineData("10.0.0.5/31", "")]
    [InlineData("10.0.0.5/32", "")]
    [InlineData("fd00:96::11/64", "fd00:96:: NetworkAddress")]
    [InlineData("fd00:96::11/127", "")]
    [InlineData("fd00:96::11/128", "")]
    public void Subnet_HasTheEndsThatNoHostCanHave(string prefix, string expected) => Assert.Equal(
        expected, string.Join(", ", NodeExclusions.OfSubnets([IpPrefix.Parse(prefix)]).Select(e => $"{e.Address} {e.Kind}")));

    [Fact]
    public void Exclusions_OfAllKinds_AreSkippedAndRefusedWithTheirReason()
    {
        var allocator = Given.Allocator(Given.Pool("p", "192.168.96.0-192.168.96.4"));
        allocator.Exclude(
        [
            .. NodeExclusions.OfAddresses("n1", [Given.Ip("192.168.96.1")]),
            .. NodeExclusions.OfGateways("n1", [Given.Ip("192.168.96.2")]),
            .. NodeExclusions.OfSubnets([IpPrefix.Parse("192.168.96.1/29")]),
        ]);

        Assert.Equal("192.168.96.3", allocator.Apply(Given.Service("s1")).Addresses());
        Assert.Contains("the address of node n1", RefusalOf("192.168.96.1"), StringComparison.Ordinal);
        Assert.Contains("the gateway of node n1", RefusalOf("192.168.96.2"), StringComparison.Ordinal);
        Assert.Contains("the network address of the subnet 192.168.96.0/29", RefusalOf("192.168.96.0"), StringComparison.Ordinal);

        string RefusalOf(string address) => Planner.Plan(Given.Service("s2").Asks(address), allocator).Refusal!.Text;
    }
}
