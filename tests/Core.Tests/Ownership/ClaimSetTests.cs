using LoadBalancer.Core.Addressing;
using LoadBalancer.Core.Heartbeats;
using LoadBalancer.Core.Ownership;

namespace LoadBalancer.Core.Tests.Ownership;

public sealed class ClaimSetTests
{
    private static readonly Claim One = new(IpAddress.Parse("192.168.96.100"), "n1", 3, ClaimKind.Owner);
    private static readonly Claim Two = new(IpAddress.Parse("fd00:96::1"), "n2", 5, ClaimKind.Deputy);

    [Fact]
    public void Digest_SameClaimsInAnyOrder_IsTheSame()
    {
        ClaimSet a = new(), b = new();
        a.Set(One);
        a.Set(Two);
        b.Set(Two);
        b.Set(One with { Term = 1 });
        b.Set(One);
        Assert.Equal(a.Digest, b.Digest);
        Assert.NotEqual(0ul, a.Digest);
    }

    [Fact]
    public void Digest_AnyPartDiffers_Differs()
    {
        Claim[] variants =
        [
            One, One with { Term = 5 }, One with { Kind = ClaimKind.Yielding }, One with { Subject = "n2" }, One with { Vip = IpAddress.Parse("192.168.96.101") },
        ];
        Assert.Equal(variants.Length, variants.Select(claim =>
        {
            var set = new ClaimSet();
            set.Set(claim);
            return set.Digest;
        }).Distinct().Count());
    }

    [Fact]
    public void Set_Released_RemovesAndIsNothingAgain()
    {
        var set = new ClaimSet();
        set.Set(One);
        Assert.True(set.Set(One with { Kind = ClaimKind.Released }));
        Assert.False(set.Set(One with { Kind = ClaimKind.Released }));
        Assert.Equal(0ul, set.Digest);
        Assert.Null(set[One.Vip]);
    }

    [Fact]
    public void RemoveDeputies_KeepsWhatIsOwned()
    {
        var set = new ClaimSet();
        set.Set(One);
        set.Set(Two);
        Assert.True(set.RemoveDeputies());
        Assert.Equal([One], set.All);
    }
}
