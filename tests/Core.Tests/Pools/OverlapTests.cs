using CsCheck;
using LoadBalancer.Core.Addressing;
using LoadBalancer.Core.Pools;

namespace LoadBalancer.Core.Tests.Pools;

public sealed class OverlapTests
{
    // Unusable addresses are refused before overlaps are looked at, so the crowd moves to where all are usable.
    private static readonly Gen<IpRange[]> Crowd = Gen.Select(Gen.Bool, Gen.UInt[0, 300], Gen.UInt[0, 12], (six, start, length) =>
    {
        var from = IpAddress.Parse(six ? "fd00::" : "10.0.0.0");
        return new IpRange(from.Add(start), from.Add(start + length));
    }).Array[1, 20];

    [Fact]
    public void AnyEntries_Read_ReportAnOverlapIffTwoEntriesOverlapAndNameEachOfThem() => Crowd.Sample(ranges =>
    {
        // One pool per entry, each on the line of its index + 1.
        var document = PoolNodes.Document(ranges.Select((range, index) =>
            PoolNodes.Pool($"p{index}", index + 1, $"{range.First}-{range.Last}")));
        var result = PoolConfigReader.Read(document);

        var overlapping = Enumerable.Range(0, ranges.Length)
            .Where(one => Enumerable.Range(0, ranges.Length).Any(other => one != other && ranges[one].Overlaps(ranges[other]))).ToHashSet();
        var named = Enumerable.Range(0, ranges.Length).Where(index =>
            result.Problems.Any(problem => $"{problem.Path} {problem.Message}".Contains($"address-pools[{index}].addresses[0]"))).ToHashSet();
        Assert.Equal(overlapping, named);
        Assert.Equal(overlapping.Count == 0, result.Config is not null);
        Assert.True(result.Problems.Count < ranges.Length);
    });

    [Fact]
    public void AnyDisjointEntries_Read_AreFoundByAddress() => Crowd.Sample(ranges =>
    {
        var disjoint = IpRangeSet.Of(ranges).Ranges;
        var config = PoolConfigReader.Read(PoolNodes.Document(disjoint.Select((range, index) =>
            PoolNodes.Pool($"p{index}", index + 1, $"{range.First}-{range.Last}")))).Config!;
        for (var i = 0; i < disjoint.Count; i++)
        {
            Assert.Equal($"p{i}", config.Find(disjoint[i].First)?.Name);
            Assert.Equal($"p{i}", config.Find(disjoint[i].Last)?.Name);
            Assert.NotEqual($"p{i}", config.Find(disjoint[i].Last.Add(1))?.Name);
        }
    });

    [Fact]
    public void HundredThousandEntries_Read_AreReadInOneSweep()
    {
        // Compared pair by pair this would be five thousand million comparisons: the test would not end.
        var entries = Enumerable.Range(0, 100_000).Select(index => $"{IpAddress.FromUInt32(0x0A00_0000u + ((uint)index * 8))}/29");
        var config = PoolConfigReader.Read(PoolNodes.Document(PoolNodes.Pool("large", 1, entries))).Config!;
        Assert.Equal((UInt128)800_000, config.Pools[0].Size);
        Assert.Equal("large", config.Find(IpAddress.Parse("10.1.2.3"))?.Name);
    }
}
