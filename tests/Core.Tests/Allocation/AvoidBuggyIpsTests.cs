namespace LoadBalancer.Core.Tests.Allocation;

/// <summary>What <c>avoid-buggy-ips</c> means beyond the choice of the lowest free address.</summary>
public sealed class AvoidBuggyIpsTests
{
    [Fact]
    public void Usage_SizeOfThePool_IsWithoutTheAvoidedAddresses()
    {
        var pool = Given.Pool("p", "1.2.3.0/24", "2.3.4.128/25") with { AvoidBuggyIps = true };
        Assert.Equal(381, Assert.Single(Given.Allocator(pool).Usage()).Size);
    }
}
