using LoadBalancer.Core.Allocation;
using LoadBalancer.Core.Pools;

namespace LoadBalancer.Core.Tests.Allocation;

/// <summary>What <c>avoid-buggy-ips</c> means beyond the choice of the lowest free address. As MetalLB decides it: never, on request neither.</summary>
public sealed class AvoidBuggyIpsTests
{
    private readonly Pool avoiding = Given.Pool("p", "10.0.0.254-10.0.1.1", "fd00::/120") with { AvoidBuggyIps = true };

    [Theory]
    [InlineData("10.0.0.255", ".255")]
    [InlineData("10.0.1.0", ".0")]
    public void Request_ForAnAvoidedAddress_IsRefusedWithTheKeyThatKeepsItBack(string address, string end)
    {
        var refusal = Given.Allocator(avoiding).Apply(Given.Service("s1").Asks(address)).Refusal!;
        Assert.Equal(AllocationReason.AddressAvoided, refusal.Reason);
        Assert.Equal($"spec.loadBalancerIP asks for {address}, which pool 'p' never gives out: it has avoid-buggy-ips: true, and the address "
            + $"ends in {end}; ask for another address, or set avoid-buggy-ips: false", refusal.Text);
        Assert.Equal(address, Given.Allocator(avoiding with { AvoidBuggyIps = false }).Apply(Given.Service("s1").Asks(address)).Addresses());
    }

    [Theory]
    [InlineData("10.0.1.1")]
    [InlineData("fd00::")]
    [InlineData("fd00::ff")]
    public void Request_ForAnotherAddressOfThePool_IsGranted(string address) => Assert.Equal(address, Given.Allocator(avoiding)
        .Apply(Given.Service("s1").Asks(address) with { Families = [Given.Ip(address).Family] }).Addresses());

    [Fact]
    public void Request_ForAnAvoidedAddressThatIsReserved_IsRefusedToo()
    {
        var allocator = Given.Allocator(avoiding with { Reserved = [Given.Range("10.0.0.255-10.0.1.0")] });
        Assert.Equal(AllocationReason.AddressAvoided, allocator.Apply(Given.Service("s1").Asks("10.0.1.0")).Refusal!.Reason);
    }

    [Fact]
    public void SwitchedOn_MovesTheServiceThatHasAnAvoidedAddress_AndNobodyElse()
    {
        var allocator = Given.Allocator(avoiding with { AvoidBuggyIps = false });
        var (one, two) = (Given.Service("s1", "10.0.0.254"), Given.Service("s2", "10.0.0.255"));
        Planner.Adopt(one, allocator);
        Planner.Adopt(two, allocator);
        allocator.Configure(new PoolConfig([avoiding]));
        Assert.IsType<Decision.Keep>(allocator.Apply(one));
        var set = Assert.IsType<Decision.Set>(allocator.Apply(two));
        Assert.Equal("10.0.1.1", set.Addresses());
        Assert.Equal(AllocationReason.AddressAvoided, set.Cause!.Reason);
    }

    [Fact]
    public void Usage_SizeOfThePool_IsWithoutTheAvoidedAddresses()
    {
        var pool = Given.Pool("p", "1.2.3.0/24", "2.3.4.128/25") with { AvoidBuggyIps = true };
        Assert.Equal(381, Assert.Single(Given.Allocator(pool).Usage()).Size);
    }
}
