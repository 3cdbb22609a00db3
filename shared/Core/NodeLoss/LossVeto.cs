namespace LoadBalancer.Core.NodeLoss;

/// <summary>
/// Why the pods of a node that speakers say is lost are not marked. The name is the label of the metric and stands in the Event.
/// </summary>
public enum LossVeto
{
    /// <summary>Nothing speaks against it.</summary>
    None,

    /// <summary>It is one speaker's word alone, without a witness.</summary>
    NotAgreed,

    /// <summary>There is no Node of that name.</summary>
    NodeUnknown,

    /// <summary>The Node is not Ready anyway: Kubernetes knows.</summary>
    NodeNotReady,

    /// <summary>The address that was asked for is not the Node's InternalIP: the kubelet may well be reached by another.</summary>
    OtherAddress,

    /// <summary>An annotation on the Node excludes it.</summary>
    Excluded,

    /// <summary>The node of the speaker that says so is not Ready itself.</summary>
    ReporterNotReady,

    /// <summary>It was marked for this loss already.</summary>
    AlreadyMarked,

    /// <summary>The node was marked wrongly a short while ago.</summary>
    RecentFalseAlarm,

    /// <summary>Too many nodes are said to be lost within a short time: something larger goes on.</summary>
    TooManyLost,

    /// <summary>Another speaker says that it hears the node.</summary>
    HeardElsewhere,

    /// <summary>The kubelet has renewed the Node's Lease since.</summary>
    NodeLeaseRenewed,

    /// <summary>The kubelet's port answered the controller.</summary>
    KubeletAnswers,

    /// <summary>The kubelet's port did not answer this controller before either: its silence says nothing.</summary>
    KubeletNotReachedBefore,
}
