using LoadBalancer.Core.NodeLoss;
using Microsoft.Extensions.Logging;

namespace LoadBalancer.Controller.NodeLoss;

/// <summary>
/// Follows what speakers say of lost nodes and has their pods marked. Every replica runs it: the leader acts at once, the others a
/// moment later if nothing is to be seen, for the leader may have been on the lost node. One task runs it.
/// </summary>
internal sealed partial class NodeLossLoop
{
    /// <summary>How much later than the leader the others act.</summary>
    public static readonly TimeSpan FollowerDelay = TimeSpan.FromMilliseconds(150);

    /// <summary>A node that is back so soon was not dead: nothing starts as fast.</summary>
    public static readonly TimeSpan ReturnTooSoon = TimeSpan.FromSeconds(10);

    private static readonly TimeSpan RetryAfter = TimeSpan.FromSeconds(1);
    private const int WriteAttempts = 3;
    private static readonly TimeSpan LongestSleep = TimeSpan.FromSeconds(10);

    private readonly LossSurroundings around;
    private readonly LossStatements statements;
    private readonly LossEvidence evidence;
    private readonly KubeletPorts kubelets;
    private readonly LossLedger ledger;
    private readonly LostPodMarker marker;
    private readonly NodeLossEvents events;
    private readonly TimeProvider time;
    private readonly ILogger logger;
    private readonly long start;
    private readonly Dictionary<(string Node, ulong Boot), Loss> open = [];
    private TaskCompletionSource changed = NewSignal();

    /// <summary>A loop; <see cref="RunAsync"/> starts it.</summary>
    public NodeLossLoop(
        LossSurroundings around, LossStatements statements, KubeletPorts kubelets, LossLedger ledger, LostPodMarker marker,
        NodeLossEvents events, TimeProvider time, ILogger logger)
    {
        this.around = around;
        this.statements = statements;
        evidence = new LossEvidence(around, statements, ledger.Record);
        this.kubelets = kubelets;
        this.ledger = ledger;
        this.marker = marker;
        this.events = events;
        this.time = time;
        this.logger = logger;
        start = time.GetTimestamp();
    }

    /// <summary>Something that matters has changed. From any thread.</summary>
    public void Changed() => Volatile.Read(ref changed).TrySetResult();

    /// <summary>Runs until cancelled; the stores have synced before.</summary>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public async Task RunAsync(CancellationToken stop)
    {
        var ports = kubelets.KeepAsync(evidence.Kubelets, stop);
        while (true)
        {
            stop.ThrowIfCancellationRequested();
            Volatile.Write(ref changed, NewSignal());
            var wait = await StepAsync(stop).ConfigureAwait(false);
            using var sleep = CancellationTokenSource.CreateLinkedTokenSource(stop);
            var woken = await Task.WhenAny(Task.Delay(wait, time, sleep.Token), Volatile.Read(ref changed).Task, ports).ConfigureAwait(false);
            await sleep.CancelAsync().ConfigureAwait(false);
            if (woken == ports)
            {
                await ports.ConfigureAwait(false);
            }
        }
    }

    /// <summary>Judges everything anew and acts.</summary>
    /// <returns>How long to sleep at most before the next call.</returns>
    public async Task<TimeSpan> StepAsync(CancellationToken stop)
    {
        ledger.Refresh(Now);
        var stated = statements.Read(Now);
        foreach (var (key, loss) in open.Where(entry => !stated.Any(s => KeyOf(s) == entry.Key)).ToList())
        {
            open.Remove(key);
            await EndAsync(loss, stop).ConfigureAwait(false);
        }

        foreach (var statement in stated)
        {
            if (open.TryGetValue(KeyOf(statement), out var known))
            {
                known.Stated = statement;
            }
            else
            {
                open.Add(KeyOf(statement), Open(statement, stop));
            }
        }

        var wait = LongestSleep;
        foreach (var loss in open.Values)
        {
            var next = await JudgeAsync(loss, stop).ConfigureAwait(false);
            wait = next < wait ? next : wait;
        }

        NodeLossMetrics.Standing([.. open.Values.Select(static loss => loss.Veto).Where(IsTold)]);
        return await LookAfterMarkedAsync(stop).ConfigureAwait(false) && wait > RetryAfter ? RetryAfter : wait;
    }

    private TimeSpan Now => time.GetElapsedTime(start);

    private Loss Open(StatedLoss statement, CancellationToken stop)
    {
        NodeLossMetrics.Lost();
        LogStated(statement.Statement.Node, statement.Reporter, statement.Statement.Agreed);
        var kubelet = evidence.KubeletOf(statement.Statement) is { } endpoint ? kubelets.AskAsync(endpoint, stop) : Task.FromResult(KubeletAnswer.NeverReached);
        _ = kubelet.ContinueWith(_ => Changed(), CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default);
        return new Loss(statement, kubelet, marker.Prepare(statement.Statement.Node, stop));
    }

    private async Task<TimeSpan> JudgeAsync(Loss loss, CancellationToken stop)
    {
        var verdict = LossJudge.Judge(evidence.Of(loss.Stated, AnswerOf(loss), IsMarked(loss), open.Keys.Select(static key => key.Node), Now));
        if (verdict.Step == LossStep.Refuse)
        {
            await RefuseAsync(loss, verdict.Veto, stop).ConfigureAwait(false);
            return verdict.Veto == LossVeto.AlreadyMarked && !loss.Marked ? LossEvidence.MarkingPatience : LongestSleep;
        }

        if (verdict.Step == LossStep.Wait || Now < loss.NotBefore)
        {
            return verdict.Step == LossStep.Wait ? LongestSleep : loss.NotBefore - Now;
        }

        if (loss.DueAt is null)
        {
            loss.DueAt = Now + (around.IsLeader() ? TimeSpan.Zero : FollowerDelay);
        }

        if (Now < loss.DueAt)
        {
            return loss.DueAt.Value - Now;
        }

        if (!await MarkAsync(loss, stop).ConfigureAwait(false))
        {
            loss.NotBefore = Now + RetryAfter;
            return RetryAfter;
        }

        return TimeSpan.Zero;
    }

    private static KubeletAnswer AnswerOf(Loss loss) => loss.Kubelet.IsCompletedSuccessfully ? loss.Kubelet.Result : KubeletAnswer.Waiting;

    private bool IsMarked(Loss loss) => loss.Marked || evidence.IsMarkedByAnother(loss.Stated, loss.Entered, Now);

    private async Task RefuseAsync(Loss loss, LossVeto veto, CancellationToken stop)
    {
        if (veto == loss.Veto)
        {
            return;
        }

        loss.Veto = veto;
        if (!IsTold(veto))
        {
            return;
        }

        NodeLossMetrics.Refused(veto);
        LogRefused(loss.Stated.Statement.Node, veto);
        if (around.IsLeader())
        {
            events.TellVeto(loss.Stated, veto);
        }

        // It counts for five minutes, also for a replica that starts meanwhile.
        if (veto == LossVeto.TooManyLost && ledger.Record.Find(loss.Stated.Statement.Node, loss.Stated.Statement.Boot) is null)
        {
            await EnterAsync(loss.Stated.Statement.Node, loss.Stated.Statement.Boot, LossOutcome.Seen, stop).ConfigureAwait(false);
        }
    }

    private async Task<bool> MarkAsync(Loss loss, CancellationToken stop)
    {
        var statement = loss.Stated.Statement;
        try
        {
            if (!loss.Entered && !await EnterAsync(statement.Node, statement.Boot, LossOutcome.Marking, stop).ConfigureAwait(false))
            {
                return false;
            }

            loss.Entered = true;
            var chosen = await loss.Pods.ChooseAsync(node => open.Keys.Any(key => key.Node == node), stop).ConfigureAwait(false);
            loss.Count += await marker.MarkAsync(chosen, NodeLossEvents.PodMessage(loss.Stated), stop).ConfigureAwait(false);
            var took = statement.Silence + (Now - loss.Stated.Since);
            _ = marker.HoldAsync(chosen, stop);
            loss.Marked = true;
            NodeLossMetrics.PodsMarked(loss.Count, took);
            events.TellMarked(loss.Stated, chosen.Pods, loss.Count, took);
            LogMarked(statement.Node, loss.Count, chosen.Pods.Groups.Count, took.TotalMilliseconds);
            await EnterMarkedAsync(statement, stop).ConfigureAwait(false);
            return true;
        }
        catch (HttpRequestException e)
        {
            LogNotMarked(statement.Node, e.Message);
            loss.Pods = marker.Prepare(statement.Node, stop);
            return false;
        }
    }

    private async Task EndAsync(Loss loss, CancellationToken stop)
    {
        var statement = loss.Stated.Statement;
        var after = statement.Silence + (Now - loss.Stated.Since);
        if (loss.Marked && after < ReturnTooSoon && statements.IsTakenBack(loss.Stated))
        {
            await FalseAlarmAsync(new LossEntry(statement.Node, statement.Boot, LossOutcome.FalseAlarm),
                "its speaker was heard again before a node could have started", stop).ConfigureAwait(false);
        }
    }

    // Another replica may write at the same moment; unrecorded, it would be done once more.
    private async Task EnterMarkedAsync(LossStatement statement, CancellationToken stop)
    {
        for (var attempt = 0; attempt < WriteAttempts && !await EnterAsync(statement.Node, statement.Boot, LossOutcome.Marked, stop).ConfigureAwait(false); attempt++)
        {
        }
    }

    private async Task<bool> EnterAsync(string node, ulong boot, LossOutcome outcome, CancellationToken stop)
    {
        try
        {
            return await ledger.TryWriteAsync(new LossEntry(node, boot, outcome), Now, stop).ConfigureAwait(false);
        }
        catch (HttpRequestException e) when (outcome != LossOutcome.Marking)
        {
            LogNotEntered(node, e.Message);
            return false;
        }
    }

    private static bool IsTold(LossVeto veto) =>
        veto is not (LossVeto.None or LossVeto.AlreadyMarked or LossVeto.NodeNotReady or LossVeto.NodeUnknown);

    private static (string Node, ulong Boot) KeyOf(StatedLoss loss) => (loss.Statement.Node, loss.Statement.Boot);

    private static TaskCompletionSource NewSignal() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    private sealed class Loss(StatedLoss stated, Task<KubeletAnswer> kubelet, PreparedPods pods)
    {
        public StatedLoss Stated { get; set; } = stated;

        public Task<KubeletAnswer> Kubelet { get; } = kubelet;

        public PreparedPods Pods { get; set; } = pods;

        public LossVeto Veto { get; set; }

        /// <summary>When this replica acts, once nothing speaks against it.</summary>
        public TimeSpan? DueAt { get; set; }

        public TimeSpan NotBefore { get; set; }

        /// <summary>Whether this replica has entered it in the record.</summary>
        public bool Entered { get; set; }

        public bool Marked { get; set; }

        public int Count { get; set; }
    }
}
