using CsCheck;
using LoadBalancer.Core.Ownership;

namespace LoadBalancer.Core.Tests.Ownership;

/// <summary>Who keeps company with whom on a large segment.</summary>
public sealed class SegmentRingTests
{
    private static readonly Gen<ulong[]> Members = Gen.ULong.HashSet[1, 300].Select(set => set.ToArray());

    [Fact]
    public void EveryMember_HasFourNeighboursOnEachSide_OrAllThereAre() => Members.Sample(members =>
    {
        foreach (var self in members)
        {
            var ring = Of(self, members);
            Assert.Equal(Math.Min(2 * SegmentRing.Reach, members.Length - 1), members.Count(other => other != self && ring.IsNear(other)));
        }
    }, iter: 50);

    [Fact]
    public void TwoThatKnowTheSameMembers_TakeEachOtherForNeighboursOrNeitherDoes() => Members.Sample(members =>
    {
        var rings = members.ToDictionary(self => self, self => Of(self, members));
        foreach (var one in members)
        {
            foreach (var other in members)
            {
                Assert.Equal(rings[one].IsNear(other), rings[other].IsNear(one));
                Assert.Equal(rings[one].IsNear(other), rings[members[0]].IsNear(one, other));
            }
        }
    }, iter: 20);

    // Who is gone has neighbours, too: they ask its kernel, each with another rank.
    [Fact]
    public void PlaceOfOneThatIsGone_HasEightNeighboursOfDifferentRank() => Gen.Select(Members, Gen.ULong).Sample((members, gone) =>
    {
        if (members.Contains(gone))
        {
            return;
        }

        var ranks = members.Select(self => Of(self, members)).Where(ring => ring.IsNear(gone)).Select(ring => ring.Rank(gone)).Order().ToList();
        Assert.Equal(Math.Min(2 * SegmentRing.Reach, members.Length), ranks.Count);
        Assert.Equal(ranks.Distinct(), ranks);
        Assert.Equal(0, ranks[0]);
    }, iter: 100);

    [Theory]
    [InlineData(9, true)]
    [InlineData(10, false)]
    public void UpToNine_EverybodyIsEverybodysNeighbour(int members, bool whole)
    {
        var places = Enumerable.Range(1, members).Select(i => (ulong)i).ToArray();
        var ring = Of(1, places);
        Assert.Equal(whole, places.Skip(1).All(ring.IsNear));
    }

    private static SegmentRing Of(ulong self, ulong[] members)
    {
        var ring = new SegmentRing();
        ring.Begin(self, members.Length);
        foreach (var member in members)
        {
            if (member != self)
            {
                ring.Add(member);
            }
        }

        ring.End(self);
        return ring;
    }
}
