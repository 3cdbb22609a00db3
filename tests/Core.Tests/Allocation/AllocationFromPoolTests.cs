using CsCheck;
using LoadBalancer.Core.Addressing;
using LoadBalancer.Core.Allocation;

namespace LoadBalancer.Core.Tests.Allocation;

public sealed class AllocationFromPoolTests
{
    [Fact]
    public void Pool_FromEmpty_GivesLowestFirst()
    {
        var allocator = Given.Allocator(Given.Pool("p", "10.0.0.5-10.0.0.7"));
        var given = Enumerable.Range(1, 4).Select(i => allocator.Apply(Given.Service($"s{i}")).Addresses()).ToArray();
        Assert.Equal(["10.0.0.5", "10.0.0.6", "10.0.0.7", ""], given);
    }

    [Fact]
    public void Pool_WithSeveralRanges_GoesOnInTheNext()
    {
        var allocator = Given.Allocator(Given.Pool("p", "10.0.0.5/32", "10.0.9.1/32", "10.0.0.6/32"));
        var given = Enumerable.Range(1, 3).Select(i => allocator.Apply(Given.Service($"s{i}")).Addresses()).ToArray();
        Assert.Equal(["10.0.0.5", "10.0.0.6", "10.0.9.1"], given);
    }

    [Fact]
    public void Pool_Reserved_IsSkippedButGivenOnRequest()
    {
        var pool = Given.Pool("p", "10.0.0.1-10.0.0.4") with { Reserved = [Given.Range("10.0.0.1-10.0.0.2"), Given.Range("10.0.0.4/32")] };
        var allocator = Given.Allocator(pool);
        Assert.Equal("10.0.0.3", allocator.Apply(Given.Service("s1")).Addresses());
        Assert.Equal("", allocator.Apply(Given.Service("s2")).Addresses());
        Assert.Equal("10.0.0.2", allocator.Apply(Given.Service("s3").Asks("10.0.0.2")).Addresses());
        allocator.Release(new ServiceId("default", "s3"));
        Assert.Equal("", allocator.Apply(Given.Service("s4")).Addresses());
    }

    [Fact]
    public void Pool_AvoidingBuggyIps_SkipsZeroAnd255()
    {
        var pool = Given.Pool("p", "10.0.0.254-10.0.1.1") with { AvoidBuggyIps = true };
        var allocator = Given.Allocator(pool);
        var given = Enumerable.Range(1, 3).Select(i => allocator.Apply(Given.Service($"s{i}")).Addresses()).ToArray();
        Assert.Equal(["10.0.0.254", "10.0.1.1", ""], given);
    }

    [Theory]
    [InlineData("10.0.0.0/8", "10.0.0.0", "10.0.0.1")]
    [InlineData("0.0.0.1-255.255.255.254", "0.0.0.1", "0.0.0.2")]
    [InlineData("fd00::/64", "fd00::", "fd00::1")]
    [InlineData("::1-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "::1", "::2")]
    public void Pool_OfAnySize_GivesAndTakesBack(string range, string first, string second)
    {
        var allocator = Given.Allocator(Given.Pool("p", range));
        var family = Given.Ip(first).Family;
        var (s1, s2) = (Given.Service("s1") with { Families = [family] }, Given.Service("s2") with { Families = [family] });
        Assert.Equal(first, allocator.Apply(s1).Addresses());
        Assert.Equal(second, allocator.Apply(s2).Addresses());
        allocator.Release(s1.Id);
        Assert.Equal(first, allocator.Apply(Given.Service("s3") with { Families = [family] }).Addresses());
    }

    [Fact]
    public void Exclusion_ComesAndGoes_AddressIsSkippedMeanwhile()
    {
        var allocator = Given.Allocator(Given.Pool("p", "10.0.0.1-10.0.0.2"));
        allocator.Exclude([new Exclusion(Given.Ip("10.0.0.1"), ExclusionKind.NodeAddress, "node n2")]);
        Assert.Equal("10.0.0.2", allocator.Apply(Given.Service("s1")).Addresses());
        var refusal = Planner.Plan(Given.Service("s2").Asks("10.0.0.1"), allocator).Refusal;
        Assert.Equal(AllocationReason.AddressExcluded, refusal!.Reason);
        Assert.Contains("node n2", refusal.Text, StringComparison.Ordinal);

        allocator.Exclude([]);
        Assert.Equal("10.0.0.1", allocator.Apply(Given.Service("s2")).Addresses());
    }

    [Fact]
    public void Exclusion_OfAnAddressInUse_LeavesItsUserAlone()
    {
        var allocator = Given.Allocator(Given.Pool("p", "10.0.0.1-10.0.0.2"));
        var service = Given.Service("s1");
        service = service.After(allocator.Apply(service));
        allocator.Exclude([new Exclusion(Given.Ip("10.0.0.1"), ExclusionKind.Quarantined, "52:54:00:12:34:56")]);
        Assert.IsType<Decision.Keep>(allocator.Apply(service));
        allocator.Release(service.Id);
        Assert.Equal("10.0.0.2", allocator.Apply(Given.Service("s2")).Addresses());
    }

    [Fact]
    public void Usage_CountsAddressesNotServices()
    {
        var allocator = Given.Allocator(Given.Pool("p", "10.0.0.1-10.0.0.4", "fd00::/126"));
        allocator.Apply(Given.Service("s1") with { Sharing = Given.Shares("k", 80) });
        allocator.Apply(Given.Service("s2") with { Sharing = Given.Shares("k", 81) });
        allocator.Apply(Given.Service("s3"));
        Assert.Equal(new PoolUsage("p", 8, 2), Assert.Single(allocator.Usage()));
    }

    /// <summary>The runs against a plain set of numbers.</summary>
    [Fact]
    public void FreeAddresses_AnySequence_AgreesWithASet()
    {
        var steps = Gen.Select(Gen.Bool, Gen.UInt[0, 20]).Array[0, 60];
        steps.Sample(sequence =>
        {
            var free = Given.Allocator(Given.Pool("p", "0.0.0.0-0.0.0.20"));
            var model = new SortedSet<uint>(Enumerable.Range(0, 21).Select(i => (uint)i));
            foreach (var (take, number) in sequence)
            {
                var id = new ServiceId("default", $"a{number}");
                if (take)
                {
                    free.Assign(id, SharingTerms.None, new Assignment([IpAddress.FromUInt32(number)]));
                    model.Remove(number);
                }
                else
                {
                    free.Release(id);
                    model.Add(number);
                }

                var lowest = Planner.Plan(Given.Service("probe"), free).Addresses();
                Assert.Equal(model.Count == 0 ? "" : IpAddress.FromUInt32(model.Min).ToString(), lowest);
            }
        });
    }

    [Fact]
    public void Allocation_OfTwentyThousand_IsUnaffectedByHowManyAreTaken()
    {
        // Not a measurement: a cost that grew with the addresses taken (or with the pool) would not end within the test's patience.
        var allocator = Given.Allocator(Given.Pool("p", "10.0.0.0/8") with { AvoidBuggyIps = true });
        for (var i = 1; i <= 20_000; i++)
        {
            Assert.NotEqual("", allocator.Apply(Given.Service($"s{i}")).Addresses());
        }

        Assert.Equal(20_000, allocator.Usage().Single().InUse);
    }
}
