using LoadBalancer.Core.Addressing;
using LoadBalancer.Core.Allocation;
using LoadBalancer.Core.Conflicts;
using LoadBalancer.Core.Pools;
using LoadBalancer.Core.Tests.Allocation;

namespace LoadBalancer.Core.Tests.Conflicts;

public sealed class NextAddressesTests
{
    private static readonly Pool Mixed = new()
    {
        Name = "mixed",
        Ranges = [IpPrefix.Parse("10.0.0.0/29").Range, IpPrefix.Parse("10.0.1.0/24").Range, IpPrefix.Parse("fd00:96::/64").Range],
        Reserved = [IpPrefix.Parse("10.0.0.2/32").Range],
        AvoidBuggyIps = true,
    };

    [Fact]
    public void OfAPool_AreTheLowestFreeOfEachFamily_NeitherReservedNorBuggyNorUsed()
    {
        var next = NextAddresses.Of(new PoolConfig([Mixed]), new[] { IpAddress.Parse("10.0.0.3"), IpAddress.Parse("172.16.0.1") }.Contains, 6);
        Assert.Equal(
            ["10.0.0.1", "10.0.0.4", "10.0.0.5", "10.0.0.6", "10.0.0.7", "10.0.1.1",
             "fd00:96::", "fd00:96::1", "fd00:96::2", "fd00:96::3", "fd00:96::4", "fd00:96::5"],
            next.Select(entry => entry.Address.ToString()));
    }

    [Fact]
    public void AddressAtTheEndOfTheFamily_EndsTheList()
    {
        var pool = new Pool { Name = "end", Ranges = [new IpRange(IpAddress.Parse("223.255.255.254"), IpAddress.Parse("223.255.255.255"))] };
        Assert.Equal(2, NextAddresses.Of(new PoolConfig([pool]), static _ => false, 16).Count);
    }

    [Fact]
    public void InTheAllocatorsOrder_WhateverIsGivenOut()
    {
        var config = new PoolConfig([Mixed]);
        var allocator = new Allocator();
        allocator.Configure(config);
        var used = new List<IpAddress>();
        for (var i = 0; i < 40; i++)
        {
            var expected = NextAddresses.Of(config, used.Contains, 1)[0].Address;
            var facts = Given.Service($"s{i}");
            var decision = Planner.Plan(facts, allocator);
            var given = Assert.IsType<Decision.Set>(decision).Assignment.Addresses[0];
            Assert.Equal(expected, given);
            allocator.Assign(facts.Id, facts.Sharing, decision.Result);
            used.Add(given);
        }
    }
}
