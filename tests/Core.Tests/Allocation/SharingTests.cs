using LoadBalancer.Core.Allocation;

namespace LoadBalancer.Core.Tests.Allocation;

public sealed class SharingTests
{
    private readonly Allocator allocator = Given.Allocator(Given.Pool("p", "10.0.0.1-10.0.0.9"));

    public static TheoryData<SharingTerms, SharingTerms, AllocationReason?> Pairs => new()
    {
        { Given.Shares("k", 80), Given.Shares("k", 443), null },
        { Given.Shares("k", 80), new("k", SharingBackend.Cluster, [new PortUse("UDP", 80)]), null },
        { Given.Shares("", 80), Given.Shares("", 443), AllocationReason.AddressInUse },
        { Given.Shares("k", 80), Given.Shares("", 443), AllocationReason.AddressInUse },
        { Given.Shares("k", 80), Given.Shares("l", 443), AllocationReason.SharingKeyDiffers },
        { Given.Shares("k", 80), Given.Shares("k", 443, 80), AllocationReason.SharingPortTaken },
        { Given.Shares("k", 80) with { Backend = Given.Pods("default", "app=a") }, Given.Shares("k", 443), AllocationReason.SharingBackendDiffers },
        { Given.Shares("k", 80) with { Backend = Given.Pods("default", "app=a") }, Given.Shares("k", 443) with { Backend = Given.Pods("default", "app=a") }, null },
        { Given.Shares("k", 80) with { Backend = Given.Pods("a", "app=a") }, Given.Shares("k", 443) with { Backend = Given.Pods("b", "app=a") }, AllocationReason.SharingBackendDiffers },
        { Given.Shares("k", 80) with { Backend = ByHand("one") }, Given.Shares("k", 443) with { Backend = ByHand("two") }, AllocationReason.SharingBackendDiffers },
        { Given.Shares("k", 80) with { Backend = ByHand("one") }, Given.Shares("k", 443), AllocationReason.SharingBackendDiffers },
        { Given.Shares("k", 80) with { Backend = ByHand("one") }, Given.Shares("k", 443) with { Backend = Given.Pods("default", "app=a") }, AllocationReason.SharingBackendDiffers },
    };

    [Theory]
    [MemberData(nameof(Pairs))]
    public void TwoServices_AskingForOneAddress_ShareItOnlyOnEqualTerms(SharingTerms first, SharingTerms second, AllocationReason? refusal)
    {
        allocator.Apply(Given.Service("s1").Asks("10.0.0.5") with { Sharing = first });
        var decision = allocator.Apply(Given.Service("s2").Asks("10.0.0.5") with { Sharing = second });
        Assert.Equal(refusal, decision.Refusal?.Reason);
        Assert.Equal(refusal is null ? "10.0.0.5" : "", decision.Addresses());
        if (refusal is not null)
        {
            Assert.Contains("default/s1", decision.Refusal!.Text, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Sharers_WithoutARequest_ComeTogether()
    {
        var services = Enumerable.Range(1, 3).Select(i => Given.Service($"s{i}") with { Sharing = Given.Shares("k", 80 + i) });
        var given = services.Select(service => allocator.Apply(service).Addresses());
        Assert.Equal(["10.0.0.1", "10.0.0.1", "10.0.0.1"], given);
    }

    [Fact]
    public void Sharer_WithATakenPort_GetsAnAddressOfItsOwn()
    {
        allocator.Apply(Given.Service("s1") with { Sharing = Given.Shares("k", 80) });
        Assert.Equal("10.0.0.2", allocator.Apply(Given.Service("s2") with { Sharing = Given.Shares("k", 80) }).Addresses());
        Assert.Equal("10.0.0.1", allocator.Apply(Given.Service("s3") with { Sharing = Given.Shares("k", 81) }).Addresses());
    }

    [Fact]
    public void SoleUser_ChangesItsKeyInPlace()
    {
        var service = Given.Service("s1") with { Sharing = Given.Shares("k", 80) };
        service = service.After(allocator.Apply(service));
        Assert.IsType<Decision.Keep>(allocator.Apply(service with { Sharing = Given.Shares("l", 80) }));
        Assert.Equal("10.0.0.1", allocator.Apply(Given.Service("s2") with { Sharing = Given.Shares("l", 81) }).Addresses());
    }

    [Fact]
    public void Sharer_WhoseTermsNoLongerFit_MovesAndTheOtherStays()
    {
        var one = Given.Service("s1") with { Sharing = Given.Shares("k", 80) };
        var two = Given.Service("s2") with { Sharing = Given.Shares("k", 81) };
        one = one.After(allocator.Apply(one));
        two = two.After(allocator.Apply(two));
        var set = Assert.IsType<Decision.Set>(allocator.Apply(two with { Sharing = Given.Shares("k", 80) }));
        Assert.Equal("10.0.0.2", set.Addresses());
        Assert.Equal(AllocationReason.SharingPortTaken, set.Cause!.Reason);
        Assert.IsType<Decision.Keep>(allocator.Apply(one));
    }

    [Fact]
    public void SharedAddress_IsFreeOnlyWhenTheLastUserIsGone()
    {
        allocator.Apply(Given.Service("s1") with { Sharing = Given.Shares("k", 80) });
        allocator.Apply(Given.Service("s2") with { Sharing = Given.Shares("k", 81) });
        allocator.Release(new ServiceId("default", "s1"));
        Assert.Equal("10.0.0.2", allocator.Apply(Given.Service("s3")).Addresses());
        allocator.Release(new ServiceId("default", "s2"));
        Assert.Equal("10.0.0.1", allocator.Apply(Given.Service("s4")).Addresses());
    }

    private static SharingBackend ByHand(string name) => SharingBackend.Local(new ServiceId("default", name), []);
}
