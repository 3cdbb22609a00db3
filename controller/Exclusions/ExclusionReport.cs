using LoadBalancer.Core.Allocation;
using LoadBalancer.Core.Pools;
using LoadBalancer.Kubernetes.Events;
using LoadBalancer.Kubernetes.ListWatch;
using LoadBalancer.Kubernetes.Resources;
using Microsoft.Extensions.Logging;

namespace LoadBalancer.Controller.Exclusions;

/// <summary>
/// Tells which addresses of the pools are passed over, and which pools overlap the ranges the cluster uses for itself: in the log and in
/// an Event on the ConfigMap, once per change. Called by one thread.
/// </summary>
internal sealed partial class ExclusionReport
{
    /// <summary>Event on the ConfigMap: addresses of a pool are passed over.</summary>
    public const string SkippedReason = "AddressesSkipped";

    /// <summary>Event on the ConfigMap: a pool overlaps the cluster's pod or service range.</summary>
    public const string OverlapReason = "PoolOverlapsCluster";

    // An Event holds 1,024 characters; the log has them all.
    private const int MostInEvent = 10;

    private readonly IStore<ConfigMapResource> configMaps;
    private readonly ObjectKey configMap;
    private readonly IEventRecorder recorder;
    private readonly ILogger logger;
    private string skipped = "";
    private string overlaps = "";

    /// <param name="configMaps">Where the ConfigMap is.</param>
    /// <param name="configMap">The ConfigMap with the pools.</param>
    /// <param name="recorder">Where Events go.</param>
    /// <param name="logger">The log.</param>
    public ExclusionReport(
        IStore<ConfigMapResource> configMaps, ObjectKey configMap, IEventRecorder recorder, ILogger<ExclusionReport> logger)
    {
        this.configMaps = configMaps;
        this.configMap = configMap;
        this.recorder = recorder;
        this.logger = logger;
    }

    /// <summary>Tells what is new.</summary>
    /// <param name="config">The pools in force.</param>
    /// <param name="exclusions">All exclusions.</param>
    /// <param name="inUse">What the cluster itself uses: pod ranges and cluster addresses.</param>
    public void Tell(PoolConfig? config, IReadOnlyList<Exclusion> exclusions, IEnumerable<ClusterRange> inUse)
    {
        if (config is null)
        {
            return;
        }

        var texts = exclusions.Select(e => config.Find(e.Address) is { } pool ? $"{e.Address} of pool '{pool.Name}' ({e.Reason})" : "")
            .Where(static text => text.Length > 0).ToArray();
        Say(ref skipped, SkippedReason, texts, "these addresses are given to no Service: {0}; the rest of the pool is in use as usual");
        Say(ref overlaps, OverlapReason, [.. ClusterRange.Overlaps(config, inUse)],
            "{0}; traffic to these addresses stays inside the cluster: use addresses of the nodes' subnet");
    }

    private void Say(ref string last, string reason, string[] texts, string sentence)
    {
        var all = string.Join(", ", texts);
        if (all == last)
        {
            return;
        }

        last = all;
        if (texts.Length == 0)
        {
            return;
        }

        LogWarning(configMap, sentence.Replace("{0}", all, StringComparison.Ordinal));
        if (configMaps.Get(configMap) is { } target)
        {
            var shown = texts.Length > MostInEvent
                ? $"{string.Join(", ", texts.Take(MostInEvent))} and {texts.Length - MostInEvent} more"
                : all;
            recorder.Record(EventTarget.For(target), EventSeverity.Warning, reason, sentence.Replace("{0}", shown, StringComparison.Ordinal));
        }
    }

    [LoggerMessage(EventId = 140, Level = LogLevel.Warning, Message = "ConfigMap {ConfigMap}: {Warning}")]
    private partial void LogWarning(ObjectKey configMap, string warning);
}
