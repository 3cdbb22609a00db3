using LoadBalancer.Core.Addressing;
using LoadBalancer.Core.Allocation;
using LoadBalancer.Core.Pools;

namespace LoadBalancer.Core.Tests.Allocation;

public sealed class DualStackTests
{
    private static readonly Pool Four = Given.Pool("four", "10.0.0.1-10.0.0.2");
    private static readonly Pool Six = Given.Pool("six", "fd00::1-fd00::2");
    private static readonly Pool Both = Given.Pool("both", "10.1.0.1-10.1.0.2", "fd01::1-fd01::2");

    [Theory]
    [InlineData("four six both", FamilyPolicy.PreferDualStack, "10.1.0.1 fd01::1")]
    [InlineData("four six both", FamilyPolicy.RequireDualStack, "10.1.0.1 fd01::1")]
    [InlineData("six four", FamilyPolicy.PreferDualStack, "10.0.0.1")]
    [InlineData("six", FamilyPolicy.PreferDualStack, "fd00::1")]
    [InlineData("six four", FamilyPolicy.RequireDualStack, "")]
    [InlineData("six both", FamilyPolicy.SingleStack, "10.1.0.1")]
    public void Service_OfBothFamilies_TakesThemFromOnePool(string pools, FamilyPolicy policy, string expected)
    {
        var allocator = Given.Allocator(pools.Split(' ').Select(Named).ToArray());
        Assert.Equal(expected, allocator.Apply(Given.Service("s1").Dual(policy)).Addresses());
    }

    [Fact]
    public void PreferDualStack_WithIPv6First_PrefersThePoolOfThatFamily()
    {
        var allocator = Given.Allocator(Four, Six);
        var service = Given.Service("s1") with { FamilyPolicy = FamilyPolicy.PreferDualStack, Families = [IpFamily.IPv6, IpFamily.IPv4] };
        Assert.Equal("fd00::1", allocator.Apply(service).Addresses());
    }

    [Fact]
    public void PreferDualStack_GetsTheOtherFamilyWhenItBecomesAvailable()
    {
        var allocator = Given.Allocator(Four);
        var service = Given.Service("s1").Dual(FamilyPolicy.PreferDualStack);
        var first = allocator.Apply(service);
        Assert.Equal(AllocationReason.SecondFamilyUnavailable, first.Refusal!.Reason);

        allocator.Configure(new PoolConfig([Given.Pool("four", "10.0.0.1-10.0.0.2", "fd00::1-fd00::2")]));
        var second = Assert.IsType<Decision.Set>(allocator.Apply(service.After(first)));
        Assert.Equal("10.0.0.1 fd00::1", second.Addresses());
        Assert.Equal(AllocationReason.FamiliesChanged, second.Cause!.Reason);
    }

    [Fact]
    public void PreferDualStack_WithOneFamily_IsNotMovedToAPoolWithBoth()
    {
        var allocator = Given.Allocator(Four);
        var service = Given.Service("s1").Dual(FamilyPolicy.PreferDualStack);
        service = service.After(allocator.Apply(service));
        allocator.Configure(new PoolConfig([Both, Four]));
        Assert.Equal("10.0.0.1", Assert.IsType<Decision.Keep>(allocator.Apply(service)).Addresses());
    }

    [Fact]
    public void SingleToDual_AddsTheSecondFamilyAndKeepsTheFirst()
    {
        var allocator = Given.Allocator(Both);
        var service = Given.Service("s1", "10.1.0.2");
        Planner.Adopt(service, allocator);
        Assert.Equal("10.1.0.2 fd01::1", allocator.Apply(service.Dual(FamilyPolicy.RequireDualStack)).Addresses());
    }

    [Fact]
    public void DualToSingle_GivesTheSecondFamilyBack()
    {
        var allocator = Given.Allocator(Both);
        var service = Given.Service("s1").Dual(FamilyPolicy.RequireDualStack);
        service = service.After(allocator.Apply(service));
        var single = service with { FamilyPolicy = FamilyPolicy.SingleStack, Families = [IpFamily.IPv4] };
        var set = Assert.IsType<Decision.Set>(allocator.Apply(single));
        Assert.Equal("10.1.0.1", set.Addresses());
        Assert.Equal(AllocationReason.FamiliesChanged, set.Cause!.Reason);
        Assert.Empty(allocator.UsersOf(Given.Ip("fd01::1")));
    }

    [Fact]
    public void RequireDualStack_WithAWorkingAddress_KeepsItUntilBothCanBeHad()
    {
        var allocator = Given.Allocator(Four);
        var service = Given.Service("s1", "10.0.0.2");
        Planner.Adopt(service, allocator);
        service = service.Dual(FamilyPolicy.RequireDualStack);
        var keep = Assert.IsType<Decision.Keep>(allocator.Apply(service));
        Assert.NotNull(keep.Unmet);

        allocator.Configure(new PoolConfig([Four, Both]));
        Assert.Equal("10.1.0.1 fd01::1", Assert.IsType<Decision.Set>(allocator.Apply(service)).Addresses());
    }

    [Fact]
    public void RequireDualStack_OnASingleStackService_IsRefused()
    {
        var service = Given.Service("s1") with { FamilyPolicy = FamilyPolicy.RequireDualStack };
        Assert.Equal(AllocationReason.NotDualStack, Planner.Plan(service, Given.Allocator(Both)).Refusal!.Reason);
    }

    [Theory]
    [InlineData("10.1.0.2,fd01::2", "10.1.0.2 fd01::2", null)]
    [InlineData("fd01::2", "10.1.0.1 fd01::2", null)]
    [InlineData("10.0.0.1,fd01::2", "", AllocationReason.AddressesInTwoPools)]
    public void Request_OfADualStackService_IsCompletedFromItsPool(string request, string expected, AllocationReason? refusal)
    {
        var service = Given.Service("s1").Dual(FamilyPolicy.RequireDualStack);
        service = service with { Request = new AddressRequest { AnnotationAddresses = request } };
        var decision = Given.Allocator(Four, Both).Apply(service);
        Assert.Equal(expected, decision.Addresses());
        Assert.Equal(refusal, decision.Refusal?.Reason);
    }

    [Fact]
    public void IPv6Only_WorksAsIPv4Does()
    {
        var allocator = Given.Allocator(Four, Six);
        Assert.Equal("fd00::1", allocator.Apply(Given.Service("s1") with { Families = [IpFamily.IPv6] }).Addresses());
    }

    private static Pool Named(string name) => name switch { "four" => Four, "six" => Six, _ => Both };
}
