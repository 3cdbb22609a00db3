using LoadBalancer.Core.Addressing;

namespace LoadBalancer.Core.NodeLoss;

/// <summary>What the kubelet's port said to the controller's own TCP connect.</summary>
public enum KubeletAnswer
{
    /// <summary>It is being asked.</summary>
    Waiting,

    /// <summary>It answered, be it by a refusal: the node's kernel lives and is reached.</summary>
    Answered,

    /// <summary>It did not answer in time, and had answered this replica a short while ago.</summary>
    Silent,

    /// <summary>It did not answer in time, nor at any time lately: a firewall, a network policy, or a controller that is cut off.</summary>
    NeverReached,
}

/// <summary>What is known of a node that is said to be lost.</summary>
/// <param name="Statement">What is said; of several the one that most speakers agree on.</param>
/// <param name="ReporterReady">Whether the Node of the speaker that says so is Ready.</param>
public sealed record LossFacts(LossStatement Statement, bool ReporterReady)
{
    /// <summary>Whether there is a Node of that name.</summary>
    public bool NodeKnown { get; init; }

    /// <summary>Whether its condition Ready is True.</summary>
    public bool NodeReady { get; init; }

    /// <summary>Its addresses of type InternalIP.</summary>
    public IReadOnlyList<IpAddress> InternalAddresses { get; init; } = [];

    /// <summary>Whether an annotation excludes it.</summary>
    public bool Excluded { get; init; }

    /// <summary>The number of Nodes of the cluster.</summary>
    public int Nodes { get; init; }

    /// <summary>How many different nodes were lost within <see cref="LossJudge.BrakeWindow"/>, this one included, marked or not.</summary>
    public int LostLately { get; init; }

    /// <summary>How long ago this node was marked wrongly; null if it was not.</summary>
    public TimeSpan? FalseAlarmAge { get; init; }

    /// <summary>Whether some replica has marked it for this loss.</summary>
    public bool Marked { get; init; }

    /// <summary>Whether a speaker said after the statement that it hears the node.</summary>
    public bool HeardElsewhere { get; init; }

    /// <summary>Whether the Node's Lease in kube-node-lease has been renewed after the statement.</summary>
    public bool NodeLeaseRenewed { get; init; }

    /// <summary>What the kubelet's port says.</summary>
    public KubeletAnswer Kubelet { get; init; }
}
