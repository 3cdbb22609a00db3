using LoadBalancer.Core.Allocation;

namespace LoadBalancer.Core.Tests.Allocation;

/// <summary>As many entries as addresses, each of them one of the addresses, and yet an address is missing.</summary>
public sealed class StatusWithRepetitionTests
{
    [Fact]
    public void Plan_StatusShowsOneOfTwoAddressesTwice_IsPutRight()
    {
        var allocator = Given.Allocator(Given.Pool("both", "10.1.0.1-10.1.0.2", "fd01::1-fd01::2"));
        var service = Given.Service("s1", "10.1.0.1", "10.1.0.1").Dual(FamilyPolicy.PreferDualStack);
        Planner.Adopt(service, allocator);
        var set = Assert.IsType<Decision.Set>(allocator.Apply(service));
        Assert.Equal("10.1.0.1 fd01::1", set.Addresses());
        Assert.IsType<Decision.Keep>(allocator.Apply(service.After(set)));
    }
}
