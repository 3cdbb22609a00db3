using System.Collections.Immutable;
using LoadBalancer.Core.Addressing;
using LoadBalancer.Core.Ownership;
using LoadBalancer.Core.Packets;
using LoadBalancer.Core.Pools;
using LoadBalancer.Kubernetes.Resources;
using LoadBalancer.Speaker.Links;
using LoadBalancer.Speaker.Ownership;
using LoadBalancer.Speaker.Tests.Links;

namespace LoadBalancer.Speaker.Tests;

public sealed class VipMetricsTests : IDisposable
{
    private static readonly IpAddress Vip = IpAddress.Parse("192.168.96.100");

    private readonly LinkRunner runner = new(new FakeLink(FakeLink.FactsOf("eth0", 2)), new FakePeers(), null, (_, _) => { });
    private VipSnapshot snapshot = VipSnapshot.Empty;
    private bool tells;

    public void Dispose() => runner.Dispose();

    [Fact]
    public void Series_AreThoseOfTheServicesAnnouncedHere_AndEndWithThem()
    {
        snapshot = Of("dns-tcp", "dns-udp");
        Assert.Empty(Series());

        runner.Table = AnswerTable.Create([new(Vip, runner.Mac)]);
        Assert.Equal(
        [
            "loadbalancer_speaker_vip_owned{link=\"eth0\",vip=\"192.168.96.100\",used_by=\"default/dns-tcp\"} 1",
            "loadbalancer_speaker_vip_owned{link=\"eth0\",vip=\"192.168.96.100\",used_by=\"default/dns-udp\"} 1",
        ], Series());

        snapshot = Of("dns-udp");
        Assert.Contains("dns-udp", Assert.Single(Series()), StringComparison.Ordinal);

        runner.Table = AnswerTable.Empty;
        Assert.Empty(Series());
    }

    [Fact]
    public void AddressAnsweredInAnothersPlace_IsNotAnnouncedHere()
    {
        snapshot = Of("web");
        runner.Table = AnswerTable.Create([new(Vip, MacAddress.Parse("52:54:00:00:00:bb"))]);
        Assert.Empty(Series());
    }

    [Fact]
    public void WhatIsToBeAnnounced_IsToldByTheOneThatTells_AndOnlyWithAServingEndpoint()
    {
        snapshot = Of("web") with { Vips = ImmutableDictionary<IpAddress, VipFacts>.Empty.Add(Vip, FactsOf(served: true)) };
        Assert.Empty(Series());

        tells = true;
        Assert.Equal(["loadbalancer_speaker_vip_served{vip=\"192.168.96.100\",used_by=\"default/web\"} 1"], Series());

        snapshot = snapshot with { Vips = ImmutableDictionary<IpAddress, VipFacts>.Empty.Add(Vip, FactsOf(served: false)) };
        Assert.Empty(Series());
    }

    [Theory]
    [InlineData("n1", true)]
    [InlineData("n2", false)]
    public void OfSpeakersThatHearEachOther_TheFirstByName_Tells(string self, bool first) =>
        Assert.Equal(first, VipMetrics.Tells(ViewOf(self, Member("n1"), Member("n2"), Member("n3"))));

    [Fact]
    public void WhoIsAway_OrKnownByItsLeaseAlone_TellsNothing()
    {
        Assert.True(VipMetrics.Tells(ViewOf("n2", Member("n1") with { Away = true }, Member("n0") with { Leaving = true })));
        Assert.True(VipMetrics.Tells(ViewOf("n2", Member("n1") with { Source = MemberSource.Lease })));
        Assert.False(VipMetrics.Tells(ViewOf("n1") with { MayServe = false }));
    }

    private static SegmentMember Member(string node) => new(node, "eth0", MemberSource.Wire, [], [], true, false, false, true);

    private static SegmentView ViewOf(string self, params SegmentMember[] members) =>
        new(Member(self), [.. members.Where(member => member.Node != self)], MayAct: true);

    private static VipFacts FactsOf(bool served) => new()
    {
        Address = Vip, ElectionAddress = Vip, Served = served,
        Pool = new Pool { Name = "default", Ranges = [] },
    };

    private static VipSnapshot Of(params string[] services) => VipSnapshot.Empty with
    {
        Services = ImmutableDictionary<IpAddress, IReadOnlyList<AnnouncedService>>.Empty
            .Add(Vip, [.. services.Select(name => new AnnouncedService { Key = new ObjectKey("default", name) })]),
    };

    private string[] Series() =>
        [.. new VipMetrics(() => [runner], () => snapshot, () => tells).Lines().Where(line => !line.StartsWith('#')).Order()];
}
