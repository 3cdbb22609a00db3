using LoadBalancer.Core.Addressing;
using LoadBalancer.Core.Conflicts;
using LoadBalancer.Testing;

namespace LoadBalancer.Core.Tests.Conflicts;

public sealed class ProbeScheduleTests
{
    private static readonly IpAddress First = IpAddress.Parse("192.168.96.100");

    private readonly ProbeSchedule schedule = new(new ProbeTimings());

    [Fact]
    public void NewAddresses_GetTheirFirstProbeAtOnce_InAscendingOrder()
    {
        schedule.Follow(Addresses(16), [], TimeSpan.Zero);
        Assert.Equal(Addresses(16), Drain(TimeSpan.Zero));
    }

    [Fact]
    public void EachLook_IsThreeProbesASecondApart_AndComesBackAfterFiveMinutes()
    {
        schedule.Follow([First], [], TimeSpan.Zero);
        Assert.Equal([0, 1, 2, 302, 303, 304, 604], Times(TimeSpan.FromSeconds(605)));
    }

    [Fact]
    public void TakenAddress_IsLookedAtEachMinute()
    {
        schedule.Follow([], [First], TimeSpan.Zero);
        Assert.Equal([0, 1, 2, 62, 63, 64], Times(TimeSpan.FromSeconds(65)));
    }

    [Fact]
    public void AddressFoundTaken_IsLeftAloneForAMinute()
    {
        schedule.Follow([First], [], TimeSpan.Zero);
        Assert.Equal([First], Drain(TimeSpan.Zero));
        schedule.Follow([First], [First], TimeSpan.Zero);
        Assert.Empty(Drain(TimeSpan.FromSeconds(59)));
        Assert.Equal([First], Drain(TimeSpan.FromSeconds(60)));
    }

    [Theory]
    [Limit(180, "a thousand addresses, step by step")]
    [InlineData(16)]
    [InlineData(1000)]
    public void Frames_OverAnyMinute_StayWithinTheBudget(int addresses)
    {
        var timings = new ProbeTimings();
        var minutes = new List<int>();
        var now = TimeSpan.Zero;
        for (var minute = 0; minute < 20; minute++)
        {
            var sent = 0;
            for (var step = 0; step < 600; step++, now += TimeSpan.FromMilliseconds(100))
            {
                schedule.Follow(Addresses(addresses), [], now);
                sent += Drain(now).Count;
            }

            minutes.Add(sent);
        }

        Assert.All(minutes, sent => Assert.InRange(sent, 0, timings.FramesPerMinute + timings.Burst));
        Assert.InRange(minutes.Sum(), 0, (20 * timings.FramesPerMinute) + timings.Burst);
    }

    [Fact]
    public void ManyAddresses_AreAllProbedInTime_NoneIsStarved()
    {
        var probed = new HashSet<IpAddress>();
        for (var now = TimeSpan.Zero; now < TimeSpan.FromMinutes(10); now += TimeSpan.FromSeconds(1))
        {
            schedule.Follow(Addresses(300), [], now);
            probed.UnionWith(Drain(now));
        }

        Assert.Equal(300, probed.Count);
    }

    [Fact]
    public void FreeAndTakenAddresses_MoreThanTheBudgetAllows_TakeTurns()
    {
        List<IpAddress> free = Addresses(500), taken = [.. Addresses(500).Select(address => address.Add(1000))];
        var (ofFree, ofTaken) = (0, 0);
        for (var now = TimeSpan.Zero; now < TimeSpan.FromMinutes(10); now += TimeSpan.FromSeconds(1))
        {
            schedule.Follow(free, taken, now);
            foreach (var address in Drain(now))
            {
                (ofFree, ofTaken) = free.Contains(address) ? (ofFree + 1, ofTaken) : (ofFree, ofTaken + 1);
            }
        }

        Assert.InRange(ofFree - ofTaken, -1, 1);
    }

    [Fact]
    public void NextDue_IsWhenSomethingCanBeTaken()
    {
        schedule.Follow(Addresses(300), [], TimeSpan.Zero);
        var now = TimeSpan.Zero;
        for (var i = 0; i < 1000; i++)
        {
            Drain(now);
            var next = schedule.NextDue(now)!.Value;
            Assert.True(next > now);
            now = next;
            Assert.True(schedule.TryTake(now, out _), $"nothing to take at {now}, which was said to be due");
        }
    }

    [Fact]
    public void NothingToProbe_IsNeverDue()
    {
        schedule.Follow([First], [], TimeSpan.Zero);
        schedule.Follow([], [], TimeSpan.Zero);
        Assert.Null(schedule.NextDue(TimeSpan.Zero));
        Assert.Empty(Drain(TimeSpan.FromHours(1)));
    }

    private static List<IpAddress> Addresses(int count) => [.. Enumerable.Range(0, count).Select(i => First.Add((UInt128)i))];

    private List<IpAddress> Drain(TimeSpan now)
    {
        var taken = new List<IpAddress>();
        while (schedule.TryTake(now, out var address))
        {
            taken.Add(address);
        }

        return taken;
    }

    private List<int> Times(TimeSpan until)
    {
        var times = new List<int>();
        for (var now = TimeSpan.Zero; now < until; now += TimeSpan.FromSeconds(1))
        {
            times.AddRange(Drain(now).Select(_ => (int)now.TotalSeconds));
        }

        return times;
    }
}
