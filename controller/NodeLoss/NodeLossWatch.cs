using LoadBalancer.Hosting;
using LoadBalancer.Kubernetes.Client;
using LoadBalancer.Kubernetes.Events;
using LoadBalancer.Kubernetes.Leases;
using LoadBalancer.Kubernetes.ListWatch;
using LoadBalancer.Kubernetes.Resources;
using LoadBalancer.Kubernetes.Status;
using Microsoft.Extensions.Logging;

namespace LoadBalancer.Controller.NodeLoss;

/// <summary>
/// The parts that only <c>--mark-lost-nodes</c> needs, and how they hang together. Without the flag none of it exists: nothing is watched
/// or asked for that the component of the manifests would have to grant.
/// </summary>
internal sealed class NodeLossWatch : IDisposable
{
    /// <summary>The namespace of the kubelets' Leases.</summary>
    public const string NodeLeaseNamespace = "kube-node-lease";

    // Several times what a busy API server takes: a new connection lists everything anew, which must not become what keeps it busy.
    private static readonly TimeSpan SignPatience = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan SignPeriod = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan AfterRenewal = TimeSpan.FromSeconds(30);

    private readonly ApiConnection connection;
    private readonly TimeProvider time;
    private readonly ControllerStores stores;
    private readonly Store<LeaseResource> nodeLeases = new();
    private readonly Store<LeaseResource> record = new();
    private readonly ReflectorSet reflectors;
    private readonly LeaseFreshness nodeLeaseAges;
    private readonly NodeLossLoop loop;

    /// <summary>The parts; <see cref="RunAsync"/> starts them.</summary>
    /// <param name="connection">The connection to the API server.</param>
    /// <param name="api">The API server.</param>
    /// <param name="stores">What the controller knows anyway.</param>
    /// <param name="sinceSpeakersRenewal">How long ago a speaker's Lease was last seen to be renewed.</param>
    /// <param name="recorder">Writes Events.</param>
    /// <param name="elector">Who leads.</param>
    /// <param name="identity">This replica.</param>
    /// <param name="namespace">The programs' namespace.</param>
    /// <param name="time">The clock.</param>
    /// <param name="loggers">Where things are logged.</param>
    public NodeLossWatch(
        ApiConnection connection, ApiClient api, ControllerStores stores, Func<ObjectKey, TimeSpan?> sinceSpeakersRenewal, IEventRecorder recorder, LeaderElector elector,
        string identity, string @namespace, TimeProvider time, ILoggerFactory loggers)
    {
        this.connection = connection;
        this.time = time;
        this.stores = stores;
        var recordKey = new ObjectKey(@namespace, ApiUse.NodeLossLeaseName);
        reflectors = new ReflectorSet(api, time, loggers, WatchMetrics.Instance);
        var nodeLeaseReflector = reflectors.Reflect(ResourceKinds.Leases, new ResourceSelection { Namespace = NodeLeaseNamespace }, nodeLeases);
        reflectors.Reflect(ResourceKinds.Leases, ResourceSelection.One(recordKey), record);
        nodeLeaseAges = new LeaseFreshness(nodeLeases, () => nodeLeaseReflector.LastContact, time);
        loop = new NodeLossLoop(
            new LossSurroundings(stores.Nodes, node => nodeLeaseAges.SinceRenewal(new ObjectKey(NodeLeaseNamespace, node)), () => elector.IsLeader),
            new LossStatements(stores.Leases, sinceSpeakersRenewal),
            new KubeletPorts(KubeletPorts.ConnectAsync, time),
            new LossLedger(new ApiLeaseStore(api), record, recordKey, identity, time),
            new LostPodMarker(new PodStatusWriter(api, time), new LostPods(stores.Services, stores.Namespaces), time),
            new NodeLossEvents(recorder, stores.Nodes), time, loggers.CreateLogger<NodeLossLoop>());
    }

    /// <summary>Runs until cancelled.</summary>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public Task RunAsync(CancellationToken stop) =>
        Task.WhenAll([.. reflectors.Run(stop), FollowAsync(stop), KeepConnectedAsync(stop)]);

    /// <inheritdoc/>
    public void Dispose() => nodeLeaseAges.Dispose();

    // A watch that ended at a control plane which died with its node would tell of the loss half a minute late.
    private async Task KeepConnectedAsync(CancellationToken stop)
    {
        while (true)
        {
            var renewed = await connection.RenewIfSilentAsync(SignPatience, time, stop).ConfigureAwait(false);
            await Task.Delay(renewed ? AfterRenewal : SignPeriod, time, stop).ConfigureAwait(false);
        }
    }

    private async Task FollowAsync(CancellationToken stop)
    {
        await Task.WhenAll(stores.Services.Synced, stores.Namespaces.Synced, stores.Nodes.Synced, stores.Leases.Synced, nodeLeases.Synced, record.Synced)
            .WaitAsync(stop).ConfigureAwait(false);
        stores.Leases.Changed += _ => loop.Changed();
        stores.Nodes.Changed += _ => loop.Changed();
        nodeLeases.Changed += _ => loop.Changed();
        record.Changed += _ => loop.Changed();
        await loop.RunAsync(stop).ConfigureAwait(false);
    }
}
