using LoadBalancer.Core.Addressing;
using LoadBalancer.Core.Pools;
using LoadBalancer.Kubernetes.ListWatch;
using LoadBalancer.Kubernetes.Resources;

namespace LoadBalancer.Speaker.Tests.Simulation;

/// <summary>The API server: what there is, and whoever watches it.</summary>
internal sealed class SimulatedApi(VirtualTime time) : IHasStores
{
    public const string Namespace = "loadbalancer-system";

    public static readonly ObjectKey KeySecret = new(Namespace, "heartbeat-key");

    private readonly List<ApiView> views = [];
    private int version;

    public SimulatedStore<AnnouncedService> Services { get; } = new();

    public SimulatedStore<EndpointSliceResource> Slices { get; } = new();

    public SimulatedStore<NodeResource> Nodes { get; } = new();

    public SimulatedStore<LeaseResource> Leases { get; } = new();

    public SimulatedStore<SecretResource> Secrets { get; } = new();

    public PoolConfig Pools { get; } =
        new([new Pool { Name = "default", Ranges = [new IpRange(IpAddress.Parse("192.168.97.0"), IpAddress.Parse("192.168.255.255"))] }]);

    /// <summary>The view of a process that has just started.</summary>
    public ApiView Watch(SimulatedNode node)
    {
        var view = new ApiView(time, this, node);
        views.Add(view);
        view.Connect();
        return view;
    }

    public void Forget(ApiView view) => views.Remove(view);

    public void PutService(string name, IpAddress vip, IEnumerable<string> endpointsOn, bool local = false)
    {
        PutEndpoints(name, endpointsOn);
        Put(api => api.Services, new AnnouncedService
        {
            Key = new ObjectKey("default", name),
            Uid = name,
            ResourceVersion = Next(),
            IsLoadBalancer = true,
            IsLocal = local,
            Addresses = [vip],
            Created = DateTimeOffset.UnixEpoch,
        });
    }

    public void PutEndpoints(string name, IEnumerable<string> on) => Put(api => api.Slices, new EndpointSliceResource
    {
        Key = new ObjectKey("default", name + "-x"),
        ResourceVersion = Next(),
        ServiceName = name,
        Serves = on.Any(),
        ServingNodes = [.. on],
    });

    public void PutNode(NodeResource node) => Put(api => api.Nodes, node with { ResourceVersion = Next() });

    public void PutLease(LeaseResource lease) => Put(api => api.Leases, lease with { ResourceVersion = Next() });

    /// <summary>When the key became what it is.</summary>
    public TimeSpan KeyPutAt { get; private set; }

    /// <summary>Whether a speaker that started with the present key is not understood by one that has not been told of it.</summary>
    public bool KeepsApart(SimulatedSpeaker speaker, SimulatedSpeaker other) =>
        speaker.StartedAt > KeyPutAt && other.Api.Secrets.Get(KeySecret)?.ResourceVersion != Secrets.Get(KeySecret)?.ResourceVersion;

    public void PutKey(string key, string? next = null, string? previous = null)
    {
        KeyPutAt = time.Now;
        var data = new Dictionary<string, byte[]> { ["key"] = Bytes(key) };
        if (next is not null)
        {
            data["next-key"] = Bytes(next);
        }

        if (previous is not null)
        {
            data["previous-key"] = Bytes(previous);
        }

        Put(api => api.Secrets, new SecretResource { Key = KeySecret, ResourceVersion = Next(), Data = data });

        static byte[] Bytes(string text) => System.Text.Encoding.ASCII.GetBytes(text);
    }

    private void Put<T>(Func<IHasStores, SimulatedStore<T>> kind, T item)
        where T : class, IResource
    {
        kind(this).Put(item);
        foreach (var view in views.ToArray())
        {
            view.Tell(kind, item);
        }
    }

    private string Next() => (++version).ToString(System.Globalization.CultureInfo.InvariantCulture);
}

internal interface IHasStores
{
    SimulatedStore<AnnouncedService> Services { get; }

    SimulatedStore<EndpointSliceResource> Slices { get; }

    SimulatedStore<NodeResource> Nodes { get; }

    SimulatedStore<LeaseResource> Leases { get; }

    SimulatedStore<SecretResource> Secrets { get; }
}

/// <summary>What one process knows from the API server: nothing before it could reach it, old news while it cannot.</summary>
internal sealed class ApiView(VirtualTime time, SimulatedApi api, SimulatedNode node) : IHasStores
{
    private long session;

    public SimulatedStore<AnnouncedService> Services { get; } = new();

    public SimulatedStore<EndpointSliceResource> Slices { get; } = new();

    public SimulatedStore<NodeResource> Nodes { get; } = new();

    public SimulatedStore<LeaseResource> Leases { get; } = new();

    public SimulatedStore<SecretResource> Secrets { get; } = new();

    public PoolConfig? Pools { get; private set; }

    /// <summary>Whether it is connected, as far as the process can tell.</summary>
    public bool IsCurrent { get; private set; }

    /// <summary>The node's way to the API server came back, or the process started.</summary>
    public void Connect()
    {
        if (!node.ReachesApi)
        {
            return;
        }

        var mine = ++session;
        List(() => Pools = api.Pools);
        List(() => Services.Replace(api.Services.All()));
        List(() => Slices.Replace(api.Slices.All()));
        List(() => Nodes.Replace(api.Nodes.All()));
        List(() => Leases.Replace(api.Leases.All()));
        List(() => Secrets.Replace(api.Secrets.All()));
        time.After(TimeSpan.FromMilliseconds(60), () => node.Do(this, () => IsCurrent = mine == session));

        void List(Action action) => time.After(time.Between(2_000, 50_000), () =>
        {
            if (mine == session)
            {
                node.Do(this, action);
            }
        });
    }

    /// <summary>The way is gone: what is under way is lost.</summary>
    public void Disconnect()
    {
        session++;
        IsCurrent = false;
    }

    /// <summary>An event of a watch.</summary>
    public void Tell<T>(Func<IHasStores, SimulatedStore<T>> kind, T item)
        where T : class, IResource
    {
        var mine = session;
        if (node.ReachesApi)
        {
            time.After(node.WatchLag + time.Between(500, 5_000), () =>
            {
                // Before the first LIST is complete it has this object already.
                if (mine == session && kind(this).HasSynced)
                {
                    node.Do(this, () => kind(this).Put(item));
                }
            });
        }
    }
}

/// <summary>As <see cref="Store{T}"/>, with one order whatever the process's hash codes are: a seed is the same everywhere.</summary>
internal sealed class SimulatedStore<T> : IStore<T>
    where T : class, IResource
{
    private readonly Dictionary<ObjectKey, T> objects = [];
    private readonly TaskCompletionSource synced = new();

    public event Action<ObjectKey>? Changed;

    public bool HasSynced => synced.Task.IsCompleted;

    public Task Synced => synced.Task;

    public int Count => objects.Count;

    public T? Get(ObjectKey key) => objects.GetValueOrDefault(key);

    public IReadOnlyCollection<T> All() => objects.Values;

    IEnumerable<T> IStore<T>.All() => objects.Values;

    public void Put(T item)
    {
        if (objects.TryGetValue(item.Key, out var known) && Version(known) >= Version(item))
        {
            return;
        }

        objects[item.Key] = item;
        Changed?.Invoke(item.Key);
    }

    public void Replace(IReadOnlyCollection<T> items)
    {
        foreach (var item in items)
        {
            Put(item);
        }

        foreach (var key in objects.Keys.Except(items.Select(item => item.Key)).ToList())
        {
            objects.Remove(key);
            Changed?.Invoke(key);
        }

        synced.TrySetResult();
    }

    private static int Version(T item) => int.Parse(item.ResourceVersion, System.Globalization.CultureInfo.InvariantCulture);
}
