using System.Globalization;
using LoadBalancer.Core.NodeLoss;
using LoadBalancer.Kubernetes.Events;
using LoadBalancer.Kubernetes.ListWatch;
using LoadBalancer.Kubernetes.Resources;

namespace LoadBalancer.Controller.NodeLoss;

/// <summary>What <c>kubectl describe node</c> shows of a loss.</summary>
/// <param name="recorder">Writes the Events.</param>
/// <param name="nodes">All Nodes.</param>
internal sealed class NodeLossEvents(IEventRecorder recorder, IStore<NodeResource> nodes)
{
    /// <summary>The pods are marked.</summary>
    public const string Lost = "NodeLost";

    /// <summary>Something spoke against marking them.</summary>
    public const string NotMarked = "NodeLossNotMarked";

    /// <summary>The node is back.</summary>
    public const string Returned = "NodeReturned";

    /// <summary>It was marked and was alive.</summary>
    public const string FalseAlarm = "NodeLossFalseAlarm";

    /// <summary>Tells that a lost node's pods are marked.</summary>
    /// <param name="loss">Who saw what.</param>
    /// <param name="chosen">What was chosen.</param>
    /// <param name="marked">How many of them the API server took.</param>
    /// <param name="sinceLastSign">The time from the last sign of life until then.</param>
    public void TellMarked(StatedLoss loss, PodsToMark chosen, int marked, TimeSpan sinceLastSign)
    {
        var left = (chosen.LeftForLastEndpoint, chosen.LeftByAnnotation) switch
        {
            (0, 0) => "",
            (var last, 0) => $"; {last} left, because a Service would have no ready endpoint without them",
            (0, var kept) => $"; {kept} left by the annotation {KeepReady.Annotation}",
            var (last, kept) => $"; {last} left, because a Service would have no ready endpoint without them, and {kept} by the annotation {KeepReady.Annotation}",
        };
        Record(loss.Statement.Node, EventSeverity.Warning, Lost,
            $"{WhatWasSeen(loss)}. {Count(marked, "pod")} of {Count(chosen.Groups.Count, "Service")} marked not ready {Milliseconds(sinceLastSign)} after the node's last sign of life{left}");
    }

    /// <summary>Tells why they are not.</summary>
    public void TellVeto(StatedLoss loss, LossVeto veto) =>
        Record(loss.Statement.Node, EventSeverity.Warning, NotMarked, $"{WhatWasSeen(loss)}. Its pods are not marked: {Explain(loss, veto)} ({veto})");

    /// <summary>Tells that the node is back.</summary>
    public void TellReturned(string node, TimeSpan sinceMark) =>
        Record(node, EventSeverity.Normal, Returned, $"No speaker says any more that the node is lost, and its kubelet renews the Node's Lease, {sinceMark.TotalSeconds.ToString("0.0", CultureInfo.InvariantCulture)} s after its pods were marked; it reports them as they are");

    /// <summary>Tells that a mark was wrong.</summary>
    public void TellFalseAlarm(string node, string why) =>
        Record(node, EventSeverity.Warning, FalseAlarm,
            $"The node was alive when its pods were marked: {why}. Its kubelet puts them right; the node is left alone for {LossJudge.FalseAlarmRest.TotalMinutes:0} minutes. Look at the node's network: cable, switch port, driver");

    /// <summary>What the condition of a marked pod says.</summary>
    public static string PodMessage(StatedLoss loss) => $"{WhatWasSeen(loss)}; marked by the load balancer, put right by the kubelet when it is back";

    private static string WhatWasSeen(StatedLoss loss)
    {
        var (statement, reporter) = (loss.Statement, loss.Reporter);
        var who = statement.Agreed > 1 ? $"The speaker of {reporter} and {statement.Agreed - 1} more do" : $"The speaker of {reporter} does";
        return $"{who} not hear the node, and its kernel did not answer for {statement.Address}, for {Milliseconds(statement.Silence)}";
    }

    private static string Explain(StatedLoss loss, LossVeto veto) => veto switch
    {
        LossVeto.NotAgreed => $"one speaker's word is not enough without a host on the segment that answers it; it takes {LossStatement.EnoughSpeakers} living speakers",
        LossVeto.OtherAddress => $"{loss.Statement.Address} is not the Node's InternalIP, so that its kubelet may be reached all the same; let a speaker's link carry the InternalIP",
        LossVeto.Excluded => $"the Node carries the annotation {KeepReady.Annotation}",
        LossVeto.ReporterNotReady => $"the Node {loss.Reporter} is not Ready itself",
        LossVeto.RecentFalseAlarm => "it was marked wrongly a short while ago",
        LossVeto.TooManyLost => "more than a third of the nodes are said to be lost within five minutes; look for the switch, the power or the network they share",
        LossVeto.HeardElsewhere => "another speaker hears it; a path between two nodes is cut, not the node",
        LossVeto.NodeLeaseRenewed => "its kubelet has renewed the Node's Lease since",
        LossVeto.KubeletAnswers => "its kubelet's port answers the controller",
        LossVeto.KubeletNotReachedBefore => "its kubelet's port did not answer this controller before either, so that its silence says nothing; let the controllers reach TCP 10250 of the nodes (network policy, host firewall)",
        _ => "it is not needed",
    };

    private void Record(string node, EventSeverity severity, string reason, string message) =>
        recorder.Record(EventTarget.ForNode(nodes, node), severity, reason, message);

    private static string Count(int count, string what) => string.Create(CultureInfo.InvariantCulture, $"{count} {what}{(count == 1 ? "" : "s")}");

    private static string Milliseconds(TimeSpan time) => $"{time.TotalMilliseconds.ToString("0", CultureInfo.InvariantCulture)} ms";
}
