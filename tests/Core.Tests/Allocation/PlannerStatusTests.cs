using LoadBalancer.Core.Allocation;
using LoadBalancer.Core.Pools;

namespace LoadBalancer.Core.Tests.Allocation;

/// <summary>What a status shows, rightly or wrongly, and what becomes of it.</summary>
public sealed class PlannerStatusTests
{
    private readonly Allocator allocator = Given.Allocator(Given.Pool("main", "10.0.0.1-10.0.0.9", "fd00::1-fd00::9"));

    [Theory]
    [InlineData("lb.example.org", "10.0.0.1", AllocationReason.StatusAltered)]
    [InlineData("10.0.0.5,lb.example.org", "10.0.0.5", AllocationReason.StatusAltered)]
    [InlineData("10.0.0.5,10.0.0.6", "10.0.0.5", AllocationReason.StatusAltered)]
    [InlineData("10.0.0.5,fd00::1,10.0.0.6", "10.0.0.5", AllocationReason.StatusAltered)]
    [InlineData("192.0.2.1", "10.0.0.1", AllocationReason.AddressOutsidePools)]
    [InlineData("fd00::5", "10.0.0.1", AllocationReason.FamiliesChanged)]
    public void Status_Wrong_IsPutRightKeepingWhatCanBeKept(string status, string expected, AllocationReason cause)
    {
        var service = Given.Service("s1", status.Split(','));
        Planner.Adopt(service, allocator);
        var set = Assert.IsType<Decision.Set>(allocator.Apply(service));
        Assert.Equal(expected, set.Addresses());
        Assert.Equal(cause, set.Cause!.Reason);
        Assert.Equal(status.Split(','), set.Previous);
        Assert.IsType<Decision.Keep>(allocator.Apply(service.After(set)));
    }

    [Fact]
    public void Status_OfTheOneGiven_IsKeptAndNothingIsToBeDone()
    {
        var service = Given.Service("s1", "10.0.0.5");
        Planner.Adopt(service, allocator);
        Assert.Equal(new Decision.Keep(new Assignment([Given.Ip("10.0.0.5")])), allocator.Apply(service));
    }

    [Fact]
    public void Status_ChangedByAnotherHand_IsRestored()
    {
        var service = Given.Service("s1");
        allocator.Apply(service);
        var set = Assert.IsType<Decision.Set>(allocator.Apply(Given.Service("s1", "10.0.0.7")));
        Assert.Equal("10.0.0.1", set.Addresses());
        Assert.Equal(AllocationReason.StatusAltered, set.Cause!.Reason);
    }

    [Fact]
    public void Status_TwoServicesWithOneAddress_TheOlderKeepsIt()
    {
        var (older, younger) = (Given.Service("s1", "10.0.0.5"), Given.Service("s2", "10.0.0.5"));
        Planner.Adopt(older, allocator);
        Planner.Adopt(younger, allocator);
        Assert.IsType<Decision.Keep>(allocator.Apply(older));
        var set = Assert.IsType<Decision.Set>(allocator.Apply(younger));
        Assert.Equal("10.0.0.1", set.Addresses());
        Assert.Equal(AllocationReason.AddressInUse, set.Cause!.Reason);
        Assert.Contains("default/s1", set.Cause.Text, StringComparison.Ordinal);
    }

    [Fact]
    public void Config_NoLongerCoveringTheAddress_MovesTheService()
    {
        var service = Given.Service("s1", "10.0.0.5");
        Planner.Adopt(service, allocator);
        allocator.Configure(new PoolConfig([Given.Pool("new", "10.1.0.1-10.1.0.9")]));
        var set = Assert.IsType<Decision.Set>(allocator.Apply(service));
        Assert.Equal("10.1.0.1", set.Addresses());
        Assert.Equal(["10.0.0.5"], set.Previous);
        Assert.Equal(AllocationReason.AddressOutsidePools, set.Cause!.Reason);
    }

    [Fact]
    public void Config_RenamingThePool_MovesNobody()
    {
        var service = Given.Service("s1", "10.0.0.5");
        Planner.Adopt(service, allocator);
        allocator.Configure(new PoolConfig([Given.Pool("renamed", "10.0.0.0/24")]));
        Assert.IsType<Decision.Keep>(allocator.Apply(service));
        Assert.Equal("renamed", Assert.Single(allocator.Usage(), usage => usage.InUse == 1).Pool);
    }

    [Fact]
    public void Config_WithoutAnyPool_ClearsWithBothReasons()
    {
        var service = Given.Service("s1", "10.0.0.5");
        Planner.Adopt(service, allocator);
        allocator.Configure(PoolConfig.Empty);
        var clear = Assert.IsType<Decision.Clear>(allocator.Apply(service));
        Assert.Equal(AllocationReason.AddressOutsidePools, clear.Cause.Reason);
        Assert.Equal(AllocationReason.NoPools, clear.Unmet!.Reason);
    }

    [Fact]
    public void Config_NeverRead_TouchesNothing()
    {
        var blank = new Allocator();
        var (working, pending) = (Given.Service("s1", "10.0.0.5"), Given.Service("s2"));
        Assert.Equal(AllocationReason.NoConfiguration, Assert.IsType<Decision.Leave>(Planner.Plan(working, blank)).Reason);
        Assert.Equal(AllocationReason.NoConfiguration, Assert.IsType<Decision.Wait>(Planner.Plan(pending, blank)).Reason.Reason);
    }

    [Theory]
    [InlineData(Eligibility.NotLoadBalancer, typeof(Decision.Clear))]
    [InlineData(Eligibility.NoClusterIP, typeof(Decision.Clear))]
    [InlineData(Eligibility.ForeignClass, typeof(Decision.Leave))]
    [InlineData(Eligibility.BeingDeleted, typeof(Decision.Keep))]
    public void Service_NoLongerEligible_IsTreatedByWhy(Eligibility eligibility, Type decision)
    {
        var service = Given.Service("s1", "10.0.0.5");
        Planner.Adopt(service, allocator);
        Assert.IsType(decision, Planner.Plan(service with { Eligibility = eligibility }, allocator));
    }

    [Theory]
    [InlineData(Eligibility.NotLoadBalancer)]
    [InlineData(Eligibility.NoClusterIP)]
    [InlineData(Eligibility.ForeignClass)]
    [InlineData(Eligibility.BeingDeleted)]
    public void Service_NeverEligible_GetsNothing(Eligibility eligibility) =>
        Assert.IsType<Decision.Leave>(Planner.Plan(Given.Service("s1") with { Eligibility = eligibility }, allocator));

    [Fact]
    public void Service_OfAnotherTypeWithAnAddressFromElsewhere_IsLeftAlone() =>
        Assert.IsType<Decision.Leave>(
            Planner.Plan(Given.Service("s1", "192.0.2.1") with { Eligibility = Eligibility.NotLoadBalancer }, allocator));

    [Fact]
    public void Address_ShownWithoutRight_IsNotOfferedToOthersUnlessTheyHaveIt()
    {
        var foreign = Given.Service("s1", "10.0.0.1", "10.0.0.2") with { Eligibility = Eligibility.ForeignClass };
        var ours = Given.Service("s2", "10.0.0.2");
        Assert.Null(Planner.Adopt(foreign, allocator));
        Planner.Adopt(ours, allocator);
        Planner.HoldShown(foreign, allocator);
        Planner.HoldShown(ours, allocator);
        Assert.IsType<Decision.Keep>(allocator.Apply(ours));
        Assert.Equal("10.0.0.3", allocator.Apply(Given.Service("s3")).Addresses());
    }

    [Fact]
    public void Address_HeldForAWriteUnderWay_IsNotOfferedToOthers()
    {
        var service = Given.Service("s1", "10.0.0.1");
        allocator.Assign(service.Id, SharingTerms.None, new Assignment([Given.Ip("10.0.0.2")]), [Given.Ip("10.0.0.1")]);
        Assert.Equal("10.0.0.3", Planner.Plan(Given.Service("s2"), allocator).Addresses());
        Assert.True(allocator.Assign(service.Id, SharingTerms.None, new Assignment([Given.Ip("10.0.0.2")])));
        Assert.Equal("10.0.0.1", Planner.Plan(Given.Service("s2"), allocator).Addresses());
    }

    [Fact]
    public void Address_OfAnother_CannotBeAssigned()
    {
        allocator.Apply(Given.Service("s1"));
        Assert.Throws<InvalidOperationException>(() =>
            allocator.Assign(new ServiceId("default", "s2"), SharingTerms.None, new Assignment([Given.Ip("10.0.0.1")])));
    }
}
