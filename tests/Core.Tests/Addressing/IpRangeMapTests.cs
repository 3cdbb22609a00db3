using CsCheck;
using LoadBalancer.Core.Addressing;

namespace LoadBalancer.Core.Tests.Addressing;

public sealed class IpRangeMapTests
{
    [Fact]
    public void AnyAddress_LookedUp_FindsTheValueOfItsRange() =>
        Gen.Select(Addresses.CrowdedRange.Array[0, 20], Addresses.CrowdedRange).Sample((ranges, probe) =>
        {
            var entries = IpRangeSet.Of(ranges).Ranges.Select((range, index) => (range, index)).Reverse().ToArray();
            var expected = entries.Where(entry => entry.range.Contains(probe.First)).Select(entry => (int?)entry.index).FirstOrDefault();
            var found = new IpRangeMap<int>(entries).TryFind(probe.First, out var value);
            Assert.Equal(expected, found ? value : null);
        });

    [Fact]
    public void RangesThatOverlap_Made_AreRefused() => Assert.Throws<ArgumentException>(() => new IpRangeMap<int>(
    [
        (Addresses.RangeOf("1.2.3.0-1.2.3.255"), 1),
        (Addresses.RangeOf("1.2.3.4"), 2),
    ]));
}
