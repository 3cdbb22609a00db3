using System.Buffers.Binary;
using System.Security.Cryptography;
using LoadBalancer.Core.Conflicts;
using LoadBalancer.Core.Ownership;
using LoadBalancer.Hosting;
using LoadBalancer.Kubernetes.Client;
using LoadBalancer.Kubernetes.Configuration;
using LoadBalancer.Kubernetes.Events;
using LoadBalancer.Kubernetes.Leases;
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

    private readonly ILogger logger;
    private readonly ILoggerFactory loggers;
    private readonly ApiConnection connection;
    private readonly MetricsEndpoint metrics;
    private readonly SpeakerOptions options;
    private readonly WakeUp changed = new();
    private readonly WakeUp heard = new();
    private readonly MonotonicClock clock = new(Time);
    private readonly NamePatterns promiscuous;
    private readonly SpeakerReflectors reflectors;
    private readonly PoolConfigSource pools;
    private readonly EventRecorder recorder;
    private readonly RememberedEvents events;
    private readonly Heartbeats heartbeats;
    private readonly LossWatch losses;
    private readonly PublishedAddresses published;
    private readonly OwnershipEvents ownershipEvents;
    private readonly SpeakerPipeline pipeline;
    private readonly Announcer announcer = new(Time);
    private readonly LinkSet linkSet = new();
    private readonly LinkRunners runners;
    private readonly MulticastMemberships memberships;
    private readonly SpeakerLinks links;
    private readonly KernelPart kernel;
    private readonly StrangerWatch strangers;
    private readonly NodeStatement statement;
    private readonly NodeWarnings warnings;

    public SpeakerWorker(
        IHostApplicationLifetime lifetime, ExitStatus exitStatus, Readiness readiness, CommonOptions common, SpeakerOptions options,
        ApiConnection connection, ApiClient api, StatusEndpoint status, MetricsEndpoint metrics, TimeProvider wallClock, ILoggerFactory loggers)
        : base(lifetime, exitStatus, loggers.CreateLogger<SpeakerWorker>())
    {
        logger = loggers.CreateLogger<SpeakerWorker>();
        this.loggers = loggers;
        this.connection = connection;
        this.metrics = metrics;
        this.options = options;
        promiscuous = new NamePatterns(options.Promiscuous);

        // What is known, and what is told.
        var configMap = new ObjectKey(common.Namespace, common.ConfigMap);
        var secret = new ObjectKey(common.Namespace, ApiUse.HeartbeatSecretName);
        reflectors = new SpeakerReflectors(api, configMap, options.HeartbeatKeyFile is null ? secret : null, Time, loggers);
        pools = new PoolConfigSource(reflectors.ConfigMaps, configMap, loggers.CreateLogger<PoolConfigSource>());
        recorder = new EventRecorder(api, new EventSource("loadbalancer-speaker", options.Node), Time, loggers.CreateLogger<EventRecorder>());
        events = new RememberedEvents(recorder, wallClock);

        // Who owns which address.
        heartbeats = new Heartbeats(new SpeakerIdentity(options.Node, NewBoot()), new MembershipTimings { Grace = options.Grace }, options.HeartbeatInterval, clock, changed);
        losses = new LossWatch(reflectors.Nodes, reflectors.Leases, options.Node);
        published = new PublishedAddresses(wallClock);
        ownershipEvents = new OwnershipEvents(events, options.Node);
        pipeline = new SpeakerPipeline(reflectors.Stores, () => pools.Current, heartbeats, KeyWatch(secret), Pass(), losses,
            readiness, clock, changed, common.LoadBalancerClass, published);

        // The links, on which it is answered for; and who else is on them.
        memberships = new MulticastMemberships(() => runners!.Current, Time, loggers.CreateLogger<MulticastMemberships>());
        kernel = KernelPart.Load(options.Kernel, options.KernelPins, options.Grace, Time, loggers.CreateLogger<KernelPart>());
        links = new SpeakerLinks(heartbeats, announcer, memberships.Changed, clock, changed, kernel);
        var listener = new WireListener(heard, links, links.Follow);
        runners = new LinkRunners(linkSet, facts => PcapLink.Open(facts, promiscuous.Match(facts.Name)), links, listener, Time, loggers.CreateLogger<LinkRunners>());
        strangers = Strangers(listener);

        // What this node says of itself.
        statement = Statement(new ObjectKey(common.Namespace, options.Node), api);
        warnings = new NodeWarnings(promiscuous, loggers.CreateLogger<NodeWarnings>());
        var report = Report(readiness, wallClock);
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
        reflectors.Secrets.Changed += _ => changed.Signal();
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
        List<Task> all = [beating.Ended, deciding.Ended, watching.Ended, .. RunParts(rest.Token)];
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

    private HeartbeatKeyWatch KeyWatch(ObjectKey secret)
    {
        var keyLogger = loggers.CreateLogger<HeartbeatKeyWatch>();
        return options.HeartbeatKeyFile is { } file
            ? HeartbeatKeyWatch.OfFile(file, heartbeats, clock, keyLogger)
            : HeartbeatKeyWatch.OfSecret(reflectors.Secrets, secret, options.HeartbeatKeyMount, heartbeats, clock, keyLogger);
    }

    private OwnershipPass Pass() => new(
        heartbeats, reflectors.Nodes, new SpeakerLeases(reflectors.Leases, reflectors.Nodes, options.Node), ownershipEvents,
        new IsolationEvents(events, reflectors.Nodes, options.Node), () => reflectors.AreCurrent, options.Rebalance, options.IgnoreExcludeLabel);

    private StrangerWatch Strangers(WireListener listener) => new(
        listener, reflectors.Stores, () => pools.Current, () => runners.Current, links.ViewOf, () => pipeline.Snapshot, events, options.Node,
        options.ProbeInterval is { } probing ? new ProbeTimings { Interval = probing } : null, clock, heard, loggers.CreateLogger<StrangerWatch>());

    private NodeStatement Statement(ObjectKey key, ApiClient api) => new()
    {
        Key = key, Lease = new NodeLease(new ApiLeaseStore(api), key, Time, Random.Shared.NextDouble, loggers.CreateLogger<NodeLease>()),
        Connection = connection, Time = Time, Nodes = reflectors.Nodes, Leases = reflectors.Leases, Runners = runners, Heartbeats = heartbeats,
        Strangers = strangers, Losses = losses, Published = published, Events = ownershipEvents,
    };

    private SpeakerReport Report(Readiness readiness, TimeProvider wallClock) => new()
    {
        Node = options.Node, WallClock = wallClock, Clock = clock, Pipeline = pipeline, Strangers = strangers, Readiness = readiness,
        Pools = () => pools.Status, Events = events, Warnings = () => warnings.Current, Answering = kernel.AnsweringOn, Keys = () => heartbeats.Keys,
    };

    // Each goes on for as long as the program does.
    private IEnumerable<Task> RunParts(CancellationToken cancellationToken) =>
    [
        .. reflectors.Run(cancellationToken), recorder.RunAsync(cancellationToken), pools.RunAsync(cancellationToken), kernel.RunAsync(cancellationToken),
        new LinkScanner(new LinkSelection(options.InterfacesExclude), linkSet, Time).RunAsync(cancellationToken),
        runners.RunAsync(cancellationToken), memberships.RunAsync(cancellationToken), statement.KeepAsync(cancellationToken),
    ];

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
        statement.Say();
        warnings.Check(linkSet.Current);
    }

    [LoggerMessage(EventId = 3100, Level = LogLevel.Information, Message = "Speaker of node {Node}. The API server is {Server} (by {Origin})")]
    private partial void LogStarting(string node, Uri server, string origin);

    [LoggerMessage(EventId = 3101, Level = LogLevel.Information, Message = "This node has left; its addresses are answered for elsewhere, or by nobody")]
    private partial void LogLeft();
}
