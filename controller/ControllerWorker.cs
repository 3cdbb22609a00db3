using System.Security.Cryptography;
using LoadBalancer.Controller.Assigning;
using LoadBalancer.Controller.Exclusions;
using LoadBalancer.Controller.HeartbeatKey;
using LoadBalancer.Controller.NodeLoss;
using LoadBalancer.Controller.Report;
using LoadBalancer.Controller.StatusPage;
using LoadBalancer.Hosting;
using LoadBalancer.Kubernetes.Client;
using LoadBalancer.Kubernetes.Configuration;
using LoadBalancer.Kubernetes.Events;
using LoadBalancer.Kubernetes.Leases;
using LoadBalancer.Kubernetes.ListWatch;
using LoadBalancer.Kubernetes.Report;
using LoadBalancer.Kubernetes.Resources;
using LoadBalancer.Kubernetes.Secrets;
using LoadBalancer.Kubernetes.Status;
using LoadBalancer.Status;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace LoadBalancer.Controller;

/// <summary>
/// The parts of the controller and how they hang together: reflectors fill the stores, the pools are read from the ConfigMap, and
/// whichever replica is elected runs the <see cref="AssignmentLoop"/>.
/// </summary>
internal sealed partial class ControllerWorker : Worker
{
    private static readonly TimeProvider Time = BootTime.Clock;

    private readonly ILogger logger;
    private readonly Readiness readiness;
    private readonly ApiConnection connection;
    private readonly Store<ServiceResource> services = new();
    private readonly Store<NamespaceResource> namespaces = new();
    private readonly Store<NodeResource> nodes = new();
    private readonly Store<LeaseResource> leases = new();
    private readonly Store<ConfigMapResource> configMaps = new();
    private readonly ReflectorSet reflectors;
    private readonly EventRecorder recorder;
    private readonly RememberedEvents events;
    private readonly PoolConfigSource pools;
    private readonly LeaderElector elector;
    private readonly AssignmentLoop loop;
    private readonly HeartbeatKeyKeeper keeper;
    private readonly NodeLossWatch? losses;

    public ControllerWorker(
        IHostApplicationLifetime lifetime, ExitStatus exitStatus, Readiness readiness, CommonOptions options, ControllerOptions own,
        ApiConnection connection, ApiClient api, StatusEndpoint status, StatusFeed feed, TimeProvider wallClock, ILoggerFactory loggers)
        : base(lifetime, exitStatus, loggers.CreateLogger<ControllerWorker>())
    {
        logger = loggers.CreateLogger<ControllerWorker>();
        this.readiness = readiness;
        this.connection = connection;

        // What is known, and what is told.
        var configMap = new ObjectKey(options.Namespace, options.ConfigMap);
        reflectors = new ReflectorSet(api, Time, loggers, WatchMetrics.Instance);
        var serviceReflector = reflectors.Reflect(ResourceKinds.Services, ResourceSelection.All, services);
        reflectors.Reflect(ResourceKinds.Namespaces, ResourceSelection.All, namespaces);
        reflectors.Reflect(ResourceKinds.Nodes, ResourceSelection.All, nodes);
        var leaseReflector = reflectors.Reflect(ResourceKinds.Leases,
            new ResourceSelection { Namespace = options.Namespace, LabelSelector = NodeLease.LabelSelector }, leases);
        reflectors.Reflect(ResourceKinds.ConfigMaps, ResourceSelection.One(configMap), configMaps);
        var stores = new ControllerStores(services, namespaces, nodes, leases);
        recorder = new EventRecorder(api, new EventSource("loadbalancer-controller", Environment.MachineName), Time,
            loggers.CreateLogger<EventRecorder>(), ControllerMetrics.EventWritten);
        events = new RememberedEvents(recorder, wallClock);

        // Which replica acts.
        var candidacy = Candidacy(options);
        elector = new LeaderElector(new ApiLeaseStore(api), candidacy, Time, Random.Shared.NextDouble,
            loggers.CreateLogger<LeaderElector>());
        pools = new PoolConfigSource(configMaps, configMap, loggers.CreateLogger<PoolConfigSource>(), events, () => elector.IsLeader);

        // What it does: it assigns addresses, keeps the speakers' key, and marks what was on a lost node.
        var freshness = new LeaseFreshness(leases, () => leaseReflector.LastContact, Time);
        var exclusions = new ExclusionSource(stores, key => freshness.Age(key) < NodeLease.Duration);
        var told = new ExclusionReport(configMaps, configMap, events, loggers.CreateLogger<ExclusionReport>());
        loop = new AssignmentLoop(stores, pools, exclusions, told, new ServiceStatusWriter(api), LeadershipLeft,
            serviceReflector.RelistAsync, new AssignmentEvents(events), options.LoadBalancerClass, Time,
            loggers.CreateLogger<AssignmentLoop>());
        var secret = new ObjectKey(options.Namespace, ApiUse.HeartbeatSecretName);
        keeper = new HeartbeatKeyKeeper(stop => HeartbeatKeySecret.EnsureAsync(api, secret, RandomNumberGenerator.Fill, stop), Time,
            loggers.CreateLogger<HeartbeatKeyKeeper>());
        losses = own.MarkLostNodes ? new NodeLossWatch(connection, api, stores, freshness.SinceRenewal, events, elector, Environment.MachineName, options.Namespace, Time, loggers) : null;

        // What every replica shows.
        var report = new ControllerReport
        {
            Replica = candidacy.Identity, Namespace = options.Namespace, WallClock = wallClock, Leadership = () => (elector.IsLeader, elector.Leader), Stores = stores,
            Pools = () => pools.Status, Exclusions = () => exclusions.Current, AskLeader = loop.AskAsync, ServedClass = options.LoadBalancerClass,
            Readiness = readiness, Events = events, IsFresh = freshness.IsFresh, Book = new AddressBook(Time), History = new History(stores, wallClock),
            IsCurrent = () => reflectors.AreCurrent,
        };
        feed.Source = report.MakeAsync;
        status.Source = async (query, _) => query is { Address: null, All: false }
            ? StatusJson.Write(await report.MakeAsync().ConfigureAwait(false))
            : throw new FormatException("the controller's /status takes no parameter; ?address= is for the speakers");
    }

    protected override async Task RunAsync(CancellationToken stoppingToken)
    {
        LogStarting(connection.Server, connection.Origin);
        readiness.Require("stores", "the Services, namespaces, Nodes and Leases have not been listed yet");
        readiness.Require("config", "no valid pool configuration has been read yet; see the ConfigMap's Events");
        pools.Changed += ShowConfig;

        // The leader's last writes and Events need everything else, so that ends first.
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(stoppingToken);
        using var rest = new CancellationTokenSource();
        var election = elector.RunAsync(LeadAsync, ending.Token);
        Task[] all =
        [
            election,
            .. reflectors.Run(rest.Token),
            pools.RunAsync(rest.Token), recorder.RunAsync(rest.Token), ReportSyncAsync(rest.Token),
            .. losses is null ? [] : new[] { losses.RunAsync(rest.Token) },
        ];
        await Task.WhenAny(all).ConfigureAwait(false);
        await ending.CancelAsync().ConfigureAwait(false);
        await election.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await rest.CancelAsync().ConfigureAwait(false);
        await Task.WhenAll(all).ConfigureAwait(false);
        losses?.Dispose();
    }

    private static LeaderElectionOptions Candidacy(CommonOptions options) => new(
        new ObjectKey(options.Namespace, ApiUse.ControllerLeaseName), LeaderElectionOptions.NewIdentity(Environment.MachineName));

    private Task LeadAsync(CancellationToken stop)
    {
        pools.RecordStanding();
        return Task.WhenAll(loop.LeadAsync(stop), keeper.KeepAsync(stop));
    }

    private TimeSpan LeadershipLeft()
    {
        var (now, endsAt) = (Time.GetTimestamp(), elector.Window.EndsAt);
        return endsAt > now ? Time.GetElapsedTime(now, endsAt) : TimeSpan.Zero;
    }

    private async Task ReportSyncAsync(CancellationToken stop)
    {
        await Task.WhenAll(services.Synced, namespaces.Synced, nodes.Synced, leases.Synced).WaitAsync(stop).ConfigureAwait(false);
        readiness.Set("stores", true);
        await Task.Delay(Timeout.InfiniteTimeSpan, Time, stop).ConfigureAwait(false);
    }

    private void ShowConfig()
    {
        var status = pools.Status;
        ControllerMetrics.Show(status);
        if (status.State != PoolConfigState.NotLoaded)
        {
            readiness.Set("config", true);
        }
    }
}
