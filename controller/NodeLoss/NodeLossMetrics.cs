using LoadBalancer.Core.NodeLoss;
using Prometheus;

namespace LoadBalancer.Controller.NodeLoss;

/// <summary>The metrics of the part that marks lost nodes' pods; docs/node-loss.md lists them.</summary>
internal static class NodeLossMetrics
{
    private static readonly LossVeto[] Reasons = [.. Enum.GetValues<LossVeto>().Where(static veto => veto != LossVeto.None)];

    private static readonly Counter Losses = Metrics.CreateCounter(
        "loadbalancer_node_losses_total", "Losses of nodes that speakers told of, as this replica saw them.");

    private static readonly Counter Vetoes = FromZero(Metrics.CreateCounter(
        "loadbalancer_node_loss_vetoes_total", "Losses whose pods were not marked, by what spoke against it.", "reason"));

    private static readonly Gauge Vetoed = Metrics.CreateGauge(
        "loadbalancer_node_loss_vetoed", "Nodes that speakers say are lost now and whose pods are not marked, by what speaks against it.", "reason");

    private static readonly Counter Marked = Metrics.CreateCounter(
        "loadbalancer_node_loss_pods_marked_total", "Pods of lost nodes that this replica marked not ready.");

    private static readonly Counter FalseAlarms = Metrics.CreateCounter(
        "loadbalancer_node_loss_false_alarms_total", "Nodes whose pods were marked although the node was alive.");

    private static readonly Histogram Duration = Metrics.CreateHistogram(
        "loadbalancer_node_loss_marked_seconds", "Time from a lost node's last sign of life until its pods were marked not ready.",
        new HistogramConfiguration { Buckets = [0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1, 1.5, 2, 5, 10, 30, 60] });

    private static readonly Gauge Reached = Metrics.CreateGauge(
        "loadbalancer_node_loss_kubelets_reached", "Kubelets' ports, one for each InternalIP of a Node, that answered this replica within the last minute: only their silence is believed.");

    public static void Lost() => Losses.Inc();

    public static void Refused(LossVeto veto) => Vetoes.WithLabels(veto.ToString()).Inc();

    public static void Standing(IReadOnlyCollection<LossVeto> vetoes)
    {
        foreach (var reason in Reasons)
        {
            var count = vetoes.Count(veto => veto == reason);
            if (count > 0 || Vetoed.GetAllLabelValues().Any(labels => labels[0] == reason.ToString()))
            {
                Vetoed.WithLabels(reason.ToString()).Set(count);
            }
        }
    }

    public static void PodsMarked(int pods, TimeSpan sinceLastSign)
    {
        Marked.Inc(pods);
        Duration.Observe(sinceLastSign.TotalSeconds);
    }

    public static void KubeletsReached(int count) => Reached.Set(count);

    public static void FalseAlarm() => FalseAlarms.Inc();

    // A series that begins at one has not increased: the first of each reason would not be seen.
    private static Counter FromZero(Counter counter)
    {
        Array.ForEach(Reasons, reason => counter.WithLabels(reason.ToString()));
        return counter;
    }
}
