using LoadBalancer.Core.Addressing;
using LoadBalancer.Core.Conflicts;
using LoadBalancer.Core.Packets;
using LoadBalancer.Kubernetes.Leases;
using LoadBalancer.Speaker.Membership;

namespace LoadBalancer.Speaker.Tests.Strangers;

public sealed class StrangerWatchTests
{
    private static readonly MacAddress Phone = MacAddress.Parse("52:54:00:00:00:aa");

    [Theory]
    [InlineData(ArpPacket.Request, "192.168.96.1")]
    [InlineData(ArpPacket.Reply, "192.168.96.7")]
    [InlineData(ArpPacket.Request, "192.168.96.100")]
    public void Stranger_OnAVip_IsToldOnTheFirstFrame_WithItsMac(int operation, string target)
    {
        using var bench = new WatchBench();
        bench.Own("web", "192.168.96.100");

        bench.Hear(Phone, "192.168.96.100", target, (ushort)operation);

        var (service, reason, message) = Assert.Single(bench.Api.Events);
        Assert.Equal(("default/web", "AddressConflict"), (service, reason));
        Assert.Contains(Phone.ToString(), message);
        Assert.Contains("DHCP", message);
        var defence = Assert.Single(bench.Sent());
        Assert.Equal((bench.Mac, "192.168.96.100", "192.168.96.100", true), defence.Claim());
    }

    [Fact]
    public void Stranger_OnAVip_OverAMinute_IsToldOnce_AndDefendedOnceInTenSeconds()
    {
        using var bench = new WatchBench();
        bench.Own("web", "192.168.96.100");
        for (var i = 0; i < 600; i++)
        {
            bench.Hear(Phone, "192.168.96.100", "192.168.96.1");
            bench.Advance(TimeSpan.FromMilliseconds(100));
        }

        Assert.Single(bench.Api.Events);
        Assert.Equal(6, bench.Sent().Count(packet => packet.SenderIp != 0));
        Assert.Equal(1, bench.Sent().Count(packet => packet.SenderIp == 0 && packet.TargetIp == IpAddress.Parse("192.168.96.100").AsUInt32));
    }

    // Owners answer each other's questions all day.
    [Theory]
    [InlineData("52:54:00:00:00:01", "this node")]
    [InlineData("52:54:00:00:00:02", "a peer that is heard")]
    [InlineData("52:54:00:00:00:03", "a node that is known by its Lease")]
    public void Node_ThatSaysItHasAnAddress_WakesNobody(string mac, string who)
    {
        using var bench = new WatchBench();
        bench.Own("web", "192.168.96.100");
        bench.Wake.Take();
        bench.Listener.OnArp(bench.Link, new ArpPacket(
            ArpPacket.Reply, bench.Mac, MacAddress.Parse(mac), MacAddress.Parse(mac), IpAddress.Parse("192.168.96.100").AsUInt32, bench.Mac, IpAddress.Parse("192.168.96.11").AsUInt32));
        Assert.False(bench.Wake.Take(), who);
    }

    // A process that was stopped: another node may have the VIP by now.
    [Fact]
    public void Stranger_OnAVipThatMayNotBeAnsweredForJustNow_IsToldAndNotDefendedAgainst()
    {
        using var bench = new WatchBench();
        bench.Own("web", "192.168.96.100");
        bench.Link.AnswerUntil = TimeSpan.Zero;
        bench.Link.Clock = new MonotonicClock(TimeProvider.System);
        bench.Hear(Phone, "192.168.96.100", "192.168.96.1");
        Assert.Single(bench.Api.Events);
        Assert.Empty(bench.Sent());
    }

    [Fact]
    public void Stranger_ThatIsGone_EndsTheConflictWithAnEvent()
    {
        using var bench = new WatchBench();
        bench.Own("web", "192.168.96.100");
        bench.Hear(Phone, "192.168.96.100", "192.168.96.1");
        bench.Advance(AddressConflicts.OverAfter);
        Assert.Equal(["AddressConflict", "AddressConflictEnded"], bench.Api.Events.Select(told => told.Reason));
    }

    [Theory]
    [InlineData("52:54:00:00:00:02")] // heard on the wire
    [InlineData("52:54:00:00:00:03")] // named in a Lease
    public void Node_OfTheCluster_OnAVip_IsNoConflict(string mac)
    {
        using var bench = new WatchBench();
        bench.Own("web", "192.168.96.100");
        bench.Hear(MacAddress.Parse(mac), "192.168.96.100", "192.168.96.100");

        Assert.Empty(bench.Api.Events);
        Assert.Empty(bench.Sent());
    }

    [Fact]
    public void Stranger_OnAVipThatAnotherNodeAnswersFor_IsThatNodesToTell()
    {
        using var bench = new WatchBench();
        bench.Api.PutService("web", "192.168.96.100", ["n1"]);
        bench.Advance(TimeSpan.FromSeconds(1));
        bench.Hear(Phone, "192.168.96.100", "192.168.96.1");
        Assert.Empty(bench.Api.Events);
        Assert.Equal("", bench.Watch.Published);
    }

    [Fact]
    public void FreeAddresses_ThatComeNext_AreProbedWithoutStatingAnything()
    {
        using var bench = new WatchBench();

        var probes = bench.Sent();
        Assert.All(probes, probe => Assert.Equal((0u, MacAddress.Broadcast, default), (probe.SenderIp, probe.EthernetDestination, probe.TargetMac)));
        Assert.Equal(
            Enumerable.Range(100, 16).Select(last => $"192.168.96.{last}"),
            probes.Select(probe => IpAddress.FromUInt32(probe.TargetIp).ToString()));
    }

    [Fact]
    public void Address_ThatAServiceHas_IsProbedNoMore_AndOneMoreFreeOneIs()
    {
        using var bench = new WatchBench();
        bench.Own("web", "192.168.96.100");
        bench.Advance(TimeSpan.FromMinutes(10));
        Assert.DoesNotContain(bench.Sent(), probe => probe.TargetIp == IpAddress.Parse("192.168.96.100").AsUInt32);
        Assert.Contains(bench.Sent(), probe => probe.TargetIp == IpAddress.Parse("192.168.96.116").AsUInt32);
    }

    [Fact]
    public void FreeAddress_ThatAnswersAProbe_IsPublished_AndTheNextOnesAreProbedToo()
    {
        using var bench = new WatchBench();
        bench.Advance(TimeSpan.FromSeconds(1));
        bench.Hear(Phone, "192.168.96.103", "0.0.0.0", ArpPacket.Reply);
        bench.Advance(TimeSpan.FromSeconds(3));

        Assert.Equal("192.168.96.103=52:54:00:00:00:aa", bench.Watch.Published);
        Assert.Contains(bench.Sent(), probe => probe.TargetIp == IpAddress.Parse("192.168.96.116").AsUInt32);
        Assert.Empty(bench.Api.Events);
    }

    [Fact]
    public void FreeAddress_WhoseStrangerIsGone_IsReleasedAfterThreeLooks()
    {
        using var bench = new WatchBench();
        bench.Hear(Phone, "192.168.96.103", "0.0.0.0", ArpPacket.Reply);
        bench.Advance(TimeSpan.FromMinutes(2));
        Assert.Equal("192.168.96.103=52:54:00:00:00:aa", bench.Watch.Published);

        bench.Advance(TimeSpan.FromMinutes(2.5));
        Assert.Equal("", bench.Watch.Published);
    }

    [Fact]
    public void NodeThatIsNotElected_ProbesNothingAndPublishesNothing()
    {
        using var bench = new WatchBench(self: "n9");
        bench.Hear(Phone, "192.168.96.103", "192.168.96.1");
        bench.Advance(TimeSpan.FromMinutes(1));
        Assert.Empty(bench.Sent());
        Assert.Equal("", bench.Watch.Published);
    }

    [Fact]
    public void NewProber_GoesOnFromWhatTheFormerOnePublished()
    {
        using var bench = new WatchBench(self: "n9");
        bench.PutLease("n2", new() { [StrangerAnnotations.Taken] = "192.168.96.103=52:54:00:00:00:aa,192.168.96.104=rubbish" });
        bench.Elected = true;
        bench.Advance(TimeSpan.FromSeconds(2));
        Assert.Equal("192.168.96.103=52:54:00:00:00:aa", bench.Watch.Published);
    }

    [Fact]
    public void ServiceDeleted_WhileAStrangerUsesItsAddress_TheAddressIsNotFree()
    {
        using var bench = new WatchBench(self: "n9");
        bench.Own("web", "192.168.96.100");
        bench.Hear(Phone, "192.168.96.100", "192.168.96.1");
        bench.Advance(TimeSpan.FromSeconds(2));
        Assert.Equal("192.168.96.100=52:54:00:00:00:aa", bench.Watch.Published);

        bench.Delete("web");
        bench.Advance(TimeSpan.FromSeconds(30));
        Assert.Equal("192.168.96.100=52:54:00:00:00:aa", bench.Watch.Published);

        // By then the prober has found it.
        bench.Advance(TimeSpan.FromMinutes(3));
        Assert.Equal("", bench.Watch.Published);
    }

    [Fact]
    public void FormerRunsAddresses_StayPublished_UntilThisRunProbes_WhichGoesOnFromThem()
    {
        using var bench = new WatchBench(elected: false);
        const string Former = "192.168.96.103=52:54:00:00:00:aa";
        bench.PutLease("n1", new() { [StrangerAnnotations.Taken] = Former });
        bench.Watch.RememberFormerRun(Former);
        bench.Advance(TimeSpan.FromSeconds(5));
        Assert.Equal(Former, bench.Watch.Published);

        bench.Elected = true;
        bench.Advance(TimeSpan.FromSeconds(10));
        Assert.Equal(Former, bench.Watch.Published);
    }

    [Fact]
    public void FormerRunsAddresses_OfANodeThatIsNotElected_AreWithdrawnAfterTenSeconds()
    {
        using var bench = new WatchBench(self: "n9");
        bench.Watch.RememberFormerRun("192.168.96.103=52:54:00:00:00:aa");
        bench.Advance(TimeSpan.FromSeconds(12));
        Assert.Equal("", bench.Watch.Published);
    }

    [Fact]
    public void FloodOfClaims_IsCollected_AndTheNextFrameAfterItWakesAgain()
    {
        using var bench = new WatchBench();
        var packet = new ArpPacket(ArpPacket.Request, MacAddress.Broadcast, Phone, Phone, IpAddress.Parse("192.168.96.103").AsUInt32, default, 0);
        for (var i = 0; i < 100; i++)
        {
            bench.Listener.OnArp(bench.Link, packet);
        }

        Assert.True(bench.Wake.Take());
        Assert.Equal(TimeSpan.FromMilliseconds(10), bench.Watch.Step());
        bench.Listener.OnArp(bench.Link, packet);
        Assert.False(bench.Wake.Take());
        bench.Watch.Step();
        bench.Listener.OnArp(bench.Link, packet);
        Assert.True(bench.Wake.Take());
    }

    [Fact]
    public void Address_InNoPool_IsNobodysBusiness()
    {
        using var bench = new WatchBench();
        bench.Hear(Phone, "192.168.96.7", "192.168.96.1");
        bench.Advance(TimeSpan.FromSeconds(3));
        Assert.Equal("", bench.Watch.Published);
        Assert.Empty(bench.Api.Events);
    }

    [Fact]
    public void PoolAddress_OutsideTheLinksSubnet_IsNotProbed_SinceARouterWouldAnswerForAll()
    {
        using var bench = new WatchBench(pool: "10.0.0.0/24");
        bench.Advance(TimeSpan.FromMinutes(1));
        Assert.Empty(bench.Sent());
    }

    [Fact]
    public void FloodOfClaims_AllocatesNothingOnTheLinksThread_AndIsCountedWhereItIsTooMuch()
    {
        using var bench = new WatchBench();
        var packet = new ArpPacket(ArpPacket.Request, MacAddress.Broadcast, Phone, Phone, IpAddress.Parse("192.168.96.103").AsUInt32, default, 0);
        bench.Listener.OnArp(bench.Link, packet);
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 5000; i++)
        {
            bench.Listener.OnArp(bench.Link, packet);
        }

        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
        Assert.Equal(5001 - 1024, bench.Listener.Missed);
    }

    [Fact]
    public void ProbingOff_NothingIsProbedOrPublished_ConflictsAreStillTold()
    {
        using var bench = new WatchBench(probing: false);
        bench.Own("web", "192.168.96.100");
        bench.Hear(Phone, "192.168.96.103", "192.168.96.1");
        bench.Hear(Phone, "192.168.96.100", "192.168.96.1");
        bench.Advance(TimeSpan.FromSeconds(30));
        Assert.Single(bench.Api.Events);
        Assert.Equal("192.168.96.100=52:54:00:00:00:aa", bench.Watch.Published);
        Assert.Single(bench.Sent());
    }

    [Fact]
    public void StrangerOnAnIPv6Vip_IsToldOnTheFirstFrame_AndDefendedByOneAdvertisement()
    {
        using var bench = new WatchBench(pool: "fd00:96::100/124", probing: false);
        bench.Own("web", "fd00:96::100");

        bench.HearAdvertisement(Phone, "fd00:96::100");
        bench.HearAdvertisement(Phone, "fd00:96::100");

        Assert.Equal(("default/web", "AddressConflict"), (Assert.Single(bench.Api.Events).Service, bench.Api.Events[0].Reason));
        var defence = Assert.Single(bench.SentNdp());
        Assert.Equal(
            (NdpPacket.Advertisement, IpAddress.Parse("fd00:96::100").Value, bench.Mac, NdpBits.Override),
            (defence.Type, defence.Target, defence.LinkLayerAddress, defence.Flags));
    }

    [Fact]
    public void FreeIPv6Addresses_AreProbedAsInDuplicateAddressDetection_AndTakenOnesPublished()
    {
        using var bench = new WatchBench(pool: "fd00:96::100/120");
        Assert.Equal(16, bench.SentNdp().Count(packet => packet.IsDuplicateAddressDetection));

        bench.HearAdvertisement(Phone, "fd00:96::103");
        bench.Advance(TimeSpan.FromSeconds(3));
        Assert.Equal("fd00:96::103=52:54:00:00:00:aa", bench.Watch.Published);
    }
}
