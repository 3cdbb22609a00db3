using LoadBalancer.Core.Addressing;
using LoadBalancer.Core.Ownership;
using LoadBalancer.Core.Packets;
using LoadBalancer.Core.Pools;
using LoadBalancer.Kubernetes.ListWatch;
using LoadBalancer.Kubernetes.Resources;
using LoadBalancer.Speaker.Ownership;

namespace LoadBalancer.Speaker.Tests.Ownership;

/// <summary>What is made from the changes alone is what is made from everything.</summary>
public sealed class VipCatalogTests
{
    private static readonly string[] Nodes = ["n1", "n2", "n3"];

    private readonly Store<AnnouncedService> services = new();
    private readonly Store<EndpointSliceResource> slices = new();
    private readonly Store<NodeResource> nodes = new();
    private readonly Store<LeaseResource> leases = new();
    private readonly VipCatalog catalog;
    private PoolConfig pools = PoolOf("192.168.96.100", "192.168.96.109");
    private bool isCurrent = true;
    private int version;

    public VipCatalogTests()
    {
        services.Replace([]);
        slices.Replace([]);
        nodes.Replace([]);
        leases.Replace([]);
        catalog = new VipCatalog(services, slices, nodes, leases, () => isCurrent, () => pools, null);
        services.Changed += catalog.NoteService;
        slices.Changed += catalog.NoteSlice;
        nodes.Changed += _ => catalog.NoteNodes();
        leases.Changed += key =>
        {
            if (catalog.ConcernsLease(key))
            {
                catalog.NoteNodes();
            }
        };
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    public void Build_AfterAnyChanges_IsWhatAnotherMakesOfEverything_AndSaysWhatChanged(int seed)
    {
        var random = new Random(seed);
        var (before, known) = (catalog.Build(), 0);
        for (var i = 0; i < 3000; i++)
        {
            for (var changes = random.Next(4); changes >= 0; changes--)
            {
                Change(random);
            }

            var now = catalog.Build();
            var expected = new VipCatalog(services, slices, nodes, leases, () => isCurrent, () => pools, null).Build();
            Assert.Equal(Lines(expected), Lines(now));
            if (now.ChangedSince(before) is { } changed)
            {
                known++;
                var told = changed.Select(static address => address.ToString()).ToHashSet();
                Assert.DoesNotContain(Lines(now).Except(Lines(before)).Concat(Lines(before).Except(Lines(now))), line => !told.Contains(line.Split(' ')[0]));
            }

            before = now;
        }

        Assert.InRange(known, 2000, 2999);
    }

    [Fact]
    public void Build_OneServiceOfMany_KeepsTheFactsOfTheOthersAndNamesIts()
    {
        foreach (var n in Enumerable.Range(0, 8))
        {
            PutService($"s{n}", false, $"192.168.96.{100 + n}");
        }

        var before = catalog.Build();
        PutService("new", false, "192.168.96.108");
        var now = catalog.Build();
        Assert.Equal([IpAddress.Parse("192.168.96.108")], now.ChangedSince(before)!);
        Assert.Empty(now.ChangedSince(now)!);
        Assert.Same(before.Vips[IpAddress.Parse("192.168.96.100")], now.Vips[IpAddress.Parse("192.168.96.100")]);

        PutService("again", false, "192.168.96.109");
        Assert.Null(catalog.Build().ChangedSince(before));
    }

    [Fact]
    public void Build_ANodeChanged_MayHaveChangedEverything()
    {
        PutService("web", false, "192.168.96.100");
        var before = catalog.Build();
        PutNode("n1");
        Assert.Null(catalog.Build().ChangedSince(before));
    }

    // Facts that may be half of them are made from everything, as long as it is so.
    [Fact]
    public void Build_TheApiServerIsAway_MayHaveChangedEverything()
    {
        var before = catalog.Build();
        isCurrent = false;
        PutService("web", false, "192.168.96.100");
        var now = catalog.Build();
        Assert.Null(now.ChangedSince(before));
        isCurrent = true;
        PutService("more", false, "192.168.96.101");
        Assert.Null(catalog.Build().ChangedSince(now));
    }

    private void Change(Random random)
    {
        var name = $"s{random.Next(12)}";
        switch (random.Next(random.Next(40) == 0 ? 10 : 8))
        {
            case 0 or 1 or 2:
                PutService(name, random.Next(3) == 0, [.. Enumerable.Range(0, random.Next(3)).Select(_ => $"192.168.96.{98 + random.Next(12)}")]);
                break;
            case 3:
                Remove(services, new ObjectKey("default", name));
                break;
            case 4 or 5 or 6:
                PutSlice($"x{random.Next(16)}", name, [.. Nodes.Where(_ => random.Next(2) == 0)]);
                break;
            case 7:
                Remove(slices, new ObjectKey("default", $"x{random.Next(16)}"));
                break;
            case 8:
                pools = PoolOf("192.168.96.100", $"192.168.96.{103 + random.Next(8)}");
                break;
            case 9:
                // A host's own address, which some Services have as well.
                PutLease($"192.168.96.{101 + random.Next(3)}/20");
                break;
        }
    }

    private static PoolConfig PoolOf(string first, string last) => new([new Pool { Name = "default", Ranges = [new IpRange(IpAddress.Parse(first), IpAddress.Parse(last))] }]);

    private static List<string> Lines(VipSnapshot snapshot) =>
    [
        .. snapshot.Vips.Select(entry => $"{entry.Key} {Describe(entry.Value)}, {Describe(snapshot.Services[entry.Key])}").Order(StringComparer.Ordinal),
        .. snapshot.Unusable.Select(entry => $"{entry.Key} {entry.Value.Text}, {Describe(entry.Value.Services)}").Order(StringComparer.Ordinal),
    ];

    private static string Describe(VipFacts facts) =>
        $"{facts.Address} by {facts.ElectionAddress} of {facts.Pool.Ranges[0]}, {facts.Served}, {facts.SharersApart}, {(facts.ServingNodes is { } on ? string.Join(';', on.Order()) : "any")}";

    private static string Describe(IReadOnlyList<AnnouncedService> services) => string.Join(';', services.Select(static service => $"{service.Key} {service.Uid}"));

    private void PutService(string name, bool isLocal, params string[] addresses) => Put(services, new AnnouncedService
    {
        Key = new ObjectKey("default", name),
        Uid = name,
        ResourceVersion = Next(),
        IsLoadBalancer = true,
        IsLocal = isLocal,
        Addresses = IpAddress.ParseAll(addresses),
        Created = DateTimeOffset.UnixEpoch.AddSeconds(name.Length),
    });

    private void PutSlice(string name, string service, string[] on) => Put(slices, new EndpointSliceResource
    {
        Key = new ObjectKey("default", name), ResourceVersion = Next(), ServiceName = service, Serves = on.Length > 0, ServingNodes = on,
    });

    private void PutNode(string name) => Put(nodes, new NodeResource { Key = new ObjectKey("", name), ResourceVersion = Next(), Addresses = ["192.168.96.11"] });

    private void PutLease(string prefix) => Put(leases, new LeaseResource
    {
        Key = new ObjectKey("loadbalancer-system", "n1"), ResourceVersion = Next(), HolderIdentity = "n1",
        Annotations = Leases.Of(new LinkFacts("eth0", 2, MacAddress.Parse("52:54:00:00:00:01"), [IpPrefix.Parse(prefix)], Carrier: true)),
    });

    private void Put<T>(Store<T> store, T item)
        where T : class, IResource => store.Apply(new WatchEvent<T>(WatchEventType.Modified, item, Next()));

    private void Remove<T>(Store<T> store, ObjectKey key)
        where T : class, IResource
    {
        if (store.Get(key) is { } item)
        {
            store.Apply(new WatchEvent<T>(WatchEventType.Deleted, item, Next()));
        }
    }

    private string Next() => (++version).ToString(System.Globalization.CultureInfo.InvariantCulture);
}
