using LoadBalancer.Core.Addressing;
using LoadBalancer.Core.Allocation;

namespace LoadBalancer.Core.Tests.Allocation;

/// <summary>One family would do; what is missing is therefore an address of a family the pools have, not a pool of both.</summary>
public sealed class PreferDualStackRefusalTests
{
    [Theory]
    [InlineData("10.0.0.1/32", null, "there is no free IPv4 address (pool 'p': all are in use by Services)")]
    [InlineData("10.0.0.1/32", "fd00::1/128", "there is no free IPv4 address (pool 'p': all are in use by Services)")]
    [InlineData("fd00::1/128", null, "there is no free IPv6 address (pool 'p': all are in use by Services)")]
    public void PreferDualStack_NothingFree_SaysWhatIsUsedUp(string range, string? other, string expected)
    {
        var allocator = Given.Allocator(Given.Pool("p", other is null ? [range] : [range, other]));
        allocator.Assign(new ServiceId("default", "s0"), SharingTerms.None,
            new Assignment([.. new[] { range, other }.OfType<string>().Select(r => IpPrefix.Parse(r).Address)]));
        var wait = Assert.IsType<Decision.Wait>(allocator.Apply(Given.Service("s1").Dual(FamilyPolicy.PreferDualStack)));
        Assert.Equal(AllocationReason.NoFreeAddress, wait.Reason.Reason);
        Assert.StartsWith(expected, wait.Reason.Text, StringComparison.Ordinal);
    }
}
