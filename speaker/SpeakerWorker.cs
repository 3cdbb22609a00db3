using System.Buffers.Binary;
using System.Security.Cryptography;
using LoadBalancer.Core.Conflicts;
using LoadBalancer.Core.Ownership;
using LoadBalancer.Hosting;
using LoadBalancer.Kubernetes.Client;
using LoadBalancer.Kubernetes.Configuration;
using LoadBalancer.Kubernetes.Events;
using LoadBalancer.Kubernetes.Leases;
using LoadBalancer.Kubernetes.ListWatch;
using LoadBalancer.Kubernetes.Report;
using LoadBalancer.Kubernetes.Resources;
using LoadBalancer.Speaker.Announcing;
using LoadBalancer.Speaker.Answering.Kernel;
using LoadBalancer.Speaker.Links;
using LoadBalancer.Speaker.Membership;
using LoadBalancer.Speaker.NodeLoss;
using LoadBalancer.Speaker.Ownership;
using LoadBalancer.Speaker.Report;
using LoadBalancer.Speaker.Strangers;
using LoadBalancer.Status;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace LoadBalancer.Speaker;

/// <summary>
/// The parts of the speaker and how they hang together: reflectors fill the stores, links are found and opened, one thread keeps the
/// heartbeats going and one decides ownership.
/// </summary>
internal sealed partial class SpeakerWorker : Worker
{
    // Also counts while the machine sleeps: a node that wakes up must know that the others have taken over.
    private static readonly TimeProvider Time = BootTime.Clock;

    // An API server that lives answers in a hundredth of that.
    private static readonly TimeSpan SignPatience = TimeSpan.FromMilliseconds(300);

    private readonly ILogger logger;
    private readonly ILoggerFactory loggers;
    private readonly ApiConnection connection;
    private readonly ApiClient api;
    private readonly MetricsEndpoint metrics;
    private readonly SpeakerOptions options;
    private readonly Store<AnnouncedService> services = new();
    private readonly Store<EndpointSliceResource> slices = new();
    private readonly Store<NodeResource> nodes = new();
    private readonly Store<LeaseResource> leases = new();
    private readonly Store<ConfigMapResource> configMaps = new();
    private readonly Store<SecretResource> secrets = new();
    private readonly List<Func<CancellationToken, Task>> parts = [];
    private readonly List<Func<bool>> current = [];
    private readonly WakeUp changed = new();
    private readonly ObjectKey leaseKey;
    private readonly PoolConfigSource pools;
    private readonly Heartbeats heartbeats;
    private readonly OwnershipEvents events;
    private readonly SpeakerPipeline pipeline;
    private readonly Announcer announcer = new(Time);
    private readonly LinkSet linkSet = new();
    private readonly LinkRunners runners;
    private readonly MulticastMemberships memberships;
    private readonly SpeakerLinks links;
    private readonly KernelPart kernel;
    private readonly NodeLease lease;
    private readonly WakeUp heard = new();
    private readonly StrangerWatch strangers;
    private readonly LossWatch losses;
    private readonly PublishedAddresses published;
    private readonly NamePatterns promiscuous;
    private string? strictArp;
    private string? wireless;
    private string? bridgeFilter;

    public SpeakerWorker(
        IHostApplicationLifetime lifetime, ExitStatus exitStatus, Readiness readiness, CommonOptions common, SpeakerOptions options,
        ApiConnection connection, ApiClient api, StatusEndpoint status, MetricsEndpoint metrics, TimeProvider wallClock, ILoggerFactory loggers)
        : base(lifetime, exitStatus, loggers.CreateLogger<SpeakerWorker>())
    {
        logger = loggers.CreateLogger<SpeakerWorker>();
        this.loggers = loggers;
        this.connection = connection;
        this.api = api;
        this.metrics = metrics;
        this.options = options;
        promiscuous = new NamePatterns(options.Promiscuous);
        leaseKey = new ObjectKey(common.Namespace, options.Node);
        var configMap = new ObjectKey(common.Namespace, common.ConfigMap);
        var secret = new ObjectKey(common.Namespace, ApiUse.HeartbeatSecretName);
        Reflect(ResourceKinds.AnnouncedServices, ResourceSelection.All, services);
        Reflect(ResourceKinds.EndpointSlices, ResourceSelection.All, slices);
        Reflect(ResourceKinds.Nodes, ResourceSelection.All, nodes);
        Reflect(ResourceKinds.Leases, new ResourceSelection { Namespace = common.Namespace, LabelSelector = NodeLease.LabelSelector }, leases);
        Reflect(ResourceKinds.ConfigMaps, ResourceSelection.One(configMap), configMaps);
        if (options.HeartbeatKeyFile is null)
        {
            Reflect(ResourceKinds.Secrets, ResourceSelection.One(secret), secrets);
        }

        var written = new EventRecorder(api, new EventSource("loadbalancer-speaker", options.Node), Time, loggers.CreateLogger<EventRecorder>());
        var recorder = new RememberedEvents(written, wallClock);
        parts.Add(written.RunAsync);
        pools = new PoolConfigSource(configMaps, configMap, loggers.CreateLogger<PoolConfigSource>());
        parts.Add(pools.RunAsync);

        var clock = new MonotonicClock(Time);
        heartbeats = new Heartbeats(new SpeakerIdentity(options.Node, NewBoot()), new MembershipTimings { Grace = options.Grace }, options.HeartbeatInterval, clock, changed);
        var keyLogger = loggers.CreateLogger<HeartbeatKeyWatch>();
        var keys = options.HeartbeatKeyFile is { } file
            ? HeartbeatKeyWatch.OfFile(file, heartbeats, clock, keyLogger)
            : HeartbeatKeyWatch.OfSecret(secrets, secret, options.HeartbeatKeyMount, heartbeats, clock, keyLogger);
        events = new OwnershipEvents(recorder, options.Node);
        var pass = new OwnershipPass(heartbeats, nodes, new SpeakerLeases(leases, nodes, options.Node), events,
            new IsolationEvents(recorder, nodes, options.Node), () => current.TrueForAll(static isCurrent => isCurrent()), options.Rebalance,
            options.IgnoreExcludeLabel);
        var stores = new SpeakerStores(services, slices, nodes, leases);
        losses = new LossWatch(nodes, leases, options.Node);
        published = new PublishedAddresses(wallClock);
        pipeline = new SpeakerPipeline(stores, () => pools.Current, heartbeats, keys, pass, losses,
            readiness, clock, changed, common.LoadBalancerClass, published);

        memberships = new MulticastMemberships(() => runners!.Current, Time, loggers.CreateLogger<MulticastMemberships>());
        kernel = KernelPart.Load(options.Kernel, options.KernelPins, options.Grace, Time, loggers.CreateLogger<KernelPart>());
        parts.Add(kernel.RunAsync);
        links = new SpeakerLinks(heartbeats, announcer, memberships.Changed, clock, changed, kernel);
        var listener = new WireListener(heard, links, links.Follow);
        runners = new LinkRunners(linkSet, facts => PcapLink.Open(facts, promiscuous.Match(facts.Name)), links, listener, Time, loggers.CreateLogger<LinkRunners>());
        strangers = new StrangerWatch(listener, stores, () => pools.Current, () => runners.Current, links.ViewOf, () => pipeline.Snapshot,
            recorder, options.Node, options.ProbeInterval is { } probing ? new ProbeTimings { Interval = probing } : null, clock, heard,
            loggers.CreateLogger<StrangerWatch>());
        parts.Add(new LinkScanner(new LinkSelection(options.InterfacesExclude), linkSet, Time).RunAsync);
        parts.Add(runners.RunAsync);
        parts.Add(memberships.RunAsync);
        lease = new NodeLease(new ApiLeaseStore(api), leaseKey, Time, Random.Shared.NextDouble, loggers.CreateLogger<NodeLease>());
        parts.Add(KeepLeaseAsync);
        var report = new SpeakerReport
        {
            Node = options.Node, WallClock = wallClock, Clock = clock, Pipeline = pipeline, Strangers = strangers, Readiness = readiness,
            Pools = () => pools.Status, Events = recorder, Warnings = () => [.. new[] { strictArp, wireless, bridgeFilter }.OfType<string>()],
            Answering = kernel.AnsweringOn, Keys = () => heartbeats.Keys,
        };
        status.Source = async (query, _) => StatusJson.Write(await report.MakeAsync(query).ConfigureAwait(false));
    }

    protected override async Task RunAsync(CancellationToken stoppingToken)
    {
        LogStarting(options.Node, connection.Server, connection.Origin);
        if (options.Kernel == KernelUse.On && kernel.Current != KernelState.Active)
        {
            throw new InvalidOperationException($"--kernel on: {kernel.Problem}. Without the kernel's part: --kernel auto");
        }

        pools.Changed += OnPoolsChanged;
        pools.Changed += strangers.FactsChanged;
        secrets.Changed += _ => changed.Signal();
        runners.Changed += OnLinksChanged;
        new LinkMetrics(() => runners.Current, announcer).Register();
        metrics.Add(new VipMetrics(
            () => runners.Current, () => pipeline.Snapshot,
            () => heartbeats.Segments.Any(static segment => segment.LastView is { } view && VipMetrics.Tells(view))).Lines);

        using var rest = new CancellationTokenSource();
        using var beating = new LoopThread("heartbeats", heartbeats.Wake, heartbeats.Beat, logger);
        using var deciding = new LoopThread("ownership", changed, pipeline.Step, logger);
        using var watching = new LoopThread("strangers", heard, strangers.Step, logger);
        beating.Start();
        deciding.Start();
        watching.Start();
        List<Task> all = [beating.Ended, deciding.Ended, watching.Ended, .. parts.Select(part => part(rest.Token))];
        var stop = Task.Delay(Timeout.InfiniteTimeSpan, Time, stoppingToken);
        await Task.WhenAny([stop, .. all]).ConfigureAwait(false);

        // Everything goes on until the others have taken over; also when a part has failed, if it was not one of the two threads.
        pipeline.Leave();
        await Task.WhenAny(pipeline.Left, beating.Ended, deciding.Ended, Task.Delay(2 * SpeakerPipeline.LongestLeave, Time, CancellationToken.None))
            .ConfigureAwait(false);
        LogLeft();
        runners.Dispose();
        announcer.Dispose();
        beating.Dispose();
        deciding.Dispose();
        watching.Dispose();
        await rest.CancelAsync().ConfigureAwait(false);
        await Task.WhenAll(all).ConfigureAwait(false);
        memberships.Dispose();
        kernel.Dispose();
    }

    private static ulong NewBoot()
    {
        Span<byte> bytes = stackalloc byte[sizeof(ulong)];
        RandomNumberGenerator.Fill(bytes);
        return BinaryPrimitives.ReadUInt64BigEndian(bytes) | 1;
    }

    private void Reflect<T>(ResourceKind<T> kind, ResourceSelection selection, Store<T> store)
        where T : class, IResource
    {
        var reflector = new Reflector<T>(new ApiResourceSource<T>(api, kind, selection, Time), store, kind.Name, Time, Random.Shared.NextDouble,
            loggers.CreateLogger<Reflector<T>>(), WatchMetrics.Instance);
        parts.Add(reflector.RunAsync);
        current.Add(() => reflector.IsCurrent);
    }

    private void OnPoolsChanged()
    {
        SpeakerMetrics.ConfigLoaded.Set(pools.Current is null ? 0 : 1);
        SpeakerMetrics.ConfigStale.Set(pools.State == PoolConfigState.Stale ? 1 : 0);
        pipeline.FactsChanged();
    }

    private void OnLinksChanged()
    {
        links.Follow(runners.Current);
        memberships.Changed();
        SayLinks();
        Warn(ref strictArp, StrictArp.Check(linkSet.Current));
        Warn(ref wireless, WirelessLinks.Check(linkSet.Current, promiscuous.Match));
        Warn(ref bridgeFilter, BridgeFilter.Check(linkSet.Current.Select(static link => link.Name)));
    }

    private void Warn(ref string? last, string? warning)
    {
        if (warning is not null && warning != last)
        {
            LogWarning(warning);
        }

        last = warning;
    }

    private async Task KeepLeaseAsync(CancellationToken cancellationToken)
    {
        // The Lease of the former run is read before this run writes it anew.
        await leases.Synced.WaitAsync(cancellationToken).ConfigureAwait(false);
        var former = leases.Get(leaseKey);
        events.RememberFormerRun(former?.RenewTime);
        strangers.RememberFormerRun(former?.Annotations.GetValueOrDefault(StrangerAnnotations.Taken));
        SayLinks();
        lease.Renewing += SayLinks;
        heartbeats.StandingChanged += SayLinks;
        strangers.PublishedChanged += SayLinks;
        losses.Changed += SayLosses;
        published.Changed += SayLinks;
        nodes.Changed += key =>
        {
            if (key.Name == options.Node)
            {
                SayLinks();
            }
        };
        await Task.WhenAll(lease.RunAsync(cancellationToken), WatchRoutesAsync(cancellationToken)).ConfigureAwait(false);
    }

    // Routes come and go without a word to whoever watches interfaces; a gateway is no news that hurries.
    private async Task WatchRoutesAsync(CancellationToken cancellationToken)
    {
        using var timer = new PeriodicTimer(LinkScanner.ScanInterval, Time);
        while (await timer.WaitForNextTickAsync(cancellationToken).ConfigureAwait(false))
        {
            SayLinks();
        }
    }

    // The control plane this speaker talks to may have been on the lost node: then what it has to say needs another connection.
    private void SayLosses()
    {
        SayLinks();
        _ = connection.RenewIfSilentAsync(SignPatience, Time, CancellationToken.None);
    }

    private void SayLinks()
    {
        var node = nodes.Get(new ObjectKey("", options.Node));
        var facts = runners.Current.Select(runner => runner.Facts);
        var gateways = Gateways.Read();
        heartbeats.Gateways = gateways;
        var annotations = new Dictionary<string, string>(SpeakerLeases.Annotations(facts, heartbeats.Standing.Ready, gateways, heartbeats.Segments))
        {
            [StrangerAnnotations.Macs] = StrangerAnnotations.Of(facts.Select(link => link.Mac)),
            [StrangerAnnotations.Taken] = strangers.Published,
            [AnnouncedAddresses.Announces] = published.Announces,
            [AnnouncedAddresses.Silent] = published.Silent,
            [SpeakerAnnotations.Version] = ProgramIdentity.Version,
        };
        if (losses.Statements is { Length: > 0 } lost)
        {
            annotations[LossAnnotations.Lost] = lost;
        }

        lease.Say(
            annotations,
            node is { Uid.Length: > 0 } ? new ObjectOwner("v1", "Node", options.Node, node.Uid) : null);
    }

    [LoggerMessage(EventId = 3100, Level = LogLevel.Information, Message = "Speaker of node {Node}. The API server is {Server} (by {Origin})")]
    private partial void LogStarting(string node, Uri server, string origin);

    [LoggerMessage(EventId = 3101, Level = LogLevel.Information, Message = "This node has left; its addresses are answered for elsewhere, or by nobody")]
    private partial void LogLeft();

    [LoggerMessage(EventId = 3102, Level = LogLevel.Warning, Message = "{Warning}")]
    private partial void LogWarning(string warning);
}
