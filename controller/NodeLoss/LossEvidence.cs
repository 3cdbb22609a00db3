using System.Net;
using LoadBalancer.Core.NodeLoss;
using LoadBalancer.Kubernetes.ListWatch;
using LoadBalancer.Kubernetes.Resources;

namespace LoadBalancer.Controller.NodeLoss;

/// <summary>What a replica knows of the cluster when it judges losses.</summary>
/// <param name="Nodes">All Nodes.</param>
/// <param name="SinceNodeLease">How long ago a Node's Lease in kube-node-lease was last seen to be renewed; null if there is none.</param>
/// <param name="IsLeader">Whether this replica leads.</param>
internal sealed record LossSurroundings(IStore<NodeResource> Nodes, Func<string, TimeSpan?> SinceNodeLease, Func<bool> IsLeader);

/// <summary>What speaks for a loss and against it, gathered from all that a replica knows. One thread at a time.</summary>
/// <param name="around">The cluster.</param>
/// <param name="statements">What speakers say.</param>
/// <param name="record">What became of losses.</param>
internal sealed class LossEvidence(LossSurroundings around, LossStatements statements, LossRecord record)
{
    /// <summary>A replica that entered a loss and has not marked its pods after this may be gone.</summary>
    public static readonly TimeSpan MarkingPatience = TimeSpan.FromSeconds(2);

    /// <summary>The facts that <see cref="LossJudge"/> decides by.</summary>
    /// <param name="loss">What is said.</param>
    /// <param name="kubelet">What the kubelet's port says.</param>
    /// <param name="marked">Whether the node has been marked for this loss.</param>
    /// <param name="said">The nodes that are said to be lost now.</param>
    /// <param name="now">Monotonic time.</param>
    public LossFacts Of(StatedLoss loss, KubeletAnswer kubelet, bool marked, IEnumerable<string> said, TimeSpan now)
    {
        var (statement, reporter, since) = loss;
        var node = NodeOf(statement.Node);
        return new LossFacts(statement, NodeOf(reporter) is { IsReady: true })
        {
            NodeKnown = node is not null,
            NodeReady = node is { IsReady: true },
            InternalAddresses = node?.InternalAddresses ?? [],
            Excluded = node is { KeepReady: true },
            Nodes = around.Nodes.Count,
            LostLately = record.LostLately(now).Concat(said).Distinct(StringComparer.Ordinal).Count(),
            FalseAlarmAge = record.FalseAlarmAge(statement.Node, now),
            Marked = marked,
            HeardElsewhere = statements.HeardBy(loss, now) is not null,
            NodeLeaseRenewed = around.SinceNodeLease(statement.Node) < now - since,
            Kubelet = kubelet,
        };
    }

    /// <summary>Whether some replica has marked the node for this loss, or is doing so.</summary>
    /// <param name="loss">The loss.</param>
    /// <param name="entered">Whether it was this replica that entered it in the record.</param>
    /// <param name="now">Monotonic time.</param>
    public bool IsMarkedByAnother(StatedLoss loss, bool entered, TimeSpan now) => record.Find(loss.Statement.Node, loss.Statement.Boot) switch
    {
        { Outcome: LossOutcome.Marked } => true,
        { Outcome: LossOutcome.Marking } marking => !entered && now - marking.At < MarkingPatience,
        // One that began after the false alarm is another.
        { Outcome: LossOutcome.FalseAlarm } alarm => loss.Since <= alarm.At,
        _ => false,
    };

    /// <summary>Whether a node that was marked is back: nobody says that it is lost, and its kubelet, which puts its pods right, has renewed the Node's Lease since.</summary>
    /// <param name="node">The node.</param>
    /// <param name="isSaid">Whether it is said to be lost.</param>
    /// <param name="sinceMark">How long ago it was marked.</param>
    /// <param name="patience">How long ago the renewal must be at least.</param>
    public bool IsBack(string node, bool isSaid, TimeSpan sinceMark, TimeSpan patience) =>
        !isSaid && around.SinceNodeLease(node) is { } age && age < sinceMark && age >= patience;

    /// <summary>Where the kubelet of a node that is said to be lost listens; null if the Node does not say.</summary>
    public IPEndPoint? KubeletOf(LossStatement statement) =>
        NodeOf(statement.Node) is { KubeletPort: > 0 } node ? new IPEndPoint(statement.Address.ToIPAddress(), node.KubeletPort) : null;

    /// <summary>Where the kubelets of all Nodes listen.</summary>
    public IReadOnlyList<IPEndPoint> Kubelets() => [.. around.Nodes.All().Where(static node => node.KubeletPort > 0)
        .SelectMany(static node => node.InternalAddresses.Select(address => new IPEndPoint(address.ToIPAddress(), node.KubeletPort)))];

    private NodeResource? NodeOf(string name) => around.Nodes.Get(new ObjectKey("", name));
}
