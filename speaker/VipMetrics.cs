using LoadBalancer.Speaker.Links;
using LoadBalancer.Speaker.Ownership;
using Prometheus;

namespace LoadBalancer.Speaker;

/// <summary>Shows, when somebody asks, which Service's address this node answers for as its own; a Service that is gone is shown no more.</summary>
internal sealed class VipMetrics
{
    private readonly Gauge owned;
    private readonly Func<IReadOnlyList<LinkRunner>> links;
    private readonly Func<VipSnapshot> snapshot;
    private readonly Lock gate = new();
    private HashSet<Series> shown = [];

    /// <param name="links">The open links.</param>
    /// <param name="snapshot">The VIPs.</param>
    /// <param name="factory">Where the series are.</param>
    public VipMetrics(Func<IReadOnlyList<LinkRunner>> links, Func<VipSnapshot> snapshot, IMetricFactory factory)
    {
        this.links = links;
        this.snapshot = snapshot;
        owned = factory.CreateGauge(
            "loadbalancer_speaker_vip_owned", "1 for each Service whose address this node announces on a link.", ["link", "vip", "used_by"]);
    }

    /// <summary>Looks at each scrape.</summary>
    public VipMetrics Register(CollectorRegistry registry)
    {
        registry.AddBeforeCollectCallback(Collect);
        return this;
    }

    private void Collect()
    {
        var now = Current();
        lock (gate)
        {
            foreach (var series in shown)
            {
                if (!now.Contains(series))
                {
                    owned.RemoveLabelled(series.Link, series.Vip, series.UsedBy);
                }
            }

            foreach (var series in now)
            {
                owned.WithLabels(series.Link, series.Vip, series.UsedBy).Set(1);
            }

            shown = now;
        }
    }

    private HashSet<Series> Current()
    {
        var (vips, runners) = (snapshot(), links());
        var series = new HashSet<Series>();
        foreach (var (address, services) in vips.Services)
        {
            foreach (var runner in runners)
            {
                // Answered with another's hardware address it is announced in that node's place, not here.
                if (runner.Table.TryGet(address, out var mac) && mac == runner.Mac)
                {
                    series.UnionWith(services.Select(service =>
                        new Series(runner.Facts.Name, address.ToString(), service.Key.ToString())));
                }
            }
        }

        return series;
    }

    private readonly record struct Series(string Link, string Vip, string UsedBy);
}
