using LoadBalancer.Core.Addressing;
using LoadBalancer.Core.Pools;
using LoadBalancer.Kubernetes.Events;
using LoadBalancer.Kubernetes.ListWatch;
using LoadBalancer.Kubernetes.Resources;

namespace LoadBalancer.Speaker.Tests.Cluster;

/// <summary>What the API server holds, seen by all speakers; and the Events they write.</summary>
internal sealed class FakeApi : IEventRecorder
{
    public const string Namespace = "loadbalancer-system";

    public static readonly ObjectKey KeySecret = new(Namespace, "heartbeat-key");

    /// <summary>The heartbeat key of a cluster.</summary>
    public const string Key = "the key of this cluster, 32 bytes";

    private int version;

    /// <summary>One that answers, with the key and nothing else.</summary>
    public static FakeApi Answering()
    {
        var api = new FakeApi();
        api.Sync();
        api.PutKey(Key);
        return api;
    }

    /// <summary>One that has said nothing but the key: it went away before this speaker started.</summary>
    public static FakeApi Away()
    {
        var api = new FakeApi { Pools = null };
        api.PutKey(Key);
        return api;
    }

    public Store<AnnouncedService> Services { get; } = new();

    public Store<EndpointSliceResource> Slices { get; } = new();

    public Store<NodeResource> Nodes { get; } = new();

    public Store<LeaseResource> Leases { get; } = new();

    public Store<SecretResource> Secrets { get; } = new();

    /// <summary>Whether what the speakers know is what it holds.</summary>
    public bool IsCurrent { get; set; } = true;

    /// <summary>Where the Secret is mounted, if it is.</summary>
    public string? KeyMount { get; init; }

    public PoolConfig? Pools { get; set; } =
        new([new Pool { Name = "default", Ranges = [new IpRange(IpAddress.Parse("192.168.96.100"), IpAddress.Parse("192.168.96.150"))] }]);

    public List<(string Service, string Reason, string Message)> Events { get; } = [];

    public void Sync()
    {
        Services.Replace([]);
        Slices.Replace([]);
        Nodes.Replace([]);
        Leases.Replace([]);
        Secrets.Replace([]);
    }

    public void PutKey(string key, string? next = null, string? previous = null)
    {
        var data = new Dictionary<string, byte[]> { ["key"] = Bytes(key) };
        if (next is not null)
        {
            data["next-key"] = Bytes(next);
        }

        if (previous is not null)
        {
            data["previous-key"] = Bytes(previous);
        }

        Put(Secrets, new SecretResource { Key = KeySecret, ResourceVersion = Next(), Data = data });

        static byte[] Bytes(string text) => System.Text.Encoding.ASCII.GetBytes(text);
    }

    /// <summary>A Service with this address and a serving endpoint on each of the nodes.</summary>
    public AnnouncedService PutService(string name, string ip, string[] endpointsOn, string policy = "Cluster", string? loadBalancerClass = null)
    {
        var service = new AnnouncedService
        {
            Key = new ObjectKey("default", name),
            Uid = name,
            ResourceVersion = Next(),
            IsLoadBalancer = true,
            IsLocal = policy == "Local",
            LoadBalancerClass = loadBalancerClass,
            Addresses = IpAddress.ParseAll(ip.Split(',')),
            Created = DateTimeOffset.UnixEpoch,
        };
        PutEndpoints(name, endpointsOn);
        Put(Services, service);
        return service;
    }

    public void PutEndpoints(string name, string[] on) => Put(Slices, new EndpointSliceResource
    {
        Key = new ObjectKey("default", name + "-x"),
        ResourceVersion = Next(),
        ServiceName = name,
        Serves = on.Length > 0,
        ServingNodes = on,
    });

    public void Remove(AnnouncedService service) =>
        Services.Apply(new WatchEvent<AnnouncedService>(WatchEventType.Deleted, service, Next()));

    public void PutNode(NodeResource node) => Put(Nodes, node with { ResourceVersion = Next() });

    public void PutLease(LeaseResource lease) => Put(Leases, lease with { ResourceVersion = Next() });

    public void Record(EventTarget target, EventSeverity severity, string reason, string message) =>
        Events.Add((target.Key.ToString(), reason, message));

    /// <summary>What was said to be so still, with its age.</summary>
    public List<(string Service, string Reason, TimeSpan Age)> Repeated { get; } = [];

    public void Repeat(EventTarget target, EventSeverity severity, string reason, string message, TimeSpan age) =>
        Repeated.Add((target.Key.ToString(), reason, age));

    private static void Put<T>(Store<T> store, T item)
        where T : class, IResource =>
        store.Apply(new WatchEvent<T>(store.Get(item.Key) is null ? WatchEventType.Added : WatchEventType.Modified, item, item.ResourceVersion));

    private string Next() => (++version).ToString(System.Globalization.CultureInfo.InvariantCulture);
}
