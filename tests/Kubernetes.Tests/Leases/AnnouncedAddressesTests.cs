using LoadBalancer.Core.Addressing;
using LoadBalancer.Kubernetes.Leases;
using LoadBalancer.Kubernetes.Resources;

namespace LoadBalancer.Kubernetes.Tests.Leases;

public sealed class AnnouncedAddressesTests
{
    private static readonly DateTimeOffset Morning = new(2026, 3, 1, 8, 15, 30, TimeSpan.Zero);

    [Fact]
    public void Addresses_OfSeveralLinksAndTimes_AreReadBackAsTheyWere()
    {
        AnnouncedAddress[] announced =
        [
            At("192.168.96.100", "eth0", Morning), At("192.168.96.101", "eth0", Morning), At("192.168.96.103", "eth0", Morning),
            At("192.168.96.109", "eth0", Morning.AddHours(1), "n3"), At("fd00:96::7", "eth1.20", null),
        ];

        var text = AnnouncedAddresses.Of(announced.Reverse());

        Assert.Equal("eth0@2026-03-01T08:15:30Z=192.168.96.100-192.168.96.101,192.168.96.103;eth0@2026-03-01T09:15:30Z/n3=192.168.96.109;eth1.20@=fd00:96::7", text);
        Assert.Equal(announced, AnnouncedAddresses.AnnouncedBy(Lease(text)).OrderBy(entry => entry.Address));
        Assert.Equal(0, AnnouncedAddresses.UntoldBy(Lease(text)));
    }

    [Fact]
    public void Addresses_MoreThanFit_AreCounted()
    {
        // Every second one, so that none are neighbours.
        var text = AnnouncedAddresses.Of(Enumerable.Range(0, 5000).Select(i => At(IpAddress.Parse("10.100.100.0").Add((UInt128)(2 * i)).ToString(), "eth0", Morning)));

        Assert.InRange(text.Length, AnnouncedAddresses.Longest - 100, AnnouncedAddresses.Longest + 20);
        var told = AnnouncedAddresses.AnnouncedBy(Lease(text)).Count;
        Assert.True(told > 3000);
        Assert.Equal(5000 - told, AnnouncedAddresses.UntoldBy(Lease(text)));
    }

    [Fact]
    public void Silent_IsReadBackByReason()
    {
        var text = AnnouncedAddresses.Of([("NoEligibleNode", IpAddress.Parse("10.0.0.9")), ("NoServingEndpoint", IpAddress.Parse("10.0.0.2")), ("NoServingEndpoint", IpAddress.Parse("10.0.0.1"))]);

        Assert.Equal("NoEligibleNode=10.0.0.9;NoServingEndpoint=10.0.0.1-10.0.0.2", text);
        Assert.Equal(
            [("NoEligibleNode", IpAddress.Parse("10.0.0.9")), ("NoServingEndpoint", IpAddress.Parse("10.0.0.1")), ("NoServingEndpoint", IpAddress.Parse("10.0.0.2"))],
            AnnouncedAddresses.SilentBy(Lease("", text)));
    }

    [Theory]
    [InlineData("")]
    [InlineData("eth0")]
    [InlineData("=10.0.0.1")]
    [InlineData("eth0=10.0.0.1")]
    [InlineData("eth0@x=10.0.0.300")]
    [InlineData("eth0@=10.0.0.9-10.0.0.1")]
    [InlineData("eth0@=10.0.0.1-10.0.0.2-10.0.0.3")]
    [InlineData("eth0@=::-ffff::")]
    [InlineData("eth0@=10.0.0.0-11.0.0.0")]
    public void Addresses_ByAnotherVersionOrNobody_AreNone(string text) => Assert.Empty(AnnouncedAddresses.AnnouncedBy(Lease(text)));

    private static AnnouncedAddress At(string address, string link, DateTimeOffset? since, string? instead = null) => new(IpAddress.Parse(address), link, since, instead);

    private static LeaseResource Lease(string announces, string silent = "") => new()
    {
        Key = new ObjectKey("loadbalancer-system", "n1"),
        Annotations = new Dictionary<string, string> { [AnnouncedAddresses.Announces] = announces, [AnnouncedAddresses.Silent] = silent },
    };
}
