using LoadBalancer.Core.NodeLoss;

namespace LoadBalancer.Controller.NodeLoss;

/// <content>What becomes of a node that was marked: it comes back, or was alive all the time.</content>
internal sealed partial class NodeLossLoop
{
    // The kubelet renews every 10 s; what it had sent before may arrive a little late.
    private static readonly TimeSpan LeaseWatch = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan Contradicted = TimeSpan.FromSeconds(2);

    // Any replica: the one that marked may be gone. The leader first, so that it is told once.
    private async Task<bool> LookAfterMarkedAsync(CancellationToken stop)
    {
        var watching = false;
        foreach (var entry in ledger.Record.Entries.Where(static e => e.Outcome == LossOutcome.Marked).ToList())
        {
            var at = ledger.Record.Find(entry.Node, entry.Boot)!.Value.At;
            var isSaid = open.ContainsKey((entry.Node, entry.Boot));
            var patience = around.IsLeader() ? TimeSpan.Zero : Contradicted;
            if (evidence.IsBack(entry.Node, isSaid, Now - at, patience))
            {
                if (await EnterAsync(entry.Node, entry.Boot, LossOutcome.Returned, stop).ConfigureAwait(false))
                {
                    events.TellReturned(entry.Node, Now - at);
                }
            }
            else if (Now - at <= LossRecord.KeptFor)
            {
                watching = true;
                await LookForFalseAlarmAsync(entry, Now - at, patience, stop).ConfigureAwait(false);
            }
        }

        return watching;
    }

    // A node that is back renews its Lease too, and was found to be back: what comes here contradicts speakers that go on saying that it is lost.
    private async Task LookForFalseAlarmAsync(LossEntry entry, TimeSpan sinceMark, TimeSpan patience, CancellationToken stop)
    {
        if (sinceMark <= LeaseWatch && around.SinceNodeLease(entry.Node) is { } age && age < sinceMark && age >= Contradicted + patience)
        {
            await FalseAlarmAsync(entry with { Outcome = LossOutcome.FalseAlarm }, "its kubelet renewed the Node's Lease afterwards", stop).ConfigureAwait(false);
        }
    }

    private async Task FalseAlarmAsync(LossEntry entry, string why, CancellationToken stop)
    {
        try
        {
            if (await ledger.TryWriteAsync(entry, Now, stop).ConfigureAwait(false))
            {
                NodeLossMetrics.FalseAlarm();
                LogFalseAlarm(entry.Node, why);
                events.TellFalseAlarm(entry.Node, why);
            }
        }
        catch (HttpRequestException e)
        {
            LogNotEntered(entry.Node, e.Message);
        }
    }
}
