using LoadBalancer.Core.Allocation;
using LoadBalancer.Kubernetes.Events;
using LoadBalancer.Kubernetes.Resources;

namespace LoadBalancer.Controller.Assigning;

/// <summary>What is done about another program that changes the statuses too.</summary>
internal sealed partial class Assignments
{
    /// <summary>Notes a change of the status that was not made here and has to be put right.</summary>
    private void WatchStatus(Decision decision, ServiceResource service, ServiceFacts facts, ServiceRecord record)
    {
        var before = record.Seen;
        record.Seen = facts.Status;
        if (decision is Decision.Leave)
        {
            record.Contention = null; // another's Service: its status is not our business
            contended.Remove(service.Key);
        }
        else if (decision is Decision.Set or Decision.Clear && before is not null && !before.SequenceEqual(facts.Status)
            && !MayBeOurs(record.Write, facts))
        {
            record.Contention ??= new StatusContention(time);
            record.Contention.Altered(service.StatusManager, decision.Result);
            ControllerMetrics.ForeignChange();
        }
    }

    // A write whose answer was lost.
    private static bool MayBeOurs(StatusWrite? write, ServiceFacts facts) =>
        write is { Outcome: not StatusWriteOutcome.NotSent }
        && facts.Status.Count == write.Addresses.Count && facts.ShownAddresses.All(write.Addresses.Contains);

    /// <summary>Whether the status is left as another made it for now; then it is looked at again when the time has come.</summary>
    private bool IsToWait(ServiceRecord record, ServiceResource service, Assignment? wanted)
    {
        var wait = record.Contention?.WaitFor(wanted) ?? TimeSpan.Zero;
        if (record.Contention is not { } contention || wait == TimeSpan.Zero)
        {
            return false;
        }

        contended.Add(service.Key);
        later(service.Key, wait);
        if (!contention.IsTold)
        {
            contention.Tell();
            events.TellContention(service, contention, wanted);
        }

        return true;
    }

    /// <summary>The status is as it is to be: after some time like that the contention is over.</summary>
    private void IsRight(ServiceRecord record, ServiceResource service, Assignment? assignment)
    {
        if (record.Contention is not { } contention)
        {
            return;
        }

        var left = contention.Right();
        if (contention.IsOn)
        {
            later(service.Key, left);
        }
        else if (contention.IsTold)
        {
            record.Contention = null;
            contended.Remove(service.Key);
            if (assignment is not null)
            {
                events.TellContentionEnded(service, contention, assignment);
            }
        }
    }

    private void RemindOfContention()
    {
        foreach (var key in contended)
        {
            if (records.GetValueOrDefault(key)?.Contention is { IsTold: true } contention && stores.Services.Get(key) is { } service
                && time.GetElapsedTime(contention.LastTold) >= IEventRecorder.RepeatPeriod)
            {
                contention.LastTold = time.GetTimestamp();
                events.RepeatContention(service, contention, allocator.Find(IdOf(key)), time.GetElapsedTime(contention.Since));
            }
        }
    }

    private static AllocationReason? CauseOf(Decision decision) => decision switch
    {
        Decision.Set set => set.Cause?.Reason,
        Decision.Clear clear => clear.Cause.Reason,
        _ => null,
    };
}
