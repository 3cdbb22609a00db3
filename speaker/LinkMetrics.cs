using LoadBalancer.Core.Packets;
using LoadBalancer.Speaker.Announcing;
using LoadBalancer.Speaker.Links;
using Prometheus;

namespace LoadBalancer.Speaker;

/// <summary>Shows the links' own counters when somebody asks, so that counting costs the answering path nothing.</summary>
internal sealed class LinkMetrics
{
    private static readonly Counter Received =
        Metrics.CreateCounter("loadbalancer_speaker_frames_received_total", "Frames that came to a link: answered, dropped, or a peer's.", "link");

    private static readonly Counter Answered =
        Metrics.CreateCounter("loadbalancer_speaker_requests_answered_total", "Requests for an address of this node that were answered.", "link");

    private static readonly Counter Dropped =
        Metrics.CreateCounter("loadbalancer_speaker_frames_dropped_total", "Received frames that got no answer, by reason.", "link", "reason");

    private static readonly Counter PeerFrames =
        Metrics.CreateCounter("loadbalancer_speaker_peer_frames_total", "Received frames of the heartbeat protocol.", "link");

    private static readonly Counter Announced =
        Metrics.CreateCounter("loadbalancer_speaker_announcements_sent_total", "Gratuitous ARP frames and unsolicited neighbour advertisements sent.");

    private static readonly Counter NotAnnounced =
        Metrics.CreateCounter("loadbalancer_speaker_announcements_unsent_total", "Announcements the kernel did not take.");

    private readonly Dictionary<string, Totals> byLink = new(StringComparer.Ordinal);
    private readonly Func<IReadOnlyList<LinkRunner>> links;
    private readonly Announcer announcer;

    /// <param name="links">The open links.</param>
    /// <param name="announcer">Who announces.</param>
    public LinkMetrics(Func<IReadOnlyList<LinkRunner>> links, Announcer announcer)
    {
        this.links = links;
        this.announcer = announcer;
    }

    /// <summary>Copies the counters at each scrape.</summary>
    public void Register() => Metrics.DefaultRegistry.AddBeforeCollectCallback(Collect);

    internal void Collect()
    {
        lock (byLink)
        {
            var current = links();
            foreach (var runner in current)
            {
                Collect(runner);
            }

            foreach (var (name, totals) in byLink)
            {
                if (!current.Contains(totals.Runner))
                {
                    Forget(name);
                }
            }
        }

        Announced.IncTo(announcer.Sent);
        NotAnnounced.IncTo(announcer.Failed);
    }

    private void Collect(LinkRunner runner)
    {
        var name = runner.Facts.Name;
        if (!byLink.TryGetValue(name, out var totals) || totals.Runner != runner)
        {
            // A link opened again counts from zero; a counter goes on from where the former one was.
            byLink[name] = totals = new Totals(runner, Answered.WithLabels(name).Value, PeerFrames.WithLabels(name).Value,
                [.. Enum.GetValues<DropReason>().Select(reason => Dropped.WithLabels(name, reason.Label()).Value)]);
        }

        Answered.WithLabels(name).IncTo(totals.Answered + runner.Answered);
        PeerFrames.WithLabels(name).IncTo(totals.PeerFrames + runner.PeerFrames);
        var received = Answered.WithLabels(name).Value + PeerFrames.WithLabels(name).Value;
        foreach (var reason in Enum.GetValues<DropReason>())
        {
            if (reason != DropReason.None)
            {
                var dropped = totals.Dropped[(int)reason] + runner.Dropped(reason);
                Dropped.WithLabels(name, reason.Label()).IncTo(dropped);
                received += dropped;
            }
        }

        Received.WithLabels(name).IncTo(received);
    }

    // A link that is gone may be gone for good; if it comes back it counts from zero, which Prometheus takes for a restart.
    private void Forget(string name)
    {
        byLink.Remove(name);
        Received.RemoveLabelled(name);
        Answered.RemoveLabelled(name);
        PeerFrames.RemoveLabelled(name);
        foreach (var reason in Enum.GetValues<DropReason>())
        {
            Dropped.RemoveLabelled(name, reason.Label());
        }
    }

    private sealed record Totals(LinkRunner Runner, double Answered, double PeerFrames, double[] Dropped);
}
