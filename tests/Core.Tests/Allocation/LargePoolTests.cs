using LoadBalancer.Core.Allocation;

namespace LoadBalancer.Core.Tests.Allocation;

/// <summary>An allocation costs the same whatever the pool's size and however many are taken.</summary>
public sealed class LargePoolTests
{
    private const int Batch = 500;

    [Theory]
    [InlineData("10.0.0.0/8", false)]
    [InlineData("10.0.0.0/8", true)]
    [InlineData("fd00:96::/64", false)]
    public void Allocation_FromAHugePool_CostsAsMuchTheTwentiethBatchAsTheFirst(string range, bool avoidBuggyIps)
    {
        var allocator = Given.Allocator(Given.Pool("huge", range) with { AvoidBuggyIps = avoidBuggyIps });
        var family = Given.Range(range).Family;
        var number = 0;
        var times = new List<TimeSpan>();
        for (var batch = 0; batch < 20; batch++)
        {
            var time = TimeProvider.System;
            var started = time.GetTimestamp();
            for (var i = 0; i < Batch; i++)
            {
                Assert.Single(allocator.Apply(Given.Service($"s{++number}") with { Families = [family] }).Result!.Addresses);
            }

            times.Add(time.GetElapsedTime(started));
        }

        // The quickest of several: what else the machine does must not decide. Quadratic cost would be forty times as much.
        var (early, late) = (times.Skip(1).Take(5).Min(), times.TakeLast(5).Min());
        TestContext.Current.SendDiagnosticMessage(
            $"{range}: {early.TotalMicroseconds / Batch:0.0} µs an allocation at the beginning, {late.TotalMicroseconds / Batch:0.0} µs after {number}");
        Assert.True(late < 8 * early, $"early {early}, late {late}");
        Assert.Equal(20 * Batch, allocator.Count);
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
