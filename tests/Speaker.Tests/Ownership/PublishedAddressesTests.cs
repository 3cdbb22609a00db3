using LoadBalancer.Core.Addressing;
using LoadBalancer.Kubernetes.Leases;
using LoadBalancer.Kubernetes.Resources;
using LoadBalancer.Speaker.Ownership;
using LoadBalancer.Speaker.Tests.Cluster;

namespace LoadBalancer.Speaker.Tests.Ownership;

/// <summary>What Leases say of where addresses are is what is so.</summary>
public sealed class PublishedAddressesTests
{
    private const string Vip = "192.168.96.100";
    private readonly VirtualCluster cluster = new(3);

    [Fact]
    public async Task Owner_SaysItsAddressWithLinkAndSinceWhen_AndNobodyElseDoes()
    {
        cluster.Run(1500);
        cluster.Api.PutService("web", Vip, ["n1"]);
        cluster.Run(5000);
        var owner = cluster.Only(Vip);

        var told = Assert.Single(AnnouncedBy(owner));

        var asked = Assert.Single((await cluster.StatusOf(owner)).Addresses);
        Assert.Equal((IpAddress.Parse(Vip), "eth0", null), (told.Address, told.Link, told.For));
        Assert.InRange((asked.Since!.Value - told.Since!.Value).TotalSeconds, 0, 1);
        Assert.All(cluster.Speakers.Where(speaker => speaker.Name != owner), speaker => Assert.Empty(AnnouncedBy(speaker.Name)));
        Assert.All(cluster.Speakers, speaker => Assert.Empty(SilentBy(speaker.Name)));
    }

    [Fact]
    public void AddressWithoutEndpoints_IsToldByOneSpeakerWithTheReason()
    {
        cluster.Api.PutService("web", Vip, []);
        cluster.Run(5000);

        var told = Assert.Single(cluster.Speakers.SelectMany(speaker => SilentBy(speaker.Name)));

        Assert.Equal((nameof(AnnouncementEvent.NoServingEndpoint), IpAddress.Parse(Vip)), told);
    }

    [Fact]
    public void AddressInNoPool_IsToldByOneSpeakerWithTheReason()
    {
        cluster.Api.PutService("web", "10.9.9.9", ["n1"]);
        cluster.Run(5000);

        var told = Assert.Single(cluster.Speakers.SelectMany(speaker => SilentBy(speaker.Name)));

        Assert.Equal((nameof(AnnouncementEvent.AddressNotInPool), IpAddress.Parse("10.9.9.9")), told);
    }

    [Fact]
    public void Changes_InABurst_AreWrittenOnceInTwoSeconds()
    {
        cluster.Run(5000);
        var writes = 0;
        foreach (var speaker in cluster.Speakers)
        {
            speaker.Published.Changed += () => writes++;
        }

        for (var i = 0; i < 40; i++)
        {
            cluster.Api.PutService($"web{i}", $"192.168.96.{100 + i}", ["n1"]);
            cluster.Run(100);
        }

        cluster.Run(3000);

        Assert.Equal(40, cluster.Speakers.Sum(speaker => AnnouncedBy(speaker.Name).Count));
        Assert.InRange(writes, 3, 3 * 4);
    }

    private IReadOnlyList<AnnouncedAddress> AnnouncedBy(string speaker) => AnnouncedAddresses.AnnouncedBy(LeaseOf(speaker));

    private IReadOnlyList<(string Reason, IpAddress Address)> SilentBy(string speaker) => AnnouncedAddresses.SilentBy(LeaseOf(speaker));

    private LeaseResource LeaseOf(string name)
    {
        var published = cluster.Speakers.Single(speaker => speaker.Name == name).Published;
        return new LeaseResource
        {
            Key = new ObjectKey("loadbalancer-system", name),
            Annotations = new Dictionary<string, string> { [AnnouncedAddresses.Announces] = published.Announces, [AnnouncedAddresses.Silent] = published.Silent },
        };
    }
}
