using System.Globalization;
using LoadBalancer.Core.Addressing;
using LoadBalancer.Kubernetes.ListWatch;
using LoadBalancer.Kubernetes.Resources;
using LoadBalancer.Kubernetes.Status;

namespace LoadBalancer.Controller.Tests.Fakes;

/// <summary>
/// The Services as the API server has them, with resourceVersions and the guard on writes, and a watch that can be held back so that a
/// store lags behind.
/// </summary>
internal sealed class FakeCluster : IStatusWriter
{
    private readonly Dictionary<ObjectKey, ServiceResource> services = [];
    private readonly Queue<WatchEvent<ServiceResource>> unseen = new();
    private readonly Lock gate = new();
    private int version = 1000;

    public Store<ServiceResource> Services { get; } = new();

    public Store<NamespaceResource> Namespaces { get; } = new();

    public Store<NodeResource> Nodes { get; } = new();

    public Store<LeaseResource> Leases { get; } = new();

    public ControllerStores Stores => new(Services, Namespaces, Nodes, Leases);

    /// <summary>While set, the store does not see what happens.</summary>
    public bool WatchIsHeld { get; set; }

    /// <summary>What the server does with a write before it looks at it; throw to refuse. Null does nothing.</summary>
    public Func<StatusWriteCall, Task>? BeforeWrite { get; set; }

    /// <summary>What happens after a write has landed and before the writer hears of it; throw to lose the answer.</summary>
    public Func<StatusWriteCall, Task>? AfterWrite { get; set; }

    public List<StatusWriteCall> Writes { get; } = [];

    public FakeCluster Synced()
    {
        Services.Replace([.. services.Values]);
        Namespaces.Replace([]);
        Nodes.Replace([]);
        Leases.Replace([]);
        return this;
    }

    public ServiceResource Get(string name)
    {
        lock (gate)
        {
            return services[Key(name)];
        }
    }

    private ServiceResource Get(ObjectKey key)
    {
        lock (gate)
        {
            return services[key];
        }
    }

    public string AddressOf(string name)
    {
        lock (gate)
        {
            return services.TryGetValue(Key(name), out var service)
                ? string.Join(' ', service.Ingress.Select(p => p.Ip + p.Hostname))
                : "(gone)";
        }
    }

    /// <summary>Creates Service number <paramref name="number"/>, named s1, s2, …; higher is younger.</summary>
    public ServiceResource Create(int number, Func<ServiceResource, ServiceResource>? with = null)
    {
        var service = new ServiceResource
        {
            Key = Key($"s{number}"),
            Uid = $"uid-{number}-{version}",
            Created = DateTimeOffset.UnixEpoch.AddSeconds(number),
            Type = "LoadBalancer",
            ClusterIPs = ["10.96.0.1"],
            IpFamilies = [IpFamily.IPv4],
            Ports = [new ServicePort("TCP", 80)],
        };
        return Store(WatchEventType.Added, with?.Invoke(service) ?? service);
    }

    public ServiceResource Update(string name, Func<ServiceResource, ServiceResource> change) =>
        Store(WatchEventType.Modified, change(Get(name)));

    public void Delete(string name)
    {
        WatchEvent<ServiceResource> seen;
        lock (gate)
        {
            services.Remove(Key(name), out var service);
            seen = new WatchEvent<ServiceResource>(WatchEventType.Deleted, service, NextVersion());
            unseen.Enqueue(seen);
        }

        Watch();
    }

    /// <summary>Lets the store see what it has not seen.</summary>
    public void Release()
    {
        WatchIsHeld = false;
        Watch();
    }

    public Task Relist()
    {
        ServiceResource[] all;
        lock (gate)
        {
            unseen.Clear();
            all = [.. services.Values];
        }

        Services.Replace(all);
        return Task.CompletedTask;
    }

    public async Task<StatusWriteResult> WriteAsync(
        ServiceResource service, IReadOnlyList<IpAddress> addresses, CancellationToken cancellationToken)
    {
        var call = new StatusWriteCall(service, addresses, cancellationToken);
        lock (gate)
        {
            Writes.Add(call);
        }

        await (BeforeWrite?.Invoke(call) ?? Task.CompletedTask);
        var result = Land(service, addresses);
        await (AfterWrite?.Invoke(call) ?? Task.CompletedTask);
        return result;
    }

    /// <summary>The server's side of a write.</summary>
    public StatusWriteResult Land(ServiceResource service, IReadOnlyList<IpAddress> addresses)
    {
        lock (gate)
        {
            if (!services.TryGetValue(service.Key, out var now))
            {
                return StatusWriteResult.Gone;
            }

            if (now.ResourceVersion != service.ResourceVersion || now.Uid != service.Uid)
            {
                return StatusWriteResult.Conflict;
            }
        }

        Store(WatchEventType.Modified, Get(service.Key) with
        {
            Ingress = [.. addresses.Select(a => new IngressPoint(a.ToString(), "", "VIP"))],
        });
        return StatusWriteResult.Written;
    }

    /// <summary>The addresses that more than one Service has.</summary>
    public string[] Duplicates()
    {
        lock (gate)
        {
            return [.. services.Values.SelectMany(s => s.Ingress.Select(p => p.Ip))
                .GroupBy(ip => ip).Where(users => users.Count() > 1).Select(users => users.Key)];
        }
    }

    private static ObjectKey Key(string name) => new("default", name);

    private ServiceResource Store(WatchEventType type, ServiceResource service)
    {
        lock (gate)
        {
            service = service with { ResourceVersion = NextVersion() };
            services[service.Key] = service;
            unseen.Enqueue(new WatchEvent<ServiceResource>(type, service, service.ResourceVersion));
        }

        Watch();
        return service;
    }

    private string NextVersion() => (++version).ToString(CultureInfo.InvariantCulture);

    private void Watch()
    {
        lock (gate)
        {
            while (!WatchIsHeld && unseen.TryDequeue(out var next))
            {
                Services.Apply(next);
            }
        }
    }
}

/// <summary>A write as it reached the server.</summary>
internal sealed record StatusWriteCall(ServiceResource Service, IReadOnlyList<IpAddress> Addresses, CancellationToken Cancelled);
