namespace LoadBalancer.Core.NodeLoss;

/// <summary>What is to be done about a node that is said to be lost.</summary>
public enum LossStep
{
    /// <summary>Not everything is known yet.</summary>
    Wait,

    /// <summary>Its pods are to be marked not ready.</summary>
    Mark,

    /// <summary>Its pods are left alone; <see cref="LossVerdict.Veto"/> says why.</summary>
    Refuse,
}

/// <summary>A decision on a node that is said to be lost.</summary>
/// <param name="Step">What to do.</param>
/// <param name="Veto">Why not; None unless refused.</param>
public readonly record struct LossVerdict(LossStep Step, LossVeto Veto);

/// <summary>
/// Decides whether the pods of a node that speakers say is lost are marked not ready. Anything that speaks against it stops it: a node
/// that is not marked is found by Kubernetes a minute later, one that is marked wrongly has its pods taken out of service.
/// </summary>
public static class LossJudge
{
    /// <summary>Losses within this time count together.</summary>
    public static readonly TimeSpan BrakeWindow = TimeSpan.FromMinutes(5);

    /// <summary>For how long a node that was marked wrongly is left alone.</summary>
    public static readonly TimeSpan FalseAlarmRest = TimeSpan.FromMinutes(10);

    /// <summary>
    /// The most nodes that may be lost within <see cref="BrakeWindow"/> for any of them to be marked: a third of the cluster, at least one.
    /// The node controller stops evicting in a large disruption too.
    /// </summary>
    /// <param name="nodes">The number of Nodes.</param>
    public static int MostLost(int nodes) => Math.Max(1, nodes / 3);

    /// <summary>Decides.</summary>
    public static LossVerdict Judge(LossFacts facts)
    {
        var veto = VetoOf(facts);
        return veto != LossVeto.None ? new LossVerdict(LossStep.Refuse, veto)
            : facts.Kubelet == KubeletAnswer.Waiting ? new LossVerdict(LossStep.Wait, LossVeto.None)
            : new LossVerdict(LossStep.Mark, LossVeto.None);
    }

    // What makes it needless first, then what is wrong with the statement, then signs of life, then the brakes.
    private static LossVeto VetoOf(LossFacts facts) =>
        !facts.NodeKnown ? LossVeto.NodeUnknown
        : facts.Marked ? LossVeto.AlreadyMarked
        : !facts.NodeReady ? LossVeto.NodeNotReady
        : facts.Excluded ? LossVeto.Excluded
        : !facts.Statement.IsBacked ? LossVeto.NotAgreed
        : !facts.InternalAddresses.Contains(facts.Statement.Address) ? LossVeto.OtherAddress
        : !facts.ReporterReady ? LossVeto.ReporterNotReady
        : facts.HeardElsewhere ? LossVeto.HeardElsewhere
        : facts.NodeLeaseRenewed ? LossVeto.NodeLeaseRenewed
        : facts.Kubelet == KubeletAnswer.Answered ? LossVeto.KubeletAnswers
        : facts.FalseAlarmAge < FalseAlarmRest ? LossVeto.RecentFalseAlarm
        : facts.LostLately > MostLost(facts.Nodes) ? LossVeto.TooManyLost
        : facts.Kubelet == KubeletAnswer.NeverReached ? LossVeto.KubeletNotReachedBefore
        : LossVeto.None;
}
