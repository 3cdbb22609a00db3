using LoadBalancer.Controller.Assigning;
using LoadBalancer.Controller.Exclusions;
using LoadBalancer.Controller.Report;
using LoadBalancer.Hosting;
using LoadBalancer.Kubernetes.Configuration;
using LoadBalancer.Kubernetes.ListWatch;
using LoadBalancer.Kubernetes.Report;
using LoadBalancer.Kubernetes.Resources;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;

namespace LoadBalancer.Controller.Tests.Fakes;

/// <summary>One replica of the controller without the network: its own ConfigMap store and clock, a cluster shared with others.</summary>
internal sealed class Replica : IAsyncDisposable
{
    /// <summary>The collection of the tests with replicas: metrics are the process's, so two of them must not lead at once.</summary>
    public const string Metrics = "replicas";

    private static readonly ObjectKey ConfigMapKey = new("loadbalancer-system", "config");

    private readonly CancellationTokenSource process = new();
    private readonly Store<ConfigMapResource> configMaps = new();
    private readonly PoolConfigSource pools;
    private readonly AssignmentLoop loop;
    private readonly Task configTask;
    private CancellationTokenSource? term;
    private int configVersion;

    public Replica(FakeCluster cluster)
    {
        Cluster = cluster;
        pools = new PoolConfigSource(configMaps, ConfigMapKey, NullLogger<PoolConfigSource>.Instance);
        configTask = pools.RunAsync(process.Token);
        var exclusions = new ExclusionSource(cluster.Stores, _ => true);
        loop = new AssignmentLoop(
            cluster.Stores, pools, exclusions,
            new ExclusionReport(configMaps, ConfigMapKey, Events, NullLogger<ExclusionReport>.Instance), cluster, () => Window, _ => Refresh(),
            new AssignmentEvents(Events), null, Time, NullLogger<AssignmentLoop>.Instance);
        Report = new ControllerReport
        {
            Replica = "a", Namespace = "lb", WallClock = Time, Leadership = () => (term is { IsCancellationRequested: false }, "a"), Stores = cluster.Stores, Pools = () => pools.Status,
            Exclusions = () => exclusions.Current, AskLeader = loop.AskAsync, Readiness = new Readiness(), IsCurrent = () => true,
            Events = new RememberedEvents(Events, Time), Book = new AddressBook(Time), History = new History(cluster.Stores, Time),
            IsFresh = key => cluster.Stores.Leases.Get(key) is { HolderIdentity.Length: > 0 } && !SilentSpeakers.Contains(key.Name),
        };
    }

    /// <summary>The nodes whose speakers' Leases are not renewed.</summary>
    public HashSet<string> SilentSpeakers { get; } = [];

    /// <summary>What it tells at /status.</summary>
    public ControllerReport Report { get; }

    /// <summary>Whether the ConfigMap has been read.</summary>
    public bool HasPools => pools.Current is not null;

    public FakeCluster Cluster { get; }

    public FakeTimeProvider Time { get; } = new();

    public FakeEvents Events { get; } = new();

    /// <summary>How much longer it leads, as the elector would say.</summary>
    public TimeSpan Window { get; set; } = TimeSpan.FromSeconds(10);

    public Func<Task> Refresh { get; set; } = () => Task.CompletedTask;

    public Task Leading { get; private set; } = Task.CompletedTask;

    /// <summary>The text of the ConfigMap; null if there is none.</summary>
    public Replica WithPools(string? text)
    {
        configMaps.Replace(text is null ? [] :
        [
            new ConfigMapResource
            {
                Key = ConfigMapKey,
                ResourceVersion = $"{++configVersion}",
                Data = new Dictionary<string, string> { ["config"] = text },
            },
        ]);
        return this;
    }

    public static string OnePool(string range) => $"""
        address-pools:
        - name: default
          protocol: layer2
          addresses: ["{range}"]
        """;

    public Replica Lead()
    {
        term = new CancellationTokenSource();
        Leading = loop.LeadAsync(term.Token);
        return this;
    }

    public void Stop() => term!.Cancel();

    public async ValueTask DisposeAsync()
    {
        term?.Cancel();
        await Eventually.True(() => Leading.IsCompleted, () => Time.Advance(TimeSpan.FromSeconds(1)));
        await process.CancelAsync();
        await configTask.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await Leading;
        process.Dispose();
        term?.Dispose();
    }
}
