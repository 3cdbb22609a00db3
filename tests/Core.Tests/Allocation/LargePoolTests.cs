using LoadBalancer.Core.Allocation;

namespace LoadBalancer.Core.Tests.Allocation;

/// <summary>An allocation costs the same whatever the pool's size and however many are taken.</summary>
public sealed class LargePoolTests
{
    // A third of a millisecond: some of many pass without a pause even where ten programs want each core.
    private const int Batch = 50;
    private const int Batches = 200;

    [Theory]
    [InlineData("10.0.0.0/8", false)]
    [InlineData("10.0.0.0/8", true)]
    [InlineData("fd00:96::/64", false)]
    public void Allocation_FromAHugePool_CostsAsMuchTheTenThousandthTimeAsAtFirst(string range, bool avoidBuggyIps)
    {
        var allocator = Given.Allocator(Given.Pool("huge", range) with { AvoidBuggyIps = avoidBuggyIps });
        var family = Given.Range(range).Family;
        var number = 0;
        var times = new List<TimeSpan>();
        for (var batch = 0; batch < Batches; batch++)
        {
            var time = TimeProvider.System;
            var started = time.GetTimestamp();
            for (var i = 0; i < Batch; i++)
            {
                Assert.Single(allocator.Apply(Given.Service($"s{++number}") with { Families = [family] }).Result!.Addresses);
            }

            times.Add(time.GetElapsedTime(started));
        }

        // The quickest of many: what else the machine does must not decide. Quadratic cost would be ten times as much, or more.
        var (early, late) = (times.Skip(10).Take(40).Min(), times.TakeLast(60).Min());
        TestContext.Current.SendDiagnosticMessage(
            $"{range}: {early.TotalMicroseconds / Batch:0.0} µs an allocation at the beginning, {late.TotalMicroseconds / Batch:0.0} µs after {number}");
        Assert.True(late < 8 * early, $"early {early}, late {late}");
        Assert.Equal(Batches * Batch, allocator.Count);
    }

    [Fact]
    public void FreedInTheMiddle_IsTheNextGiven_WhateverThePoolsSize()
    {
        var allocator = Given.Allocator(Given.Pool("huge", "10.0.0.0/8"));
        for (var i = 1; i <= 1_000; i++)
        {
            allocator.Apply(Given.Service($"s{i}"));
        }

        allocator.Release(new ServiceId("default", "s500"));
        Assert.Equal("10.0.1.243", allocator.Apply(Given.Service("s1001")).Addresses());
        Assert.Equal("10.0.3.232", allocator.Apply(Given.Service("s1002")).Addresses());
    }
}
