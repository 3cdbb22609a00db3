using LoadBalancer.Controller.Assigning;
using LoadBalancer.Core.Allocation;
using LoadBalancer.Kubernetes.Configuration;
using LoadBalancer.Kubernetes.Events;
using Prometheus;

namespace LoadBalancer.Controller;

/// <summary>The controller's metrics; docs/configuration.md lists them with type, unit and labels.</summary>
internal static class ControllerMetrics
{
    private static readonly Gauge PoolAddresses = Metrics.CreateGauge(
        "loadbalancer_pool_addresses", "Addresses of the pool that can be given out, reserved ones included.", "pool");

    private static readonly Gauge PoolAddressesInUse = Metrics.CreateGauge(
        "loadbalancer_pool_addresses_in_use", "Addresses of the pool that at least one Service has.", "pool");

    private static readonly Gauge PoolAddressesExcluded = Metrics.CreateGauge(
        "loadbalancer_pool_addresses_excluded", "Addresses of the pool that are given to no Service.", "pool", "reason");

    private static readonly Counter Allocations = Metrics.CreateCounter(
        "loadbalancer_allocations_total", "Changes of a Service's addresses that are in its status.", "pool");

    private static readonly Counter Clearances = Metrics.CreateCounter(
        "loadbalancer_clearances_total", "Services whose addresses were taken out of their status.", "reason");

    private static readonly Counter Refusals = Metrics.CreateCounter(
        "loadbalancer_allocation_refusals_total", "Requests that could not be met when they were made or changed.", "reason");

    private static readonly Gauge Waiting = Metrics.CreateGauge(
        "loadbalancer_services_waiting", "Services that do not have what they ask for.", "reason");

    private static readonly Counter StatusWrites = Metrics.CreateCounter(
        "loadbalancer_status_writes_total", "Writes of a Service's status by outcome.", "outcome");

    private static readonly Histogram StatusWriteDuration = Metrics.CreateHistogram(
        "loadbalancer_status_write_duration_seconds", "Time from sending a status write to its outcome, retries included.",
        new HistogramConfiguration { Buckets = Histogram.ExponentialBuckets(0.002, 2, 12) });

    private static readonly Gauge Leader = Metrics.CreateGauge(
        "loadbalancer_leader", "1 on the replica that gives out addresses, 0 on the others.");

    private static readonly Gauge Contended = Metrics.CreateGauge(
        "loadbalancer_services_contended", "Services whose status another program keeps changing.");

    private static readonly Counter ForeignChanges = Metrics.CreateCounter(
        "loadbalancer_status_foreign_changes_total", "Changes of a Service's status by another program that had to be put right.");

    private static readonly Gauge QueueDepth = Metrics.CreateGauge(
        "loadbalancer_queue_depth", "Services waiting to be looked at.");

    private static readonly Gauge ConfigLoaded = Metrics.CreateGauge(
        "loadbalancer_config_loaded", "1 if a valid pool configuration is in force.");

    private static readonly Gauge ConfigStale = Metrics.CreateGauge(
        "loadbalancer_config_stale", "1 if the ConfigMap is invalid or gone and an earlier configuration is in force.");

    private static readonly Counter ConfigRefusals = Metrics.CreateCounter(
        "loadbalancer_config_refusals_total", "Configurations that were refused, deletions included.");

    private static readonly Counter Events = Metrics.CreateCounter(
        "loadbalancer_events_total", "Kubernetes Events by what became of them.", "outcome");

    private static readonly HashSet<string> KnownPools = new(StringComparer.Ordinal);
    private static readonly AllocationReason[] Reasons = Enum.GetValues<AllocationReason>();
    private static readonly int[] ShownWaiting = new int[Reasons.Length];
    private static readonly Lock ShowLock = new();
    private static IReadOnlyDictionary<(string Pool, ExclusionKind Kind), int> ShownExcluded = new Dictionary<(string, ExclusionKind), int>();

    public static void Allocated(string pool) => Allocations.WithLabels(pool).Inc();

    public static void Cleared(AllocationReason reason) => Clearances.WithLabels(reason.ToString()).Inc();

    public static void Refused(AllocationReason reason) => Refusals.WithLabels(reason.ToString()).Inc();

    public static void StatusWritten(StatusWriteOutcome outcome, TimeSpan duration)
    {
        StatusWrites.WithLabels(outcome.ToString()).Inc();
        StatusWriteDuration.Observe(duration.TotalSeconds);
    }

    public static void ForeignChange() => ForeignChanges.Inc();

    public static void EventWritten(EventOutcome outcome) => Events.WithLabels(outcome.ToString()).Inc();

    public static void Show(PoolConfigStatus status)
    {
        ConfigLoaded.Set(status.Config is null ? 0 : 1);
        ConfigStale.Set(status.State == PoolConfigState.Stale ? 1 : 0);
        ConfigRefusals.IncTo(status.Refusals);
    }

    /// <summary>Shows things as the leader knows them; pools that are gone disappear.</summary>
    public static void Leading(
        int queueDepth, IEnumerable<PoolUsage> pools, IReadOnlyDictionary<(string Pool, ExclusionKind Kind), int> excluded, WaitingServices waiting,
        int contended)
    {
        lock (ShowLock)
        {
            Leader.Set(1);
            QueueDepth.Set(queueDepth);
            Contended.Set(contended);
            ShowPools(pools);
            ShowExcluded(excluded);
            ShowWaiting(waiting);
        }
    }

    /// <summary>Whoever does not lead knows nothing of pools and waiting Services, and must not show what it once knew.</summary>
    public static void NotLeading()
    {
        lock (ShowLock)
        {
            Leader.Set(0);
            QueueDepth.Set(0);
            Contended.Set(0);
            ShowPools([]);
            ShowExcluded(new Dictionary<(string, ExclusionKind), int>());
            ShowWaiting(new WaitingServices());
        }
    }

    private static void ShowPools(IEnumerable<PoolUsage> pools)
    {
        var gone = KnownPools.ToHashSet(StringComparer.Ordinal);
        foreach (var usage in pools)
        {
            PoolAddresses.WithLabels(usage.Pool).Set(usage.Size);
            PoolAddressesInUse.WithLabels(usage.Pool).Set(usage.InUse);
            KnownPools.Add(usage.Pool);
            gone.Remove(usage.Pool);
        }

        foreach (var pool in gone)
        {
            PoolAddresses.RemoveLabelled(pool);
            PoolAddressesInUse.RemoveLabelled(pool);
            Allocations.RemoveLabelled(pool);
            KnownPools.Remove(pool);
        }
    }

    private static void ShowExcluded(IReadOnlyDictionary<(string Pool, ExclusionKind Kind), int> now)
    {
        if (ReferenceEquals(now, ShownExcluded))
        {
            return;
        }

        foreach (var (series, _) in ShownExcluded.Except(now).ToArray())
        {
            if (!now.ContainsKey(series))
            {
                PoolAddressesExcluded.RemoveLabelled(series.Pool, series.Kind.ToString());
            }
        }

        foreach (var ((pool, kind), count) in now)
        {
            PoolAddressesExcluded.WithLabels(pool, kind.ToString()).Set(count);
        }

        ShownExcluded = now;
    }

    private static void ShowWaiting(WaitingServices waiting)
    {
        foreach (var reason in Reasons)
        {
            var count = waiting.CountOf(reason);
            if (ShownWaiting[(int)reason] == count)
            {
                continue;
            }

            ShownWaiting[(int)reason] = count;
            if (count > 0)
            {
                Waiting.WithLabels(reason.ToString()).Set(count);
            }
            else
            {
                Waiting.RemoveLabelled(reason.ToString());
            }
        }
    }
}
