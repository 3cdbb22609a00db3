using LoadBalancer.Controller.NodeLoss;
using LoadBalancer.Core.NodeLoss;
using LoadBalancer.Kubernetes.Leases;
using LoadBalancer.Kubernetes.Resources;

namespace LoadBalancer.Speaker.Tests.Simulation;

/// <summary>
/// A replica of the controller that marks lost nodes' pods, on a node: the program's own parts from the Lease to the verdict. Only its
/// questions to kubelets' ports, its writes and its task are played: chance decides when they come.
/// </summary>
internal sealed class SimulatedController : IDisposable
{
    private static readonly TimeSpan[] Attempts = [TimeSpan.Zero, TimeSpan.FromMilliseconds(80), TimeSpan.FromMilliseconds(160)];
    private static readonly TimeSpan UsualRound = TimeSpan.FromSeconds(5);

    private readonly SimulatedNode node;
    private readonly SimulatedCluster cluster;
    private readonly LeaseFreshness speakerAges;
    private readonly LeaseFreshness kubeletAges;
    private readonly LossRecord record = new();
    private readonly LossStatements statements;
    private readonly LossEvidence evidence;
    private readonly Dictionary<(string Node, ulong Boot), Loss> open = [];
    private readonly Dictionary<string, TimeSpan> answered = [];
    private bool dead;
    private bool due;

    public SimulatedController(SimulatedNode node, SimulatedCluster cluster, bool leads)
    {
        this.node = node;
        this.cluster = cluster;
        Leads = leads;
        Api = cluster.Api.Watch(node);
        var clock = new ProcessTime(cluster.Time, static action => action());
        speakerAges = new LeaseFreshness(Api.Leases, clock.ContactNow, clock);
        kubeletAges = new LeaseFreshness(Kubelets, clock.ContactNow, clock);
        statements = new LossStatements(Api.Leases, speakerAges.SinceRenewal);
        evidence = new LossEvidence(new LossSurroundings(Api.Nodes, KubeletAge, () => Leads), statements, record);
        Api.Leases.Changed += _ => Soon();
        Kubelets.Changed += _ => Soon();
        Connect();
        cluster.Time.After(cluster.Time.Between(1_000, 2_000), AskUsually);
        cluster.Time.After(cluster.Time.Between(200_000, 400_000), StepNowAndThen);
    }

    public ApiView Api { get; }

    public bool Leads { get; }

    public SimulatedNode Node => node;

    /// <summary>The kubelets' Leases as it knows them.</summary>
    public SimulatedStore<LeaseResource> Kubelets { get; } = new();

    /// <summary>Why it did not mark, in this order.</summary>
    public List<(string Node, LossVeto Veto)> Vetoes { get; } = [];

    public void Connect()
    {
        Api.Connect();
        if (node.ReachesApi)
        {
            cluster.Time.After(cluster.Time.Between(2_000, 50_000), () => Kubelets.Replace(cluster.KubeletLeases.All()));
        }
    }

    public void Dispose()
    {
        dead = true;
        speakerAges.Dispose();
        kubeletAges.Dispose();
        cluster.Api.Forget(Api);
    }

    private TimeSpan? KubeletAge(string name) => kubeletAges.SinceRenewal(new ObjectKey("kube-node-lease", name));

    private void Soon()
    {
        if (!due && !dead)
        {
            due = true;
            cluster.Time.After(cluster.Time.Between(50, 2_000), Step);
        }
    }

    private void StepNowAndThen()
    {
        if (!dead)
        {
            Soon();
            cluster.Time.After(TimeSpan.FromSeconds(1), StepNowAndThen);
        }
    }

    private void Step()
    {
        due = false;
        if (dead || !Api.Leases.HasSynced || !Kubelets.HasSynced)
        {
            return;
        }

        if (node.ReachesApi)
        {
            record.Observe(cluster.Losses, cluster.Now);
        }

        var stated = statements.Read(cluster.Now);
        foreach (var gone in open.Keys.Where(key => !stated.Any(loss => (loss.Statement.Node, loss.Statement.Boot) == key)).ToList())
        {
            open.Remove(gone);
        }

        foreach (var loss in stated)
        {
            var key = (loss.Statement.Node, loss.Statement.Boot);
            if (!open.TryGetValue(key, out var known))
            {
                open.Add(key, known = new Loss());
                Ask(cluster[loss.Statement.Node], known);
            }

            Judge(loss, known);
        }

        NoteReturns();
    }

    private void Judge(StatedLoss loss, Loss known)
    {
        var marked = evidence.IsMarkedByAnother(loss, entered: false, cluster.Now);
        var verdict = LossJudge.Judge(evidence.Of(loss, known.Kubelet, marked, open.Keys.Select(static key => key.Node), cluster.Now));
        if (verdict.Step == LossStep.Refuse)
        {
            if (verdict.Veto != known.Veto)
            {
                known.Veto = verdict.Veto;
                Vetoes.Add((loss.Statement.Node, verdict.Veto));
                cluster.Say($"controller on {node.Name}: {loss.Statement.Node} is not marked: {verdict.Veto}");
            }

            if (verdict.Veto == LossVeto.TooManyLost && node.ReachesApi && record.Find(loss.Statement.Node, loss.Statement.Boot) is null)
            {
                Enter(loss.Statement, LossOutcome.Seen);
            }
        }
        else if (verdict.Step == LossStep.Mark && node.ReachesApi)
        {
            known.DueAt ??= cluster.Now + (Leads ? TimeSpan.Zero : NodeLossLoop.FollowerDelay);
            if (cluster.Now >= known.DueAt)
            {
                Enter(loss.Statement, LossOutcome.Marked);
                cluster.Watch.NoteMark(this, loss);
            }
            else
            {
                cluster.Time.After(known.DueAt.Value - cluster.Now, Soon);
            }
        }
    }

    private void NoteReturns()
    {
        foreach (var entry in record.Entries.Where(static e => e.Outcome == LossOutcome.Marked).ToList())
        {
            var age = cluster.Now - record.Find(entry.Node, entry.Boot)!.Value.At;
            if (node.ReachesApi && evidence.IsBack(entry.Node, open.ContainsKey((entry.Node, entry.Boot)), age, TimeSpan.Zero))
            {
                Enter(entry with { Outcome = LossOutcome.Returned });
            }
        }
    }

    private void Enter(LossStatement statement, LossOutcome outcome) => Enter(new LossEntry(statement.Node, statement.Boot, outcome));

    private void Enter(LossEntry entry)
    {
        cluster.Losses.RemoveAll(other => other.Node == entry.Node && other.Boot == entry.Boot);
        cluster.Losses.Add(entry);
        record.Observe(cluster.Losses, cluster.Now);
    }

    // The edge of KubeletPorts: three attempts within 300 ms, and silence counts of whom it has reached within a minute.
    private void Ask(SimulatedNode other, Loss loss)
    {
        var known = answered.TryGetValue(other.Name, out var at) && cluster.Now - at < KubeletPorts.Remembered;
        foreach (var attempt in Attempts)
        {
            cluster.Time.After(attempt, () => Try(other, () => loss.Kubelet = KubeletAnswer.Answered));
        }

        cluster.Time.After(KubeletPorts.Patience, () =>
        {
            if (loss.Kubelet == KubeletAnswer.Waiting)
            {
                loss.Kubelet = known ? KubeletAnswer.Silent : KubeletAnswer.NeverReached;
            }

            Soon();
        });
    }

    private void AskUsually()
    {
        if (!dead)
        {
            foreach (var other in cluster.Nodes)
            {
                Try(other, static () => { });
            }

            cluster.Time.After(UsualRound, AskUsually);
        }
    }

    private void Try(SimulatedNode other, Action then)
    {
        if (!dead && !other.KubeletFiltered && (other == node || (cluster.Wire.Gets(node.Port, other.Port) && cluster.Wire.Gets(other.Port, node.Port))))
        {
            answered[other.Name] = cluster.Now;
            then();
        }
    }

    private sealed class Loss
    {
        public KubeletAnswer Kubelet { get; set; }

        public LossVeto Veto { get; set; }

        public TimeSpan? DueAt { get; set; }
    }
}
