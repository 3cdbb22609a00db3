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
    [InlineData("both four six", FamilyPolicy.PreferDualStack, "10.1.0.1 fd01::1")]
    [InlineData("four six", FamilyPolicy.PreferDualStack, "10.0.0.1 fd00::1")]
    [InlineData("six four", FamilyPolicy.PreferDualStack, "10.0.0.1 fd00::1")]
    [InlineData("six", FamilyPolicy.PreferDualStack, "fd00::1")]
    [InlineData("six four", FamilyPolicy.RequireDualStack, "10.0.0.1 fd00::1")]
    [InlineData("four", FamilyPolicy.RequireDualStack, "")]
    [InlineData("six both", FamilyPolicy.SingleStack, "10.1.0.1")]
    public void Service_OfBothFamilies_TakesThemFromOnePoolWhereOneHasBoth(string pools, FamilyPolicy policy, string expected)
    {
        var allocator = Given.Allocator(pools.Split(' ').Select(Named).ToArray());
        Assert.Equal(expected, allocator.Apply(Given.Service("s1").Dual(policy)).Addresses());
    }

    [Fact]
    public void PreferDualStack_WithIPv6First_PrefersThePoolOfThatFamily()
    {
        var allocator = Given.Allocator(Four, Six);
        var service = Given.Service("s1") with { FamilyPolicy = FamilyPolicy.PreferDualStack, Families = [IpFamily.IPv6, IpFamily.IPv4] };
        Assert.Equal("fd00::1 10.0.0.1", allocator.Apply(service).Addresses());
    }

    [Fact]
    public void Pair_FromTwoPools_IsAdoptedAndKeptWhateverIsAddedBesideThem()
    {
        var service = Given.Service("s1", "10.0.0.2", "fd00::2").Dual(FamilyPolicy.PreferDualStack);
        var allocator = Given.Allocator(Four, Six);
        Assert.Equal("10.0.0.2 fd00::2", string.Join(' ', Planner.Adopt(service, allocator)!.Addresses));
        Assert.IsType<Decision.Keep>(allocator.Apply(service));
        allocator.Configure(new PoolConfig([Both, Four, Six]));
        Assert.Equal("10.0.0.2 fd00::2", Assert.IsType<Decision.Keep>(allocator.Apply(service)).Addresses());
    }

    [Fact]
    public void Pair_FromTwoPools_OneOfWhichGoes_LosesOnlyThatAddress()
    {
        var service = Given.Service("s1", "10.0.0.2", "fd00::2").Dual(FamilyPolicy.PreferDualStack);
        var allocator = Given.Allocator(Four, Six);
        Planner.Adopt(service, allocator);
        allocator.Configure(new PoolConfig([Four]));
        var set = Assert.IsType<Decision.Set>(allocator.Apply(service));
        Assert.Equal("10.0.0.2", set.Addresses());
        Assert.Equal(AllocationReason.AddressOutsidePools, set.Cause!.Reason);
    }

    [Theory]
    [InlineData(FamilyPolicy.PreferDualStack, "10.0.0.1")]
    [InlineData(FamilyPolicy.RequireDualStack, "")]
    public void PoolAskedForByName_OfOneFamily_IsTheOnlyOneLookedIn(FamilyPolicy policy, string expected)
    {
        var decision = Given.Allocator(Four, Six).Apply(Given.Service("s1").Dual(policy).AsksPool("four"));
        Assert.Equal(expected, decision.Addresses());
        Assert.Contains("(pool 'four', which annotation metallb.io/address-pool asks for: no IPv6 addresses)", decision.Refusal!.Text, StringComparison.Ordinal);
    }

    [Fact]
    public void SecondFamily_NotToBeHad_SaysForEachPoolWhyNot()
    {
        var allocator = Given.Allocator(
            Four, Six,
            Given.Pool("manual", "fd02::/120") with { AutoAssign = false },
            Given.Pool("team", "fd03::/120") with { Namespaces = ["team"] },
            Given.Pool("router", "fd04::1/128"),
            Given.Pool("kept", "fd05::1/128") with { Reserved = [Given.Range("fd05::1/128")] });
        allocator.Exclude([new Exclusion(Given.Ip("fd04::1"), ExclusionKind.Gateway, "node n1")]);
        allocator.Apply(Given.Service("s1") with { Families = [IpFamily.IPv6] });
        allocator.Apply(Given.Service("s2") with { Families = [IpFamily.IPv6] });
        var refusal = allocator.Apply(Given.Service("s3").Dual(FamilyPolicy.PreferDualStack)).Refusal!;
        Assert.Equal(AllocationReason.SecondFamilyUnavailable, refusal.Reason);
        Assert.Equal(
            "no IPv6 address to go with the one assigned (pool 'four': no IPv6 addresses; pool 'six': all are in use by Services; "
            + "pool 'manual': auto-assign: false; pool 'team': not meant for this Service; pool 'router': fd04::1 is the gateway of node n1; "
            + "pool 'kept': those reserved are given on request only); it is added as soon as one is to be had", refusal.Text);
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
    public void PreferDualStack_WithOneFamily_IsNotMovedToAPoolWithBoth_ButGetsTheSecondThere()
    {
        var allocator = Given.Allocator(Four);
        var service = Given.Service("s1").Dual(FamilyPolicy.PreferDualStack);
        service = service.After(allocator.Apply(service));
        allocator.Configure(new PoolConfig([Both, Four]));
        Assert.Equal("10.0.0.1 fd01::1", Assert.IsType<Decision.Set>(allocator.Apply(service)).Addresses());
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
        Assert.Equal("10.0.0.2 fd01::1", Assert.IsType<Decision.Set>(allocator.Apply(service)).Addresses());
    }

    [Fact]
    public void RequireDualStack_OnASingleStackService_IsRefused()
    {
        var service = Given.Service("s1") with { FamilyPolicy = FamilyPolicy.RequireDualStack };
        Assert.Equal(AllocationReason.NotDualStack, Planner.Plan(service, Given.Allocator(Both)).Refusal!.Reason);
    }

    [Theory]
    [InlineData("10.1.0.2,fd01::2", "10.1.0.2 fd01::2")]
    [InlineData("fd01::2", "10.1.0.1 fd01::2")]
    [InlineData("10.0.0.2", "10.0.0.2 fd01::1")]
    [InlineData("10.0.0.1,fd01::2", "10.0.0.1 fd01::2")]
    public void Request_OfADualStackService_IsCompletedFromItsPoolIfThatHasTheOtherFamily(string request, string expected)
    {
        var service = Given.Service("s1").Dual(FamilyPolicy.RequireDualStack);
        service = service with { Request = new AddressRequest { AnnotationAddresses = request } };
        var decision = Given.Allocator(Four, Both).Apply(service);
        Assert.Equal(expected, decision.Addresses());
        Assert.Null(decision.Refusal);
    }

    [Fact]
    public void Request_OfOneFamily_LeavesTheOtherAddressWhereItIs()
    {
        var allocator = Given.Allocator(Both);
        var service = Given.Service("s1", "10.1.0.2", "fd01::1").Dual(FamilyPolicy.RequireDualStack);
        Planner.Adopt(service, allocator);
        var set = Assert.IsType<Decision.Set>(allocator.Apply(service.Asks("fd01::2")));
        Assert.Equal("10.1.0.2 fd01::2", set.Addresses());
    }

    [Fact]
    public void IPv6Only_WorksAsIPv4Does()
    {
        var allocator = Given.Allocator(Four, Six);
        Assert.Equal("fd00::1", allocator.Apply(Given.Service("s1") with { Families = [IpFamily.IPv6] }).Addresses());
    }

    private static Pool Named(string name) => name switch { "four" => Four, "six" => Six, _ => Both };
}
