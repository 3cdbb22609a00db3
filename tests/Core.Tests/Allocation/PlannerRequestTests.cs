using LoadBalancer.Core.Allocation;
using LoadBalancer.Core.Pools;

namespace LoadBalancer.Core.Tests.Allocation;

/// <summary>What the user asks for, well and badly, and that a bad wish takes nothing away.</summary>
public sealed class PlannerRequestTests
{
    private readonly Allocator allocator = Given.Allocator(
        Given.Pool("main", "10.0.0.1-10.0.0.9", "fd00::1-fd00::9"),
        Given.Pool("manual", "10.0.1.1-10.0.1.9") with { AutoAssign = false },
        Given.Pool("team", "10.0.2.1-10.0.2.9") with { Namespaces = ["team"] });

    public static TheoryData<string, AddressRequest, AllocationReason, string> BadRequests => new()
    {
        { "two", new() { SpecAddress = "10.0.0.1", AnnotationAddresses = "10.0.0.2" }, AllocationReason.RequestedTwice, "remove one" },
        { "no address", new() { SpecAddress = "10.0.0" }, AllocationReason.RequestNotAnAddress, "spec.loadBalancerIP is '10.0.0'" },
        { "host name", new() { AnnotationAddresses = "10.0.0.1,web" }, AllocationReason.RequestNotAnAddress, "'web' is not an IP address" },
        { "empty item", new() { AnnotationAddresses = "10.0.0.1," }, AllocationReason.RequestNotAnAddress, "''" },
        { "two of a family", new() { AnnotationAddresses = "10.0.0.1, 10.0.0.2" }, AllocationReason.RequestedTooMany, "2 IPv4 addresses" },
        { "three", new() { AnnotationAddresses = "10.0.0.1,10.0.0.2,fd00::1" }, AllocationReason.RequestedTooMany, "at most one" },
        { "wrong family", new() { SpecAddress = "fd00::1" }, AllocationReason.RequestFamilyMismatch, "spec.ipFamilies is IPv4" },
        { "outside", new() { SpecAddress = "10.9.9.9" }, AllocationReason.AddressOutsidePools, "10.9.9.9, which is in no pool" },
        { "unknown pool", new() { Pool = "nope" }, AllocationReason.PoolUnknown, "it has pools 'main', 'manual', 'team'" },
        { "unknown pool by what is not seen", new() { Pool = "main\u200B" }, AllocationReason.PoolUnknown, "'main<U+200B ZERO WIDTH SPACE>'" },
        { "no address by what is not seen", new() { SpecAddress = "10.0.0.1\u2060" }, AllocationReason.RequestNotAnAddress, "<U+2060 WORD JOINER>" },
        { "contradiction", new() { SpecAddress = "10.0.0.1", Pool = "manual" }, AllocationReason.AddressContradictsPool, "pool 'manual'" },
        { "foreign pool", new() { Pool = "team" }, AllocationReason.PoolNotForService, "'default'" },
        { "foreign pool by address", new() { SpecAddress = "10.0.2.1" }, AllocationReason.PoolNotForService, "'team'" },
    };

    [Theory]
    [MemberData(nameof(BadRequests))]
    public void BadRequest_OfAServiceWithoutAddress_WaitsWithReasonAndText(
        string name, AddressRequest request, AllocationReason reason, string text)
    {
        var decision = Planner.Plan(Given.Service("s1") with { Request = request }, allocator);
        var wait = Assert.IsType<Decision.Wait>(decision);
        Assert.True(wait.Reason.Reason == reason, $"{name}: {wait.Reason}");
        Assert.Contains(text, wait.Reason.Text, StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(BadRequests))]
    public void BadRequest_OfAServiceWithAddress_KeepsIt(string name, AddressRequest request, AllocationReason reason, string text)
    {
        var service = Given.Service("s1", "10.0.0.5");
        Planner.Adopt(service, allocator);
        var keep = Assert.IsType<Decision.Keep>(Planner.Plan(service with { Request = request }, allocator));
        Assert.Equal("10.0.0.5", keep.Addresses());
        Assert.True(keep.Unmet!.Reason == reason, name);
        Assert.Contains(text, keep.Unmet.Text, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("10.0.0.7", "")]
    [InlineData("10.0.1.3", "")]
    [InlineData("10.0.1.3", "manual")]
    [InlineData("", "manual")]
    public void Request_Feasible_IsGranted(string address, string pool)
    {
        var decision = Planner.Plan(Given.Service("s1").Asks(address).AsksPool(pool), allocator);
        Assert.Equal(address.Length > 0 ? address : "10.0.1.1", Assert.IsType<Decision.Set>(decision).Addresses());
    }

    [Fact]
    public void Request_ChangedAndFeasible_MovesAndSaysWhy()
    {
        var service = Given.Service("s1", "10.0.0.5");
        Planner.Adopt(service, allocator);
        var set = Assert.IsType<Decision.Set>(allocator.Apply(service.Asks("10.0.0.7")));
        Assert.Equal("10.0.0.7", set.Addresses());
        Assert.Equal(["10.0.0.5"], set.Previous);
        Assert.Equal(AllocationReason.AddressRequested, set.Cause!.Reason);
        Assert.Empty(allocator.UsersOf(Given.Ip("10.0.0.5")));
    }

    [Fact]
    public void Request_ForAnAddressInUse_KeepsTheOldOneUntilItIsFree()
    {
        Planner.Adopt(Given.Service("s1", "10.0.0.7"), allocator);
        var service = Given.Service("s2", "10.0.0.5");
        Planner.Adopt(service, allocator);
        var keep = Assert.IsType<Decision.Keep>(allocator.Apply(service.Asks("10.0.0.7")));
        Assert.Equal(AllocationReason.AddressInUse, keep.Unmet!.Reason);
        Assert.Contains("default/s1", keep.Unmet.Text, StringComparison.Ordinal);

        allocator.Release(new ServiceId("default", "s1"));
        Assert.Equal("10.0.0.7", Assert.IsType<Decision.Set>(allocator.Apply(service.Asks("10.0.0.7"))).Addresses());
    }

    [Fact]
    public void Request_Withdrawn_ChangesNothing()
    {
        var service = Given.Service("s1");
        service = service.After(allocator.Apply(service.Asks("10.0.1.3")));
        Assert.Equal("10.0.1.3", Assert.IsType<Decision.Keep>(allocator.Apply(service.Asks(""))).Addresses());
    }

    [Fact]
    public void Request_ForAnotherPool_MovesAndSaysWhy()
    {
        var service = Given.Service("s1", "10.0.0.5");
        Planner.Adopt(service, allocator);
        var set = Assert.IsType<Decision.Set>(allocator.Apply(service.AsksPool("manual")));
        Assert.Equal("10.0.1.1", set.Addresses());
        Assert.Equal(AllocationReason.PoolRequested, set.Cause!.Reason);
    }

    [Fact]
    public void Request_ForAnAddressOfAFullPool_IsJudgedByTheAddress()
    {
        var full = Given.Allocator(Given.Pool("p", "10.0.0.1/32"));
        Planner.Adopt(Given.Service("s1", "10.0.0.1"), full);
        Assert.Equal(AllocationReason.AddressInUse, Planner.Plan(Given.Service("s2").Asks("10.0.0.1"), full).Refusal!.Reason);
        Assert.Equal(AllocationReason.NoFreeAddress, Planner.Plan(Given.Service("s2"), full).Refusal!.Reason);
    }

    [Fact]
    public void AutomaticPools_AreThoseMeantForTheServiceFirstThenTheOthers()
    {
        PoolConfig config = new([
            Given.Pool("general", "10.0.0.1/32") with { Priority = 1 },
            Given.Pool("labelled", "10.0.1.1/32") with { Priority = 2, ServiceSelectors = [Selector("tier", "front")] },
            Given.Pool("team", "10.0.2.1/32") with { Priority = 3, Namespaces = ["other"], NamespaceSelectors = [Selector("team", "web")] },
            Given.Pool("both", "10.0.3.1/32") with { Namespaces = ["default"], ServiceSelectors = [Selector("tier", "back")] },
        ]);
        var tried = new Allocator();
        tried.Configure(config);
        var front = new Dictionary<string, string> { ["tier"] = "front" };
        var web = new Dictionary<string, string> { ["team"] = "web" };

        var given = new[] { "s1", "s2", "s3", "s4" }
            .Select(name => tried.Apply(Given.Service(name) with { Labels = front, NamespaceLabels = web }).Addresses());
        Assert.Equal(["10.0.1.1", "10.0.2.1", "10.0.0.1", ""], given);
    }

    [Fact]
    public void Address_WhosePoolNoLongerAdmitsTheService_IsGivenUp()
    {
        var service = Given.Service("s1", "10.0.2.5") with { Id = new ServiceId("team", "s1") };
        Planner.Adopt(service, allocator);
        Assert.IsType<Decision.Keep>(allocator.Apply(service));
        allocator.Configure(new PoolConfig([
            Given.Pool("main", "10.0.0.1-10.0.0.9"), Given.Pool("team", "10.0.2.1-10.0.2.9") with { Namespaces = ["other"] }]));
        var set = Assert.IsType<Decision.Set>(allocator.Apply(service));
        Assert.Equal("10.0.0.1", set.Addresses());
        Assert.Equal(AllocationReason.PoolNotForService, set.Cause!.Reason);
    }

    [Theory]
    [InlineData("nothing", AllocationReason.NoPools)]
    [InlineData("manual", AllocationReason.NoPoolForService)]
    [InlineData("v6", AllocationReason.NoPoolOfFamily)]
    public void Pools_ThatCannotServe_SayWhy(string which, AllocationReason reason)
    {
        var config = which switch
        {
            "nothing" => Given.Allocator(),
            "manual" => Given.Allocator(Given.Pool("manual", "10.0.0.0/24") with { AutoAssign = false }),
            _ => Given.Allocator(Given.Pool("six", "fd00::/64")),
        };
        Assert.Equal(reason, Assert.IsType<Decision.Wait>(Planner.Plan(Given.Service("s1"), config)).Reason.Reason);
    }

    private static LabelSelector Selector(string key, string value) => new([new LabelRequirement(key, LabelOperator.In, [value])]);
}
