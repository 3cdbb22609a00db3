using System.Text;
using LoadBalancer.Core.Addressing;
using LoadBalancer.Core.Ownership;
using LoadBalancer.Core.Packets;
using LoadBalancer.Core.Pools;
using LoadBalancer.Kubernetes.Resources;
using LoadBalancer.Speaker.Links;
using LoadBalancer.Speaker.Ownership;
using LoadBalancer.Speaker.Tests.Links;
using Prometheus;

namespace LoadBalancer.Speaker.Tests;

public sealed class VipMetricsTests : IDisposable
{
    private static readonly IpAddress Vip = IpAddress.Parse("192.168.96.100");

    private readonly CollectorRegistry registry = Metrics.NewCustomRegistry();
    private readonly LinkRunner runner = new(new FakeLink(FakeLink.FactsOf("eth0", 2)), new FakePeers(), null, (_, _) => { });
    private VipSnapshot snapshot = VipSnapshot.Empty;
    private bool tells;

    public VipMetricsTests() =>
        new VipMetrics(() => [runner], () => snapshot, () => tells, Metrics.WithCustomRegistry(registry)).Register(registry);

    public void Dispose() => runner.Dispose();

    [Fact]
    public async Task Series_AreThoseOfTheServicesAnnouncedHere_AndEndWithThem()
    {
        snapshot = Of("dns-tcp", "dns-udp");
        Assert.Empty(await SeriesAsync());

        runner.Table = AnswerTable.Create([new(Vip, runner.Mac)]);
        Assert.Equal(
        [
            "loadbalancer_speaker_vip_owned{link=\"eth0\",vip=\"192.168.96.100\",used_by=\"default/dns-tcp\"} 1",
            "loadbalancer_speaker_vip_owned{link=\"eth0\",vip=\"192.168.96.100\",used_by=\"default/dns-udp\"} 1",
        ], await SeriesAsync());

        snapshot = Of("dns-udp");
        Assert.Contains("dns-udp", Assert.Single(await SeriesAsync()), StringComparison.Ordinal);

        runner.Table = AnswerTable.Empty;
        Assert.Empty(await SeriesAsync());
    }

    [Fact]
    public async Task AddressAnsweredInAnothersPlace_IsNotAnnouncedHere()
    {
        snapshot = Of("web");
        runner.Table = AnswerTable.Create([new(Vip, MacAddress.Parse("52:54:00:00:00:bb"))]);
        Assert.Empty(await SeriesAsync());
    }

    [Fact]
    public async Task WhatIsToBeAnnounced_IsToldByTheOneThatTells_AndOnlyWithAServingEndpoint()
    {
        snapshot = Of("web") with { Vips = new Dictionary<IpAddress, VipFacts> { [Vip] = FactsOf(served: true) } };
        Assert.Empty(await SeriesAsync());

        tells = true;
        Assert.Equal(["loadbalancer_speaker_vip_served{vip=\"192.168.96.100\",used_by=\"default/web\"} 1"], await SeriesAsync());

        snapshot = snapshot with { Vips = new Dictionary<IpAddress, VipFacts> { [Vip] = FactsOf(served: false) } };
        Assert.Empty(await SeriesAsync());
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

    private static VipSnapshot Of(params string[] services) => new(
        new Dictionary<IpAddress, VipFacts>(),
        new Dictionary<IpAddress, IReadOnlyList<ServiceResource>>
        {
            [Vip] = [.. services.Select(name => new ServiceResource { Key = new ObjectKey("default", name) })],
        },
        new Dictionary<IpAddress, UnusableVip>());

    private async Task<string[]> SeriesAsync()
    {
        using var stream = new MemoryStream();
        await registry.CollectAndExportAsTextAsync(stream, TestContext.Current.CancellationToken);
        return [.. Encoding.UTF8.GetString(stream.ToArray()).Split('\n').Where(line => line.StartsWith("loadbalancer", StringComparison.Ordinal)).Order()];
    }
}
