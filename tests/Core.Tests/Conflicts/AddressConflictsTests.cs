using LoadBalancer.Core.Addressing;
using LoadBalancer.Core.Conflicts;

namespace LoadBalancer.Core.Tests.Conflicts;

public sealed class AddressConflictsTests
{
    private static readonly MacAddress Stranger = MacAddress.Parse("52:54:00:00:00:aa");
    private static readonly MacAddress Another = MacAddress.Parse("52:54:00:00:00:bb");

    private readonly AddressConflicts conflicts = new();
    private readonly List<KeyValuePair<IpAddress, AddressConflict>> over = [];
    private readonly List<IpAddress> checks = [];

    public static TheoryData<string> Vips => ["192.168.96.100", "fd00:96::100"];

    [Theory]
    [MemberData(nameof(Vips))]
    public void FirstFrame_OfAStranger_IsToldAndDefended(string vip) =>
        Assert.Equal(new ConflictVerdict(ConflictChange.Began, Defend: true), conflicts.Observe(IpAddress.Parse(vip), Stranger, TimeSpan.Zero));

    [Fact]
    public void FramesWithoutEnd_AreDefendedOnceInTenSeconds_AndToldOnce()
    {
        var vip = IpAddress.Parse("192.168.96.100");
        int defended = 0, told = 0;
        for (var at = TimeSpan.Zero; at < TimeSpan.FromSeconds(60); at += TimeSpan.FromMilliseconds(1))
        {
            var (change, defend) = conflicts.Observe(vip, Stranger, at);
            defended += defend ? 1 : 0;
            told += change != ConflictChange.None ? 1 : 0;
        }

        Assert.Equal((6, 1), (defended, told));
        Assert.Equal(60_000, Assert.Single(conflicts.All).Value.Frames);
    }

    [Fact]
    public void AnotherStranger_IsTold_ButNotTwoThatTakeTurns()
    {
        var vip = IpAddress.Parse("192.168.96.100");
        conflicts.Observe(vip, Stranger, TimeSpan.Zero);
        Assert.Equal(ConflictChange.None, conflicts.Observe(vip, Another, TimeSpan.FromSeconds(59)).Change);
        Assert.Equal(ConflictChange.OtherStranger, conflicts.Observe(vip, Another, TimeSpan.FromSeconds(61)).Change);
        Assert.Equal(ConflictChange.None, conflicts.Observe(vip, Another, TimeSpan.FromSeconds(62)).Change);
        Assert.Equal(ConflictChange.None, conflicts.Observe(vip, Stranger, TimeSpan.FromSeconds(63)).Change);
    }

    [Fact]
    public void QuietStranger_IsAskedForEachMinute_AndIsGoneAfterThreeUnansweredChecks()
    {
        var vip = IpAddress.Parse("192.168.96.100");
        conflicts.Observe(vip, Stranger, TimeSpan.Zero);
        TimeSpan? ended = null;
        var asked = 0;
        for (var at = TimeSpan.Zero; ended is null; at += TimeSpan.FromSeconds(1))
        {
            checks.Clear();
            conflicts.Advance(at, over, checks);
            asked += checks.Count;
            ended = over.Count > 0 ? at : null;
        }

        Assert.Equal((3, AddressConflicts.OverAfter), (asked, ended));
        Assert.Equal((vip, Stranger), (over[0].Key, over[0].Value.Stranger));
        Assert.Equal(0, conflicts.Count);
    }

    [Fact]
    public void StrangerThatAnswersEveryCheck_IsNeverOver()
    {
        var vip = IpAddress.Parse("192.168.96.100");
        conflicts.Observe(vip, Stranger, TimeSpan.Zero);
        for (var at = TimeSpan.Zero; at < TimeSpan.FromHours(1); at += TimeSpan.FromSeconds(1))
        {
            checks.Clear();
            conflicts.Advance(at, over, checks);
            checks.ForEach(asked => conflicts.Observe(asked, Stranger, at));
        }

        Assert.Empty(over);
    }

    [Fact]
    public void KnownConflict_AllocatesNothing()
    {
        var vip = IpAddress.Parse("192.168.96.100");
        conflicts.Observe(vip, Stranger, TimeSpan.Zero);
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 1; i < 1000; i++)
        {
            conflicts.Observe(vip, Stranger, TimeSpan.FromSeconds(i));
        }

        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }
}
