using LoadBalancer.Core.Addressing;
using LoadBalancer.Core.Packets;
using LoadBalancer.Speaker.Announcing;
using LoadBalancer.Speaker.Links;
using LoadBalancer.Speaker.Membership;
using LoadBalancer.Speaker.Tests.Links;
using Microsoft.Extensions.Time.Testing;

namespace LoadBalancer.Speaker.Tests.Announcing;

public sealed class AnnouncerTests : IDisposable
{
    private static readonly IpAddress Vip = IpAddress.Parse("192.168.96.100");

    private static readonly TimeSpan Step = TimeSpan.FromMilliseconds(10);

    private readonly FakeTimeProvider time = new();
    private readonly FakeLink link = new(FakeLink.FactsOf("eth0", 2));
    private readonly LinkRunner runner;
    private readonly Announcer announcer;

    public AnnouncerTests()
    {
        runner = new LinkRunner(link, new FakePeers(), null, (_, _) => { });
        announcer = new Announcer(time);
        Own(1);
    }

    public void Dispose()
    {
        announcer.Dispose();
        runner.Dispose();
    }

    [Fact]
    public void Announcement_LeavesAtOnceInBothForms()
    {
        announcer.Announce(runner, Vip);

        Assert.Equal([ArpPacket.Request, ArpPacket.Reply], Taken().Select(packet => packet.Operation));
    }

    [Fact]
    public void Announcement_IsRepeatedOnSchedule_ThenIsOver()
    {
        announcer.Announce(runner, Vip);

        Assert.Equal(
            [0, 200, 1100, 2200, 3300, 4400],
            FrameTimes(TimeSpan.FromSeconds(10)).Where((_, i) => i % 2 == 0));
        Assert.Equal(12, announcer.Sent);
        Assert.Equal(0, announcer.Pending);
    }

    [Fact]
    public void Vip_ThatLeftTheTable_IsAnnouncedNoFurther()
    {
        announcer.Announce(runner, Vip);
        runner.Table = AnswerTable.Empty;
        Taken();

        Assert.Empty(FrameTimes(TimeSpan.FromSeconds(10)));
        Assert.Equal(0, announcer.Pending);
    }

    [Fact]
    public void Vip_ThatIsNotInTheTable_IsNotAnnounced()
    {
        announcer.Announce(runner, Vip.Add(77));

        Assert.Empty(link.Sent);
        Assert.Equal(0, announcer.Pending);
    }

    [Fact]
    public void CancelledAnnouncement_SendsNothingMore()
    {
        Own(2);
        announcer.Announce(runner, Vip);
        announcer.Announce(runner, Vip.Add(1));
        announcer.Cancel(runner, Vip);
        Taken();

        Pass(TimeSpan.FromSeconds(10));

        Assert.All(Taken(), packet => Assert.Equal(Vip.Add(1).AsUInt32, packet.SenderIp));
    }

    [Fact]
    public void SecondAnnouncement_OfTheSameVip_StartsAnewInsteadOfDoubling()
    {
        announcer.Announce(runner, Vip);
        time.Advance(TimeSpan.FromMilliseconds(100));
        announcer.Announce(runner, Vip);

        Assert.Equal(1, announcer.Pending);
        Assert.Equal([0, 200, 1100, 2200, 3300, 4400], FrameTimes(TimeSpan.FromSeconds(10)).Skip(2).Where((_, i) => i % 2 == 0));
    }

    [Fact]
    public void Announcement_NamesTheMacOfTheTableAtThatMoment()
    {
        var owner = MacAddress.Parse("52:54:00:00:00:bb");
        announcer.Announce(runner, Vip);
        Taken();
        runner.Table = AnswerTable.Create([new(Vip, owner)]);

        time.Advance(TimeSpan.FromMilliseconds(200));

        Assert.All(Taken(), packet => Assert.Equal((owner, runner.Mac), (packet.SenderMac, packet.EthernetSource)));
    }

    // A process that was stopped goes on with a table that others may have taken over meanwhile.
    [Fact]
    public void Link_ThatMayNotAnswer_AnnouncesNothing_AndGoesOnWhenItMay()
    {
        runner.Clock = new MonotonicClock(time);
        runner.AnswerUntil = TimeSpan.FromMilliseconds(500);
        announcer.Announce(runner, Vip);
        Pass(TimeSpan.FromMilliseconds(300));
        Assert.Equal(4, Taken().Count);

        Pass(TimeSpan.FromSeconds(3));
        Assert.Empty(Taken());

        runner.AnswerUntil = TimeSpan.MaxValue;
        Pass(TimeSpan.FromSeconds(10));
        Assert.Equal(8, Taken().Count);
        Assert.Equal(0, announcer.Pending);
    }

    [Fact]
    public void ThousandsOfVips_KeepTheBudget_AndEachIsAnnouncedOnceBeforeAnyTwice()
    {
        const int Vips = 3_000;
        Own(Vips);
        for (var i = 0; i < Vips; i++)
        {
            announcer.Announce(runner, Vip.Add((UInt128)i));
        }

        Assert.Equal(FrameBudget.Burst, link.Sent.Count);
        for (var second = 0; second < 6; second++)
        {
            var before = announcer.Sent;
            Pass(TimeSpan.FromSeconds(1));
            Assert.InRange(announcer.Sent - before, FrameBudget.PerSecond - FrameBudget.Burst, FrameBudget.PerSecond);
        }

        var first = Taken().Take(2 * Vips).ToList();
        Assert.Equal(Vips, first.Select(packet => packet.SenderIp).Distinct().Count());

        Pass(TimeSpan.FromMinutes(1));
        Assert.Equal(12 * Vips, announcer.Sent);
        Assert.Equal(0, announcer.Pending);
    }

    [Fact]
    public void BusyLink_DoesNotHoldUpAnother()
    {
        Own(1_000);
        for (var i = 0; i < 1_000; i++)
        {
            announcer.Announce(runner, Vip.Add((UInt128)i));
        }

        var other = new FakeLink(FakeLink.FactsOf("eth1", 3, "52:54:00:00:00:02"));
        using var otherRunner = new LinkRunner(other, new FakePeers(), null, (_, _) => { });
        otherRunner.Table = AnswerTable.Create([new(Vip, otherRunner.Mac)]);
        announcer.Announce(otherRunner, Vip);

        Assert.Equal(2, other.Sent.Count);
    }

    [Fact]
    public void FramesTheKernelRefuses_AreCounted_AndTheScheduleGoesOn()
    {
        link.Refuses = true;
        announcer.Announce(runner, Vip);
        Assert.Equal((0, 2), (announcer.Sent, announcer.Failed));

        link.Refuses = false;
        time.Advance(TimeSpan.FromMilliseconds(200));
        Assert.Equal((2, 2), (announcer.Sent, announcer.Failed));
    }

    [Fact]
    public void ClosedLink_IsForgotten()
    {
        announcer.Announce(runner, Vip);
        runner.Dispose();

        time.Advance(TimeSpan.FromSeconds(1));

        Assert.Equal(0, announcer.Pending);
    }

    [Fact]
    public void IPv6Address_IsAnnouncedByAdvertisements_OnTheSameSchedule()
    {
        var vip = IpAddress.Parse("fd00:96::100");
        var owner = MacAddress.Parse("52:54:00:00:00:bb");
        runner.Table = AnswerTable.Create([new(vip, owner)]);
        announcer.Announce(runner, vip);
        var times = new List<int>();
        for (var elapsed = TimeSpan.Zero; elapsed <= TimeSpan.FromSeconds(10); elapsed += Step)
        {
            while (link.Sent.TryTake(out var frame))
            {
                Assert.Equal(DropReason.None, NdpPacket.Read(frame, out var packet));
                Assert.Equal(
                    (NdpPacket.Advertisement, Ipv6Multicast.AllNodes, NdpBits.Override, vip.Value, owner, runner.Mac),
                    (packet.Type, packet.Destination, packet.Flags, packet.Target, packet.LinkLayerAddress, packet.EthernetSource));
                times.Add((int)elapsed.TotalMilliseconds);
            }

            time.Advance(Step);
        }

        Assert.Equal([0, 200, 1100, 2200, 3300, 4400], times);
        Assert.Equal((6, 0), (announcer.Sent, announcer.Pending));
    }

    [Fact]
    public void IPv6Address_ThatLeftTheTable_IsAnnouncedNoFurther()
    {
        var vip = IpAddress.Parse("fd00:96::100");
        runner.Table = AnswerTable.Create([new(vip, runner.Mac)]);
        announcer.Announce(runner, vip);
        runner.Table = AnswerTable.Empty;

        Pass(TimeSpan.FromSeconds(10));

        Assert.Equal((1, 0), (announcer.Sent, announcer.Pending));
    }

    [Fact]
    public void VipThatComesThreeTimes_IsAnnouncedInFull_AndOftenerInTwoRounds()
    {
        for (var arrival = 1; arrival <= 3; arrival++)
        {
            announcer.Announce(runner, Vip);
            Assert.Equal(12, FrameTimes(TimeSpan.FromSeconds(10)).Count);
        }

        announcer.Announce(runner, Vip);
        Assert.Equal([0, 0, 1100, 1100], FrameTimes(TimeSpan.FromSeconds(10)));

        Pass(RecentArrivals.Refill);
        announcer.Announce(runner, Vip);
        Assert.Equal(12, FrameTimes(TimeSpan.FromSeconds(10)).Count);
    }

    [Fact]
    public void TwoHundredServicesWhosePodsFlap_KeepToAFewThousandFramesAMinute()
    {
        const int Services = 200;
        Own(Services);
        var minutes = new List<long>();
        for (var minute = 0; minute < 3; minute++)
        {
            var before = announcer.Sent;
            for (var second = 0; second < 60; second++)
            {
                // Each Service comes to this node anew every other second.
                for (var i = second % 2; i < Services; i += 2)
                {
                    announcer.Announce(runner, Vip.Add((UInt128)i));
                }

                Pass(TimeSpan.FromSeconds(1));
            }

            minutes.Add(announcer.Sent - before);
        }

        TestContext.Current.SendDiagnosticMessage($"frames a minute: {string.Join(", ", minutes)}");

        // In full every arrival would have had its first three rounds before the next: 200 × 30 × 6 = 36,000 frames a minute.
        Assert.All(minutes.Skip(1), frames => Assert.InRange(frames, Services, (60 * FrameBudget.PerSecondOfChurn) + (Services * 12)));
    }

    [Fact]
    public void Churn_DoesNotHoldUpATakeOver()
    {
        Own(1_000);
        for (var arrival = 0; arrival < 20; arrival++)
        {
            for (var i = 0; i < 200; i++)
            {
                announcer.Announce(runner, Vip.Add((UInt128)i));
            }

            Pass(TimeSpan.FromSeconds(1));
        }

        Taken();
        announcer.Announce(runner, Vip.Add(999));
        Assert.Equal(2, Taken().Count(packet => packet.SenderIp == Vip.Add(999).AsUInt32));
    }

    private void Own(int vips) => runner.Table = AnswerTable.Create(
        Enumerable.Range(0, vips).Select(i => KeyValuePair.Create(Vip.Add((UInt128)i), runner.Mac)));

    // The clock jumps, and a timer set again meanwhile waits for the next jump: small ones.
    private void Pass(TimeSpan duration)
    {
        for (var passed = TimeSpan.Zero; passed < duration; passed += Step)
        {
            time.Advance(Step);
        }
    }

    private List<ArpPacket> Taken()
    {
        var packets = new List<ArpPacket>();
        while (link.Sent.TryTake(out var frame))
        {
            Assert.Equal(DropReason.None, ArpPacket.Read(frame, out var packet));
            packets.Add(packet);
        }

        return packets;
    }

    /// <summary>The milliseconds, from now on, at which frames leave.</summary>
    private List<int> FrameTimes(TimeSpan during)
    {
        var times = new List<int>();
        for (var elapsed = TimeSpan.Zero; elapsed <= during; elapsed += Step)
        {
            times.AddRange(Taken().Select(_ => (int)elapsed.TotalMilliseconds));
            time.Advance(Step);
        }

        return times;
    }
}
