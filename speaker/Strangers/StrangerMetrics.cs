using Prometheus;

namespace LoadBalancer.Speaker.Strangers;

/// <summary>The speaker's metrics of hosts that are not of the cluster; docs/configuration.md lists them.</summary>
internal static class StrangerMetrics
{
    public static readonly Gauge Conflicts = Metrics.CreateGauge(
        "loadbalancer_speaker_address_conflicts", "Addresses this node announces on a link that another host uses, too.", "link");

    public static readonly Counter Began = Metrics.CreateCounter(
        "loadbalancer_speaker_address_conflicts_total", "Conflicts that began on a link.", "link");

    public static readonly Counter Frames = Metrics.CreateCounter(
        "loadbalancer_speaker_address_conflict_frames_total", "Frames by which another host claimed an address this node announces.", "link");

    public static readonly Counter Defences = Metrics.CreateCounter(
        "loadbalancer_speaker_address_defences_total", "Announcements sent because another host claimed the address.", "link");

    public static readonly Gauge Taken = Metrics.CreateGauge(
        "loadbalancer_speaker_taken_addresses", "Free pool addresses on a link that another host has.", "link");

    public static readonly Gauge Prober = Metrics.CreateGauge(
        "loadbalancer_speaker_prober", "Whether this node probes the free pool addresses of a link.", "link");

    public static readonly Counter Probes = Metrics.CreateCounter(
        "loadbalancer_speaker_probes_sent_total", "Probes sent for pool addresses.", "link");

    public static readonly Counter Missed = Metrics.CreateCounter(
        "loadbalancer_speaker_statements_missed_total", "What others said of pool addresses that was lost because too much came at once.");

    public static void Remove(string link)
    {
        Conflicts.RemoveLabelled(link);
        Taken.RemoveLabelled(link);
        Prober.RemoveLabelled(link);
    }
}
