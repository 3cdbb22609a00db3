using CsCheck;
using LoadBalancer.Core.Addressing;

namespace LoadBalancer.Core.Tests.Addressing;

public sealed class IpRangeSetTests
{
    private static readonly Gen<IpRange[]> Crowd = Addresses.CrowdedRange.Array[0, 20];

    [Theory]
    [InlineData("1.2.3.4-1.2.3.9 1.2.3.10-1.2.3.12", "1.2.3.4-1.2.3.12")]
    [InlineData("1.2.3.10-1.2.3.12 1.2.3.4-1.2.3.8", "1.2.3.4-1.2.3.8, 1.2.3.10-1.2.3.12")]
    [InlineData("1.2.3.0-1.2.3.255 1.2.3.7", "1.2.3.0-1.2.3.255")]
    [InlineData("255.255.255.255 ::", "255.255.255.255, ::")]
    public void Ranges_Joined_BecomeTheFewest(string ranges, string joined) =>
        Assert.Equal(joined, IpRangeSet.Of(ranges.Split(' ').Select(Addresses.RangeOf)).ToString());

    [Fact]
    public void AnyRanges_Joined_AreOrderedApartAndHaveTheSameMembers() => Crowd.Sample(ranges =>
    {
        var set = IpRangeSet.Of(ranges);
        Assert.True(set.Ranges.AreOrderedAndDisjoint());
        Assert.Equal(Members(ranges).Count, (int)set.Count);
        Assert.Equal(Members(ranges), Members(set.Ranges));
        for (var i = 1; i < set.Ranges.Count; i++)
        {
            Assert.False(set.Ranges[i].Family == set.Ranges[i - 1].Family && set.Ranges[i].First.Value == set.Ranges[i - 1].Last.Value + 1);
        }
    });

    [Fact]
    public void AnySet_AskedForMembership_AgreesWithAScan() => Gen.Select(Crowd, Addresses.CrowdedRange).Sample((ranges, probe) =>
    {
        var set = IpRangeSet.Of(ranges);
        var members = Members(ranges);
        Assert.Equal(members.Contains(probe.First), set.Contains(probe.First));
        Assert.Equal(Members([probe]).IsSubsetOf(members), set.Contains(probe));
        Assert.Equal(Members([probe]).Overlaps(members), set.Overlaps(probe));
        Assert.Equal(
            members.Where(member => member.Family == probe.Family && member >= probe.First).Cast<IpAddress?>().FirstOrDefault(),
            set.FirstFrom(probe.First));
    });

    [Fact]
    public void AnyTwoSets_IntersectedAndSubtracted_AgreeWithHashSets() => Gen.Select(Crowd, Crowd).Sample((one, other) =>
    {
        var (left, right) = (IpRangeSet.Of(one), IpRangeSet.Of(other));
        var common = Members(one);
        common.IntersectWith(Members(other));
        Assert.Equal(common, Members(left.Intersect(right).Ranges));
        Assert.True(left.Intersect(right).Ranges.AreOrderedAndDisjoint());

        var rest = Members(one);
        rest.ExceptWith(Members(other));
        Assert.Equal(rest, Members(left.Except(right).Ranges));
        Assert.True(left.Except(right).Ranges.AreOrderedAndDisjoint());
    });

    [Fact]
    public void WholeOfBothFamilies_Counted_Saturates() =>
        Assert.Equal(UInt128.MaxValue, IpRangeSet.Of(IpPrefix.Parse("0.0.0.0/0").Range, IpPrefix.Parse("::/0").Range).Count);

    [Fact]
    public void WholeFamily_Subtracted_LeavesNothing() =>
        Assert.True(IpRangeSet.Of(IpPrefix.Parse("::/0").Range).Except(IpRangeSet.Of(IpPrefix.Parse("::/0").Range)).IsEmpty);

    private static SortedSet<IpAddress> Members(IEnumerable<IpRange> ranges)
    {
        var members = new SortedSet<IpAddress>();
        foreach (var range in ranges)
        {
            for (UInt128 offset = 0; offset < range.Count; offset++)
            {
                members.Add(range.First.Add(offset));
            }
        }

        return members;
    }
}
