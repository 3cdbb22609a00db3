using LoadBalancer.Core.Addressing;
using LoadBalancer.Core.Conflicts;

namespace LoadBalancer.Core.Tests.Conflicts;

public sealed class QuarantineTests
{
    private static readonly IpAddress Address = IpAddress.Parse("192.168.96.103");
    private static readonly MacAddress Stranger = MacAddress.Parse("52:54:00:00:00:aa");

    private readonly ProbeTimings timings = new();
    private readonly Quarantine quarantine = new(new ProbeTimings());
    private readonly List<TakenAddress> freed = [];

    [Fact]
    public void Address_OfAStranger_IsNewsOnce()
    {
        Assert.True(quarantine.See(Address, Stranger, TimeSpan.Zero));
        Assert.False(quarantine.See(Address, Stranger, TimeSpan.FromSeconds(1)));
        Assert.Equal(1, quarantine.Version);
        Assert.Equal(new TakenAddress(Address, Stranger), Assert.Single(quarantine.All));
    }

    [Fact]
    public void Address_WhoseProbesStayUnanswered_IsFreedAfterThreeLooks()
    {
        quarantine.See(Address, Stranger, TimeSpan.Zero);
        var now = TimeSpan.Zero;
        for (var probe = 1; probe <= timings.LooksUntilFree * timings.Probes; probe++)
        {
            quarantine.Advance(now, probing: true, freed);
            Assert.Empty(freed);
            now += TimeSpan.FromSeconds(30);
            quarantine.NoteProbe(Address, now);
        }

        quarantine.Advance(now + TimeSpan.FromSeconds(1.9), probing: true, freed);
        Assert.Empty(freed);
        quarantine.Advance(now + TimeSpan.FromSeconds(2), probing: true, freed);
        Assert.Equal(new TakenAddress(Address, Stranger), Assert.Single(freed));
        Assert.Equal(0, quarantine.Count);
    }

    [Fact]
    public void OneAnswer_OfMany_KeepsTheAddress()
    {
        quarantine.See(Address, Stranger, TimeSpan.Zero);
        for (var second = 1; second < 1000; second++)
        {
            quarantine.NoteProbe(Address, TimeSpan.FromSeconds(second));
            if (second % 8 == 0)
            {
                quarantine.See(Address, Stranger, TimeSpan.FromSeconds(second));
            }

            quarantine.Advance(TimeSpan.FromSeconds(second + 0.9), probing: true, freed);
        }

        Assert.Empty(freed);
    }

    [Fact]
    public void NodeThatDoesNotProbe_ForgetsWhatItHasNotSeenInUseForLong()
    {
        quarantine.See(Address, Stranger, TimeSpan.Zero);
        quarantine.Advance(TimeSpan.FromMinutes(5.9), probing: false, freed);
        Assert.Empty(freed);
        quarantine.Advance(TimeSpan.FromMinutes(6), probing: false, freed);
        Assert.Single(freed);
    }

    [Fact]
    public void Address_NoLongerFreeInAPool_IsLetGoWithoutAWord()
    {
        quarantine.See(Address, Stranger, TimeSpan.Zero);
        quarantine.Retain(_ => false);
        Assert.Equal((0, 2), (quarantine.Count, quarantine.Version));
    }

    [Fact]
    public void MoreStrangersThanItHolds_AreRefused()
    {
        for (uint i = 0; i < Quarantine.Capacity; i++)
        {
            Assert.True(quarantine.See(Address.Add(i), Stranger, TimeSpan.Zero));
        }

        Assert.False(quarantine.See(Address.Add(Quarantine.Capacity), Stranger, TimeSpan.Zero));
        Assert.Equal(Quarantine.Capacity, quarantine.Count);
    }
}
