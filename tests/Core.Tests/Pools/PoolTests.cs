using CsCheck;
using LoadBalancer.Core.Addressing;
using LoadBalancer.Core.Pools;
using LoadBalancer.Core.Tests.Addressing;

namespace LoadBalancer.Core.Tests.Pools;

public sealed class PoolTests
{
    [Fact]
    public void AnyPool_Counted_HasAsManyAddressesAsAScanFinds() =>
        Gen.Select(Gen.Select(Gen.UInt[0, 2000], Gen.UInt[0, 800]).Array[1, 8], Gen.Bool).Sample((pairs, avoid) =>
        {
            var set = IpRangeSet.Of(pairs.Select(pair => new IpRange(IpAddress.FromUInt32(pair.Item1), IpAddress.FromUInt32(pair.Item1 + pair.Item2))));
            var pool = new Pool { Name = "a", Ranges = set.Ranges, AvoidBuggyIps = avoid };
            var expected = 0;
            for (uint number = 0; number < 3000; number++)
            {
                var address = IpAddress.FromUInt32(number);
                Assert.Equal(set.Contains(address), pool.Contains(address));
                expected += pool.Contains(address) && !(avoid && Pool.IsBuggy(address)) ? 1 : 0;
            }

            Assert.Equal((UInt128)expected, pool.Size);
        });

    [Theory]
    [InlineData("192.168.1.0", true)]
    [InlineData("192.168.1.255", true)]
    [InlineData("192.168.1.1", false)]
    [InlineData("192.168.1.254", false)]
    [InlineData("fd00::", false)]
    [InlineData("fd00::ff", false)]
    public void Address_IsBuggy_WhenItEndsInZeroOr255(string address, bool buggy) =>
        Assert.Equal(buggy, Pool.IsBuggy(IpAddress.Parse(address)));

    [Fact]
    public void PoolOfBothFamiliesWhole_Counted_Saturates() => Assert.Equal(
        UInt128.MaxValue,
        new Pool { Name = "a", Ranges = [IpPrefix.Parse("0.0.0.0/0").Range, IpPrefix.Parse("::/0").Range] }.Size);

    [Fact]
    public void PoolsThatOverlap_MadeIntoAConfiguration_AreRefused() => Assert.Throws<ArgumentException>(() => new PoolConfig(
    [
        new Pool { Name = "a", Ranges = [Addresses.RangeOf("10.0.0.0-10.0.0.9")] },
        new Pool { Name = "b", Ranges = [Addresses.RangeOf("10.0.0.9")] },
    ]));

    [Theory]
    [InlineData(LabelOperator.In, "a", true)]
    [InlineData(LabelOperator.In, "z", false)]
    [InlineData(LabelOperator.In, null, false)]
    [InlineData(LabelOperator.NotIn, "a", false)]
    [InlineData(LabelOperator.NotIn, "z", true)]
    [InlineData(LabelOperator.NotIn, null, true)]
    [InlineData(LabelOperator.Exists, "", true)]
    [InlineData(LabelOperator.Exists, null, false)]
    [InlineData(LabelOperator.DoesNotExist, "", false)]
    [InlineData(LabelOperator.DoesNotExist, null, true)]
    public void Requirement_MatchesAsKubernetesDoes(LabelOperator op, string? value, bool matches)
    {
        var labels = value is null ? [] : new Dictionary<string, string> { ["tier"] = value };
        var selector = new LabelSelector([new LabelRequirement("tier", op, op is LabelOperator.In or LabelOperator.NotIn ? ["a", "b"] : [])]);
        Assert.Equal(matches, selector.Matches(labels));
    }

    [Fact]
    public void SelectorWithoutRequirement_MatchesEverything() =>
        Assert.True(new LabelSelector([]).Matches(new Dictionary<string, string>()));
}
