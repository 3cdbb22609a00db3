using LoadBalancer.Core.Addressing;
using LoadBalancer.Core.Allocation;

namespace LoadBalancer.Core.Tests.Allocation;

/// <summary>Where nothing is free, what is said of it: whose the addresses are, and a remedy that fits.</summary>
public sealed class WhatHoldsTests
{
    [Fact]
    public void PoolOfTheNodesOwnAddressAlone_SaysWhoseItIs_AndDoesNotAskToDeleteAService()
    {
        var allocator = Given.Allocator(Given.Pool("p", "192.168.96.11/32"));
        allocator.Exclude(NodeExclusions.OfAddresses("n1", [Given.Ip("192.168.96.11")]));
        var refusal = allocator.Apply(Given.Service("s1")).Refusal!;
        Assert.Equal(AllocationReason.NoFreeAddress, refusal.Reason);
        Assert.Equal("there is no free IPv4 address (pool 'p': 192.168.96.11 is the address of node n1); add a range of addresses that nobody has", refusal.Text);
    }

    [Fact]
    public void PoolOfHostsAlone_NamesThreeAndCountsTheRest()
    {
        var allocator = Given.Allocator(Given.Pool("p", "10.0.0.1-10.0.0.5", "fd00::1/128"));
        allocator.Exclude([
            new Exclusion(Given.Ip("10.0.0.2"), ExclusionKind.Gateway, "node n1"),
            new Exclusion(Given.Ip("10.0.0.1"), ExclusionKind.Quarantined, "52:54:00:12:34:56"),
            .. new[] { "10.0.0.3", "10.0.0.4", "10.0.0.5", "10.9.9.9" }.Select(text => new Exclusion(Given.Ip(text), ExclusionKind.NodeAddress, "node n2"))]);
        Assert.Contains(
            "(pool 'p': 10.0.0.1 is used by another host, 52:54:00:12:34:56, 10.0.0.2 is the gateway of node n1, 10.0.0.3 is the address of node n2, "
            + "2 more are hosts' or the ends of a subnet)", allocator.Apply(Given.Service("s1")).Refusal!.Text, StringComparison.Ordinal);
    }

    [Fact]
    public void PoolOfManyKinds_NamesEachKind()
    {
        var pool = Given.Pool("p", "10.0.0.0-10.0.0.3") with { AvoidBuggyIps = true, Reserved = [Given.Range("10.0.0.3/32")] };
        var allocator = Given.Allocator(pool);
        allocator.Exclude([new Exclusion(Given.Ip("10.0.0.1"), ExclusionKind.NodeAddress, "node n1")]);
        allocator.Apply(Given.Service("s1"));
        Assert.Equal(
            "there is no free IPv4 address (pool 'p': 10.0.0.1 is the address of node n1, those reserved are given on request only, "
            + "those that end in .0 or .255 are kept back by avoid-buggy-ips, the others are in use by Services); add a range, or delete a Service that has one",
            allocator.Apply(Given.Service("s2")).Refusal!.Text);
    }

    [Fact]
    public void UsersOfTheOtherFamily_AreNoReasonToDeleteAService()
    {
        var allocator = Given.Allocator(Given.Pool("p", "10.0.0.1/32", "fd00::1/128"));
        allocator.Exclude([new Exclusion(Given.Ip("10.0.0.1"), ExclusionKind.NodeAddress, "node n1")]);
        allocator.Apply(Given.Service("s1") with { Families = [IpFamily.IPv6] });
        Assert.EndsWith("add a range of addresses that nobody has", allocator.Apply(Given.Service("s2")).Refusal!.Text, StringComparison.Ordinal);
    }

    [Fact]
    public void Text_IsTheSameWhicheverAddressesAreTaken_SoThatOneEventSaysIt()
    {
        var allocator = Given.Allocator(Given.Pool("p", "10.0.0.1-10.0.0.2"));
        var (one, two) = (Given.Service("s1"), Given.Service("s2"));
        allocator.Apply(one);
        allocator.Apply(two);
        var before = allocator.Apply(Given.Service("s9")).Refusal;
        allocator.Release(two.Id);
        allocator.Apply(Given.Service("s3"));
        Assert.Equal(before, allocator.Apply(Given.Service("s9")).Refusal);
    }

    [Fact]
    public void ManyPools_AreNamedUpToEight()
    {
        var allocator = Given.Allocator([.. Enumerable.Range(1, 20).Select(i => Given.Pool($"p{i}", $"fd00:{i}::/120"))]);
        var text = allocator.Apply(Given.Service("s1")).Refusal!.Text;
        Assert.StartsWith("there is no pool with IPv4 addresses for this Service (pool 'p1': no IPv4 addresses; ", text, StringComparison.Ordinal);
        Assert.Contains("pool 'p8': no IPv4 addresses; and 12 more pools); add an IPv4 range", text, StringComparison.Ordinal);
    }
}
