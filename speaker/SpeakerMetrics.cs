using LoadBalancer.Core.Heartbeats;
using Prometheus;

namespace LoadBalancer.Speaker;

/// <summary>The speaker's metrics of membership and ownership; docs/configuration.md lists them. Children are made once: counting allocates nothing.</summary>
internal static class SpeakerMetrics
{
    public static readonly Counter HeartbeatsSent =
        Metrics.CreateCounter("loadbalancer_speaker_heartbeats_sent_total", "Heartbeats and hellos sent.");

    public static readonly Counter HeartbeatsNotSent =
        Metrics.CreateCounter("loadbalancer_speaker_heartbeats_unsent_total", "Heartbeats and hellos the kernel did not take.");

    public static readonly Gauge Members =
        Metrics.CreateGauge("loadbalancer_speaker_members", "Other speakers alive on a link, by how they are known: wire or lease.", "link", "source");

    public static readonly Gauge FreshLeases = Metrics.CreateGauge(
        "loadbalancer_speaker_leases_fresh", "Other speakers whose Lease is fresh and names a subnet of the link, heard there or not.", "link");

    public static readonly Gauge OneWay =
        Metrics.CreateGauge("loadbalancer_speaker_members_not_hearing", "Peers heard on a link that do not hear this node.", "link");

    public static readonly Gauge Deaf =
        Metrics.CreateGauge("loadbalancer_speaker_members_deaf", "Peers on a link that send and do not hear: they own nothing.", "link");

    public static readonly Gauge StandsDown = Metrics.CreateGauge(
        "loadbalancer_speaker_link_deaf", "Whether nothing comes in on a link, not even from a host that answered a moment ago.", "link");

    public static readonly Gauge VipsOwned =
        Metrics.CreateGauge("loadbalancer_speaker_vips_owned", "Addresses this node announces on a link.", "link");

    public static readonly Gauge VipsRepresented =
        Metrics.CreateGauge("loadbalancer_speaker_vips_represented", "Addresses this node answers for on a link in place of an owner whose speaker is away.", "link");

    public static readonly Gauge Vips =
        Metrics.CreateGauge("loadbalancer_speaker_vips", "Addresses of Services this speaker knows of.");

    public static readonly Counter OwnerChanges =
        Metrics.CreateCounter("loadbalancer_speaker_owner_changes_total", "Changes of owner this node has seen on a link.", "link");

    public static readonly Counter Stalls =
        Metrics.CreateCounter("loadbalancer_speaker_stalls_total", "Pauses of this process long enough to miss heartbeats.");

    public static readonly Gauge MulticastGroups =
        Metrics.CreateGauge("loadbalancer_speaker_multicast_groups", "Solicited-node groups a link is in for its IPv6 addresses.", "link");

    public static readonly Gauge MulticastGroupsMissing =
        Metrics.CreateGauge("loadbalancer_speaker_multicast_groups_missing", "Solicited-node groups a link could not join.", "link");

    public static readonly Gauge WirelessNotPromiscuous = Metrics.CreateGauge(
        "loadbalancer_speaker_wireless_not_promiscuous", "Wireless links that are not promiscuous: their chips may drop requests for addresses of Services.");

    public static readonly Gauge Ready =
        Metrics.CreateGauge("loadbalancer_speaker_ready", "Whether this speaker may own addresses.");

    public static readonly Gauge ConfigLoaded =
        Metrics.CreateGauge("loadbalancer_config_loaded", "1 if a valid pool configuration is in force.");

    public static readonly Gauge ConfigStale =
        Metrics.CreateGauge("loadbalancer_config_stale", "1 if the ConfigMap is invalid or gone and an earlier configuration is in force.");

    public static readonly Counter SilentOwners = Metrics.CreateCounter(
        "loadbalancer_speaker_silent_owners_total", "Addresses taken over from a node that claimed them and did not answer for them.");

    public static readonly Gauge Serving =
        Metrics.CreateGauge("loadbalancer_speaker_serving", "Whether this speaker has listened since its start and answers for what is its own.");

    public static readonly Histogram DecisionSeconds = Metrics.CreateHistogram(
        "loadbalancer_speaker_decision_seconds", "Time of one pass over all addresses.",
        new HistogramConfiguration { Buckets = Histogram.ExponentialBuckets(0.00005, 4, 8) });

    private static readonly Counter Received = Metrics.CreateCounter(
        "loadbalancer_speaker_heartbeats_received_total", "Frames of the heartbeat protocol received, by what became of them.", "result");

    private static readonly Counter.Child[] ReceivedByRefusal =
        [.. Enum.GetValues<HeartbeatRefusal>().Select(r => Received.WithLabels(r == HeartbeatRefusal.None ? "accepted" : LabelOf(r)))];

    public static void CountReceived(HeartbeatRefusal refusal) => ReceivedByRefusal[(int)refusal].Inc();

    /// <summary>Takes a link that is gone out of the metrics; on the thread that sets them, which would bring it back otherwise.</summary>
    public static void Forget(string link)
    {
        Members.RemoveLabelled(link, "wire");
        Members.RemoveLabelled(link, "lease");
        FreshLeases.RemoveLabelled(link);
        OneWay.RemoveLabelled(link);
        Deaf.RemoveLabelled(link);
        StandsDown.RemoveLabelled(link);
        VipsOwned.RemoveLabelled(link);
        VipsRepresented.RemoveLabelled(link);
        OwnerChanges.RemoveLabelled(link);
    }

    // BadSignature → bad_signature
    private static string LabelOf(HeartbeatRefusal refusal) =>
        string.Concat(refusal.ToString().Select((c, i) => char.IsUpper(c) ? (i > 0 ? "_" : "") + char.ToLowerInvariant(c) : c.ToString()));
}
