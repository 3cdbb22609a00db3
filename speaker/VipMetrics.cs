using LoadBalancer.Core.Ownership;
using LoadBalancer.Speaker.Links;
using LoadBalancer.Speaker.Ownership;
using Prometheus;

namespace LoadBalancer.Speaker;

/// <summary>
/// Shows, when somebody asks, which Service's address this node answers for as its own, and if it is the one to tell, whose address somebody
/// is to answer for; a Service that is gone is shown no more.
/// </summary>
internal sealed class VipMetrics
{
    private readonly Shown<(string Link, string Vip, string UsedBy)> owned;
    private readonly Shown<(string Vip, string UsedBy)> served;
    private readonly Func<IReadOnlyList<LinkRunner>> links;
    private readonly Func<VipSnapshot> snapshot;
    private readonly Func<bool> tells;
    private readonly Lock gate = new();

    /// <param name="links">The open links.</param>
    /// <param name="snapshot">The VIPs.</param>
    /// <param name="tells">Whether of all speakers that hear each other this is the one that says which addresses are to be announced.</param>
    /// <param name="factory">Where the series are.</param>
    public VipMetrics(Func<IReadOnlyList<LinkRunner>> links, Func<VipSnapshot> snapshot, Func<bool> tells, IMetricFactory factory)
    {
        this.links = links;
        this.snapshot = snapshot;
        this.tells = tells;
        owned = new(
            factory.CreateGauge(
                "loadbalancer_speaker_vip_owned", "1 for each Service whose address this node announces on a link.", ["link", "vip", "used_by"]),
            static series => [series.Link, series.Vip, series.UsedBy]);
        served = new(
            factory.CreateGauge(
                "loadbalancer_speaker_vip_served", "1 for each Service with a serving endpoint, whose address somebody is to announce; from one of the speakers that hear each other.",
                ["vip", "used_by"]),
            static series => [series.Vip, series.UsedBy]);
    }

    /// <summary>Looks at each scrape.</summary>
    public VipMetrics Register(CollectorRegistry registry)
    {
        registry.AddBeforeCollectCallback(Collect);
        return this;
    }

    /// <summary>Whether of the speakers of a segment that hear each other this node's is the one that tells: the first by name.</summary>
    public static bool Tells(SegmentView view) =>
        view.MayServe && view.Peers.All(peer => peer.Away || peer.Leaving || peer.Source == MemberSource.Lease
            || string.CompareOrdinal(view.Self.Node, peer.Node) <= 0);

    private void Collect()
    {
        var (ownedNow, servedNow) = (Owned(), Served());
        lock (gate)
        {
            owned.Show(ownedNow);
            served.Show(servedNow);
        }
    }

    // The labels of each: link, VIP, Service.
    private HashSet<(string Link, string Vip, string UsedBy)> Owned()
    {
        var (vips, runners) = (snapshot(), links());
        HashSet<(string, string, string)> series = [];
        foreach (var (address, services) in vips.Services)
        {
            foreach (var runner in runners)
            {
                // Answered with another's hardware address it is announced in that node's place, not here.
                if (runner.Table.TryGet(address, out var mac) && mac == runner.Mac)
                {
                    series.UnionWith(services.Select(service =>
                        (runner.Facts.Name, address.ToString(), service.Key.ToString())));
                }
            }
        }

        return series;
    }

    private HashSet<(string Vip, string UsedBy)> Served()
    {
        HashSet<(string, string)> series = [];
        if (tells())
        {
            var vips = snapshot();
            foreach (var (address, facts) in vips.Vips)
            {
                if (facts.Served && vips.Services.TryGetValue(address, out var services))
                {
                    series.UnionWith(services.Select(service => (address.ToString(), service.Key.ToString())));
                }
            }
        }

        return series;
    }

    /// <summary>A gauge that is 1 for each of some series.</summary>
    private sealed class Shown<TSeries>(Gauge gauge, Func<TSeries, string[]> labels)
        where TSeries : notnull
    {
        private HashSet<TSeries> last = [];

        public void Show(HashSet<TSeries> now)
        {
            foreach (var gone in last.Where(series => !now.Contains(series)))
            {
                gauge.RemoveLabelled(labels(gone));
            }

            foreach (var series in now)
            {
                gauge.WithLabels(labels(series)).Set(1);
            }

            last = now;
        }
    }
}
