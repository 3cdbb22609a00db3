using System.Globalization;
using BenchmarkDotNet.Attributes;
using LoadBalancer.Core.Addressing;
using LoadBalancer.Core.Pools;
using LoadBalancer.Kubernetes.ListWatch;
using LoadBalancer.Kubernetes.Resources;
using LoadBalancer.Speaker.Ownership;

namespace LoadBalancer.Benchmarks;

/// <summary>What a speaker does when one Service changes, with few and with many that are there already: it must not grow with them.</summary>
[MemoryDiagnoser]
public class ChangeBenchmarks
{
    private static readonly PoolConfig Pools = new([new Pool { Name = "large", Ranges = [new IpRange(IpAddress.Parse("10.210.0.0"), IpAddress.Parse("10.210.255.255"))] }]);

    private readonly Store<AnnouncedService> services = new();
    private readonly Store<EndpointSliceResource> slices = new();
    private readonly Store<NodeResource> nodes = new();
    private readonly Store<LeaseResource> leases = new();
    private VipCatalog catalog = null!;
    private int version;

    /// <summary>How many Services have an address.</summary>
    [Params(100, 10_000)]
    public int Services { get; set; }

    /// <summary>They are there.</summary>
    [GlobalSetup]
    public void Setup()
    {
        catalog = new VipCatalog(services, slices, nodes, leases, static () => true, static () => Pools, null);
        services.Changed += catalog.NoteService;
        nodes.Replace([]);
        leases.Replace([]);
        slices.Replace([.. Enumerable.Range(0, Services).Select(static n => new EndpointSliceResource
        {
            Key = new ObjectKey("default", $"s{n}-x"), ResourceVersion = "1", ServiceName = $"s{n}", Serves = true,
        })]);
        services.Replace([.. Enumerable.Range(0, Services).Select(n => Service($"s{n}", n))]);
        catalog.Build();
    }

    /// <summary>One comes, or another address of it.</summary>
    [Benchmark]
    public VipSnapshot OneChange()
    {
        services.Apply(new WatchEvent<AnnouncedService>(WatchEventType.Modified, Service("new", 60_000 + (version % 2)), ""));
        return catalog.Build();
    }

    /// <summary>Anything may have changed, as with a Node.</summary>
    [Benchmark]
    public VipSnapshot AnyChange()
    {
        catalog.NoteNodes();
        return catalog.Build();
    }

    private AnnouncedService Service(string name, int address) => new()
    {
        Key = new ObjectKey("default", name), Uid = name, ResourceVersion = (++version).ToString(CultureInfo.InvariantCulture), IsLoadBalancer = true,
        Addresses = [IpAddress.FromUInt32(IpAddress.Parse("10.210.0.0").AsUInt32 + (uint)address)],
    };
}
