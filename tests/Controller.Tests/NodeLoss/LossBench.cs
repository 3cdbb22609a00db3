using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using LoadBalancer.Controller.NodeLoss;
using LoadBalancer.Controller.Tests.Fakes;
using LoadBalancer.Core.Addressing;
using LoadBalancer.Core.NodeLoss;
using LoadBalancer.Kubernetes.Leases;
using LoadBalancer.Kubernetes.ListWatch;
using LoadBalancer.Kubernetes.Resources;
using LoadBalancer.Kubernetes.Status;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;

namespace LoadBalancer.Controller.Tests.NodeLoss;

/// <summary>A cluster as replicas see it that mark lost nodes' pods: Nodes, Leases, pods, kubelets' ports; the clock is a fake one.</summary>
internal sealed class LossBench : ILeaseStore, IPodStatusWriter, IAsyncDisposable
{
    public const string Namespace = "loadbalancer-system";
    private static readonly ObjectKey RecordKey = new(Namespace, "loadbalancer-node-loss");

    private readonly Lock gate = new();
    private readonly List<LossReplica> replicas = [];
    private readonly ConcurrentDictionary<string, bool> silent = new();
    private LeaseResource? record;
    private int version;
    private int asked;

    public LossBench(int nodes = 3, int podsPerNode = 2)
    {
        Nodes.Replace([.. Enumerable.Range(1, nodes).Select(i => Node($"n{i}"))]);
        Leases.Replace([]);
        NodeLeases.Replace([.. Enumerable.Range(1, nodes).Select(i => Lease(new ObjectKey("kube-node-lease", $"n{i}"), $"n{i}"))]);
        Services.Replace([new ServiceResource { Key = new("shop", "web"), Type = "LoadBalancer" }, new ServiceResource { Key = new("shop", "api"), Type = "ClusterIP" }]);
        Namespaces.Replace([]);
        Pods = [.. Enumerable.Range(1, nodes).SelectMany(n => Enumerable.Range(1, podsPerNode).Select(p =>
            (Node: $"n{n}", Pod: new PodResource { Key = new("shop", $"web-{n}-{p}"), Uid = $"uid-{n}-{p}", Ready = true })))];
    }

    public FakeTimeProvider Time { get; } = new();

    public Store<NodeResource> Nodes { get; } = new();

    public Store<LeaseResource> Leases { get; } = new();

    public Store<LeaseResource> NodeLeases { get; } = new();

    public Store<ServiceResource> Services { get; } = new();

    public Store<NamespaceResource> Namespaces { get; } = new();

    public List<(string Node, PodResource Pod)> Pods { get; }

    /// <summary>Each mark the server took: who, when.</summary>
    public ConcurrentQueue<string> Marks { get; } = new();

    /// <summary>Everything that was written, slices and pods.</summary>
    public ConcurrentQueue<string> Order { get; } = new();

    /// <summary>What the server says to a slice's mark.</summary>
    public Exception? RefuseSlices { get; set; }

    /// <summary>What the server does with a mark before it looks at it; throw to refuse.</summary>
    public Action<ObjectKey>? BeforeMark { get; set; }

    /// <summary>Whether the API server is heard of by its events only, as when no bookmark comes for a while.</summary>
    public bool QuietWatches { get; set; }

    /// <summary>How often a silent port was asked.</summary>
    public int Asked => Volatile.Read(ref asked);

    public IReadOnlyList<LossEntry> Recorded
    {
        get
        {
            lock (gate)
            {
                return record is null ? [] : LossAnnotations.LossesOf(record);
            }
        }
    }

    public LossReplica Replica(bool leads)
    {
        var replica = new LossReplica(this, leads, replicas.Count);
        lock (gate)
        {
            replica.Record.Replace(record is null ? [] : [record]);
            replicas.Add(replica);
        }

        return replica;
    }

    /// <summary>The kubelet's port of a node, and with it everything else of it, falls silent.</summary>
    public LossBench Cut(params string[] nodes)
    {
        foreach (var node in nodes)
        {
            silent[AddressOf(node)] = true;
        }

        return this;
    }

    public LossBench Mend(string node)
    {
        silent.TryRemove(AddressOf(node), out _);
        return this;
    }

    /// <summary>A speaker renews its Lease and says what it has lost.</summary>
    public void Say(string speaker, params LossStatement[] lost)
    {
        var annotations = new Dictionary<string, string> { [LossAnnotations.Lost] = LossAnnotations.Of(lost) };
        Put(Leases, Lease(new ObjectKey(Namespace, speaker), speaker) with { Annotations = annotations });
    }

    /// <summary>A speaker stops: its Lease is nobody's.</summary>
    public void Release(string speaker) => Put(Leases, Lease(new ObjectKey(Namespace, speaker), ""));

    public void SayHeard(string speaker, params string[] heard) => Put(Leases, Lease(new ObjectKey(Namespace, speaker), speaker) with
    {
        Annotations = new Dictionary<string, string> { [SpeakerAnnotations.Hears] = $"eth0={string.Join(',', heard)}" },
    });

    /// <summary>A kubelet renews its Node's Lease.</summary>
    public void Renew(string node) => Put(NodeLeases, Lease(new ObjectKey("kube-node-lease", node), node));

    public static LossStatement Lost(string node, ulong boot = 1, int agreed = 2) =>
        new(node, boot, IpAddress.Parse(AddressOf(node)), agreed, Witness: false, TimeSpan.FromMilliseconds(350));

    public static string AddressOf(string node) => $"192.168.96.{10 + int.Parse(node.AsSpan(1), CultureInfo.InvariantCulture)}";

    public void SetNode(string name, Func<NodeResource, NodeResource> change) =>
        Nodes.Apply(new WatchEvent<NodeResource>(WatchEventType.Modified, change(Nodes.Get(new ObjectKey("", name))!) with { ResourceVersion = Next() }, "1"));

    public Task<bool> ConnectAsync(IPEndPoint endpoint, CancellationToken stop)
    {
        if (!silent.ContainsKey(endpoint.Address.ToString()))
        {
            return Task.FromResult(true);
        }

        Interlocked.Increment(ref asked);
        var never = new TaskCompletionSource<bool>();
        stop.Register(() => never.TrySetCanceled(stop));
        return never.Task;
    }

    /// <summary>Waits for an outcome while the clock runs.</summary>
    public Task Until(Func<bool> outcome) => Eventually.True(outcome, () => Time.Advance(TimeSpan.FromMilliseconds(10)));

    /// <summary>Lets the clock run for a while, in steps that everybody can follow.</summary>
    public async Task Pass(TimeSpan time)
    {
        var end = Time.GetUtcNow() + time;
        var step = time / 20;
        await Eventually.True(() => Time.GetUtcNow() >= end, () => Time.Advance(step));
    }

    Task<LeaseResource?> ILeaseStore.GetAsync(ObjectKey key, CancellationToken cancellationToken)
    {
        lock (gate)
        {
            return Task.FromResult(record);
        }
    }

    Task<LeaseResource?> ILeaseStore.CreateAsync(LeaseResource lease, CancellationToken cancellationToken)
    {
        lock (gate)
        {
            return Task.FromResult(record is null ? Keep(lease) : null);
        }
    }

    Task<LeaseResource?> ILeaseStore.UpdateAsync(LeaseResource lease, CancellationToken cancellationToken)
    {
        lock (gate)
        {
            return Task.FromResult(record?.ResourceVersion == lease.ResourceVersion ? Keep(lease) : null);
        }
    }

    Task<IReadOnlyList<PodResource>> IPodStatusWriter.ListPodsAsync(string node, CancellationToken stop)
    {
        lock (gate)
        {
            return Task.FromResult<IReadOnlyList<PodResource>>([.. Pods.Where(p => p.Node == node).Select(p => p.Pod)]);
        }
    }

    Task<IReadOnlyList<PodEndpointsResource>> IPodStatusWriter.ListEndpointsAsync(IReadOnlyCollection<string> namespaces, CancellationToken stop)
    {
        lock (gate)
        {
            return Task.FromResult<IReadOnlyList<PodEndpointsResource>>(
            [
                new PodEndpointsResource
                {
                    Key = new("shop", "web-1"), ServiceName = "web", FollowsPods = true, Endpoints = [.. Pods.Select(p => new PodEndpoint(p.Node, p.Pod.Uid, p.Pod.Ready))],
                },
            ]);
        }
    }

    Task<StatusWriteResult> IPodStatusWriter.MarkNotReadyAsync(PodEndpointsResource slice, IReadOnlyList<int> endpoints, CancellationToken stop)
    {
        Order.Enqueue($"slice {slice.Key.Name}: {string.Join(' ', endpoints.Select(i => slice.Endpoints[i].PodUid))}");
        return RefuseSlices is { } refusal ? Task.FromException<StatusWriteResult>(refusal) : Task.FromResult(StatusWriteResult.Written);
    }

    Task<StatusWriteResult> IPodStatusWriter.MarkNotReadyAsync(ObjectKey pod, string uid, string message, CancellationToken stop)
    {
        lock (gate)
        {
            BeforeMark?.Invoke(pod);
            var index = Pods.FindIndex(p => p.Pod.Key == pod && p.Pod.Uid == uid);
            if (index < 0)
            {
                return Task.FromResult(StatusWriteResult.Conflict);
            }

            Pods[index] = (Pods[index].Node, Pods[index].Pod with { Ready = false });
            Marks.Enqueue(pod.Name);
            Order.Enqueue(pod.Name);
            return Task.FromResult(StatusWriteResult.Written);
        }
    }

    /// <summary>The kubelet reports its pods as they are.</summary>
    public LossBench ReportReady(string node)
    {
        lock (gate)
        {
            for (var i = 0; i < Pods.Count; i++)
            {
                Pods[i] = Pods[i].Node == node ? (node, Pods[i].Pod with { Ready = true }) : Pods[i];
            }
        }

        return this;
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var replica in replicas)
        {
            await replica.DisposeAsync();
        }
    }

    private LeaseResource Keep(LeaseResource lease)
    {
        record = lease with { ResourceVersion = Next() };
        foreach (var replica in replicas.Where(replica => !replica.Stopped))
        {
            Put(replica.Record, record);
        }

        return record;
    }

    private static void Put(Store<LeaseResource> store, LeaseResource lease) =>
        store.Apply(new WatchEvent<LeaseResource>(WatchEventType.Modified, lease, lease.ResourceVersion));

    private LeaseResource Lease(ObjectKey key, string holder) => new()
    {
        Key = key, HolderIdentity = holder, LeaseDurationSeconds = 40, RenewTime = Time.GetUtcNow().AddTicks(version), ResourceVersion = Next(),
    };

    private static NodeResource Node(string name) => new()
    {
        Key = new("", name), Uid = name, ResourceVersion = "1", IsReady = true, InternalAddresses = [IpAddress.Parse(AddressOf(name))], Addresses = [AddressOf(name)], KubeletPort = 10250,
    };

    private string Next() => Interlocked.Increment(ref version).ToString(CultureInfo.InvariantCulture);
}

/// <summary>One replica.</summary>
internal sealed class LossReplica : IAsyncDisposable
{
    // Not disposed: whether it is cancelled is asked afterwards.
#pragma warning disable CA2213
    private readonly CancellationTokenSource stop = new();
#pragma warning restore CA2213
    private readonly LeaseFreshness speakerAges;
    private readonly LeaseFreshness nodeAges;
    private readonly Task running;

    public LossReplica(LossBench bench, bool leads, int number)
    {
        Leads = leads;
        var start = bench.Time.GetTimestamp();
        speakerAges = Ages(bench.Leases);
        nodeAges = Ages(bench.NodeLeases);
        var loop = new NodeLossLoop(
            new LossSurroundings(bench.Nodes, node => nodeAges.SinceRenewal(new ObjectKey("kube-node-lease", node)), () => Leads),
            new LossStatements(bench.Leases, speakerAges.SinceRenewal),
            new KubeletPorts(bench.ConnectAsync, bench.Time),
            new LossLedger(bench, Record, new ObjectKey(LossBench.Namespace, "loadbalancer-node-loss"), $"replica-{number}", bench.Time),
            new LostPodMarker(bench, new LostPods(bench.Services, bench.Namespaces), bench.Time),
            new NodeLossEvents(Events, bench.Nodes), bench.Time, NullLogger.Instance);
        bench.Leases.Changed += _ => loop.Changed();
        bench.NodeLeases.Changed += _ => loop.Changed();
        bench.Nodes.Changed += _ => loop.Changed();
        Record.Changed += _ => loop.Changed();
        running = loop.RunAsync(stop.Token);

        // What the stores hold by now is what a first LIST found: its times are those of before.
        LeaseFreshness Ages(Store<LeaseResource> store)
        {
            var contact = bench.Time.GetTimestamp();
            store.Changed += _ => contact = bench.Time.GetTimestamp();
            var ages = new LeaseFreshness(store, () => bench.QuietWatches ? contact : bench.Time.GetTimestamp(), bench.Time);
            List<LeaseResource> all = [.. store.All()];
            store.Replace([]);
            store.Replace(all);
            return ages;
        }
    }

    public bool Leads { get; set; }

    public bool Stopped => stop.IsCancellationRequested;

    public FakeEvents Events { get; } = new();

    public Store<LeaseResource> Record { get; } = new();

    public async ValueTask DisposeAsync()
    {
        if (Stopped)
        {
            return;
        }

        await stop.CancelAsync();
        await running.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        Assert.True(running.IsCanceled, running.Exception?.ToString());
        speakerAges.Dispose();
        nodeAges.Dispose();
    }
}
